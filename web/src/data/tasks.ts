/** What is computed of a head, in a worker or in the page. */

import type { Request } from "../protocol";
import type { Head } from "./heads";
import { columnOf, rowsOf } from "./rows";
import type { Steps } from "./steps";
import { tileOf } from "./tiles";

type Computed = Extract<Request, { head: number }>;
type Where = "map" | "batch" | "head";

/** A request without the head that it is of. */
export type Task = Computed extends infer R ? (R extends Computed ? Omit<R, Where> : never) : never;

/** Return what a task asks for, in steps. */
export function stepsOf(head: Head, task: Task): Steps {
  switch (task.kind) {
    case "rows":
      return rowsOf(head, task.queries);
    case "column":
      return columnOf(head, task.key);
    case "tile":
      return tileOf(head, task);
  }
}

/** Return about how many multiplications a task takes. */
export function costOf(task: Task, queries: number, keys: number, depth: number): number {
  const rows =
    task.kind === "rows" ? task.queries.length : task.kind === "column" ? queries : 256 * 2 ** task.level;
  return Math.min(rows, queries) * keys * depth;
}
