/** Arrays of a host: each asked for once, kept within a budget of bytes, given up when nobody waits any more. */

import type { Host } from "../hosts/host";
import type { BlobRef } from "../protocol";
import { decoded, type Numbers, type Tensor } from "./arrays";
import { Kept } from "./kept";

interface Coming {
  promise: Promise<Tensor<Numbers>>;
  waiting: number;
  stop: AbortController;
}

export class Blobs {
  #kept: Kept<Tensor<Numbers>>;
  #coming = new Map<string, Coming>();

  constructor(
    readonly host: Host,
    budget = 2 ** 28,
  ) {
    this.#kept = new Kept(budget);
  }

  /** Return an array; rejects with the signal's reason when it is aborted. */
  async get<T extends Numbers = Float32Array>(ref: BlobRef, signal?: AbortSignal): Promise<Tensor<T>> {
    signal?.throwIfAborted();
    const found = this.#kept.get(ref.name) ?? (await this.#wait(ref, signal));
    return found as Tensor<T>;
  }

  async #wait(ref: BlobRef, signal?: AbortSignal): Promise<Tensor<Numbers>> {
    const coming = this.#coming.get(ref.name) ?? this.#ask(ref);
    coming.waiting++;
    const leave = () => {
      if (--coming.waiting === 0) this.#forget(ref.name, coming);
    };
    return untilAborted(coming.promise, signal).finally(leave);
  }

  #ask(ref: BlobRef): Coming {
    const stop = new AbortController();
    const promise = this.host.ask({ kind: "blob", name: ref.name }, stop.signal).then((blob) => {
      const tensor = decoded(blob, ref.scales);
      this.#kept.set(ref.name, tensor, tensor.values.byteLength);
      return tensor;
    });
    const coming = { promise, waiting: 0, stop };
    this.#coming.set(ref.name, coming);
    return coming;
  }

  #forget(name: string, coming: Coming): void {
    if (this.#coming.get(name) === coming) this.#coming.delete(name);
    coming.promise.catch(() => {}); // nobody is there to be told
    coming.stop.abort();
  }
}

/** Return what a promise gives, or reject as soon as a signal is aborted. */
export function untilAborted<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
