/** What takes long, in steps of a few milliseconds, so that something quicker can come between. */

import type { Tensor } from "./arrays";

export type Steps = Generator<undefined, Tensor, undefined>;

const STEP = 2 ** 20; // multiplications

/** Tell after how many of things that take so many multiplications each a step ends. */
export function each(cost: number): number {
  return Math.max(1, Math.floor(STEP / Math.max(1, cost)));
}

/** Return what all steps give. */
export function finished(steps: Steps): Tensor {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
