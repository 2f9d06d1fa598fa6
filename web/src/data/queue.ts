/** Tasks that wait: rows come first and tiles last, a step at a time, and what is cancelled is gone. */

import type { Tensor } from "./arrays";
import type { Head } from "./heads";
import type { Steps } from "./steps";
import { stepsOf, type Task } from "./tasks";

interface Waiting {
  id: number;
  steps: Steps;
  rank: number;
}

const RANKS: Task["kind"][] = ["rows", "column", "tile"]; // a tile may take seconds

/** Told of each task what it gave, or why it failed. */
export interface Ends {
  done(id: number, tensor: Tensor): void;
  failed(id: number, why: unknown): void;
}

export class Queue {
  #waiting: Waiting[] = [];
  #runs = false;

  /** `later` calls what it is given after others had their turn, those who cancel among them. */
  constructor(
    readonly ends: Ends,
    readonly later: (next: () => void) => unknown,
  ) {}

  add(id: number, head: Head, task: Task): void {
    this.#waiting.push({ id, steps: stepsOf(head, task), rank: RANKS.indexOf(task.kind) });
    if (this.#runs) return;
    this.#runs = true;
    this.later(() => this.#step());
  }

  cancel(id: number): void {
    this.#waiting = this.#waiting.filter((one) => one.id !== id);
  }

  /** Take one step of the first among those that come first. */
  #step(): void {
    const rank = Math.min(...this.#waiting.map((one) => one.rank));
    const one = this.#waiting.find((found) => found.rank === rank);
    if (one) this.#advance(one);
    this.#runs = this.#waiting.length > 0;
    if (this.#runs) this.later(() => this.#step());
  }

  #advance({ id, steps }: Waiting): void {
    try {
      const step = steps.next();
      if (!step.done) return;
      this.cancel(id);
      this.ends.done(id, step.value);
    } catch (why) {
      this.cancel(id);
      this.ends.failed(id, why);
    }
  }
}
