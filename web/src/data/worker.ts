/** The worker: holds the heads that it was sent and computes one task after another. */

import type { Tensor } from "./arrays";
import type { Head } from "./heads";
import { computed, type Task } from "./tasks";

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

/** Answer what comes in at a port, tiles last. A task waits for its turn, so that it can be cancelled until then. */
export function serve(port: Port): void {
  const heads = new Map<string, Head>();
  const waiting: { id: number; head: Head; task: Task }[] = []; // with its head, which may be dropped meanwhile

  const next = () => {
    const soon = waiting.findIndex(({ task }) => task.kind !== "tile"); // a tile may take a second
    const [one] = waiting.splice(Math.max(soon, 0), 1);
    if (!one) return;
    try {
      const tensor = computed(one.head, one.task);
      port.postMessage({ kind: "done", id: one.id, tensor }, { transfer: [tensor.values.buffer] });
    } catch (error) {
      port.postMessage({
        kind: "failed",
        id: one.id,
        why: error instanceof Error ? error.message : String(error),
      });
    }
  };
  const take = (message: ToWorker) => {
    if (message.kind === "hold") heads.set(message.name, message.head);
    else if (message.kind === "drop") heads.delete(message.name);
    else if (message.kind === "cancel") remove(waiting, message.id);
    else {
      waiting.push({ id: message.id, head: heads.get(message.name)!, task: message.task });
      setTimeout(next);
    }
  };
  port.onmessage = (event) => take(event.data);
  port.postMessage({ kind: "ready" });
}

function remove(waiting: { id: number }[], id: number): void {
  const place = waiting.findIndex((one) => one.id === id);
  if (place >= 0) waiting.splice(place, 1);
}
