/** Computes tasks in a worker; in the page where a policy forbids workers. */

import type { Tensor } from "./arrays";
import type { Head } from "./heads";
import { Kept } from "./kept";
import { Queue } from "./queue";
import type { Task } from "./tasks";
import type { FromWorker, ToWorker } from "./worker";

/** The part of a Worker that is used. */
export interface WorkerLike {
  postMessage(message: ToWorker): void;
  terminate(): void;
  onmessage: ((event: { data: FromWorker }) => void) | null;
  onerror: ((event: never) => void) | null;
}

interface Pending {
  head: Head;
  task: Task;
  resolve: (tensor: Tensor) => void;
  reject: (reason: unknown) => void;
}

const PATIENCE = 3000; // milliseconds: some policies let a worker neither start nor fail

export class Engine {
  #worker: WorkerLike | null = null;
  #held: Kept<true>;
  #pending = new Map<number, Pending>();
  #asked = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #here = new Queue(
    {
      done: (id, tensor) => this.#taken(id)?.resolve(tensor),
      failed: (id, why) => this.#taken(id)?.reject(why),
    },
    (next) => setTimeout(next),
  ); // where there is no worker

  /** `start` makes the worker; `budget` is how many bytes of heads it may hold. */
  constructor(start: (() => WorkerLike) | null, budget = 2 ** 28) {
    this.#held = new Kept(budget, (name) => this.#worker?.postMessage({ kind: "drop", name }));
    try {
      this.#worker = start?.() ?? null;
    } catch {} // the page computes
    if (!this.#worker) return;
    this.#worker.onmessage = (event) => this.#hear(event.data);
    this.#worker.onerror = () => this.#fallBack();
    this.#timer = setTimeout(() => this.#fallBack(), PATIENCE);
  }

  /** Where tasks are computed. */
  get where(): "worker" | "page" {
    return this.#worker ? "worker" : "page";
  }

  /** Compute a task of a head; the same name means the same head. */
  run(name: string, head: Head, task: Task, signal?: AbortSignal): Promise<Tensor> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const id = this.#asked++;
      this.#pending.set(id, { head, task, resolve, reject });
      signal?.addEventListener("abort", () => this.#cancel(id, signal.reason), { once: true });
      if (this.#worker) this.#send(this.#worker, id, name, head, task);
      else this.#here.add(id, head, task);
    });
  }

  /** End the worker; what is not answered yet never is. */
  close(): void {
    clearTimeout(this.#timer);
    this.#worker?.terminate();
    this.#worker = null;
    for (const id of this.#pending.keys()) this.#here.cancel(id);
    this.#pending.clear();
  }

  #send(worker: WorkerLike, id: number, name: string, head: Head, task: Task): void {
    if (!this.#held.get(name)) {
      worker.postMessage({ kind: "hold", name, head });
      this.#held.set(name, true, bytesOf(head));
    }
    worker.postMessage({ kind: "task", id, name, task });
  }

  #hear(message: FromWorker): void {
    clearTimeout(this.#timer);
    if (message.kind === "ready") return;
    const pending = this.#taken(message.id);
    if (message.kind === "done") pending?.resolve(message.tensor);
    else pending?.reject(new Error(message.why));
  }

  #fallBack(): void {
    clearTimeout(this.#timer);
    this.#worker?.terminate();
    this.#worker = null;
    for (const [id, { head, task }] of this.#pending) this.#here.add(id, head, task);
  }

  #cancel(id: number, reason: unknown): void {
    const pending = this.#taken(id);
    if (!pending) return;
    this.#worker?.postMessage({ kind: "cancel", id });
    this.#here.cancel(id);
    pending.reject(reason);
  }

  #taken(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }
}

/** Return a worker that runs a text; throws where none can be made. */
export function workerOf(text: string): WorkerLike {
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try {
    return new Worker(address) as unknown as WorkerLike;
  } finally {
    setTimeout(() => URL.revokeObjectURL(address), PATIENCE);
  }
}

/** Return how many bytes the arrays of a head have. */
export function bytesOf(head: Head): number {
  if (head.kind === "dense") return head.weights.byteLength;
  const spread = [head.bias, head.mask].map((one) => one?.values.byteLength ?? 0);
  return head.q.byteLength + head.k.byteLength + spread[0]! + spread[1]!;
}
