/** The worker: holds the heads that it was sent and computes tasks of them. */

import type { Tensor } from "./arrays";
import type { Head } from "./heads";
import { Queue } from "./queue";
import type { Task } from "./tasks";

export type ToWorker =
  | { kind: "hold"; name: string; head: Head }
  | { kind: "drop"; name: string }
  | { kind: "task"; id: number; name: string; task: Task }
  | { kind: "cancel"; id: number };

export type FromWorker =
  | { kind: "ready" }
  | { kind: "done"; id: number; tensor: Tensor }
  | { kind: "failed"; id: number; why: string };

interface Port {
  postMessage(message: FromWorker, options?: { transfer: ArrayBufferLike[] }): void;
  onmessage: ((event: { data: ToWorker }) => void) | null;
}

/**
 * Answer what comes in at a port. A task waits for its turn and is computed in steps, so that one that is quicker comes
 * before it, and that it can be cancelled until it is done.
 */
export function serve(port: Port, later = (next: () => void): unknown => setTimeout(next)): void {
  const heads = new Map<string, Head>();
  const queue = new Queue(
    {
      done: (id, tensor) =>
        port.postMessage({ kind: "done", id, tensor }, { transfer: [tensor.values.buffer] }),
      failed: (id, error) => {
        const why = error instanceof Error ? error.message : String(error);
        port.postMessage({ kind: "failed", id, why });
      },
    },
    later,
  );
  port.onmessage = ({ data: message }) => {
    if (message.kind === "hold") heads.set(message.name, message.head);
    else if (message.kind === "drop") heads.delete(message.name);
    else if (message.kind === "cancel") queue.cancel(message.id);
    else queue.add(message.id, heads.get(message.name)!, message.task); // with its head, which may be dropped meanwhile
  };
  port.postMessage({ kind: "ready" });
}
