/** Arrays as the page computes with them: what was sent, decoded. */

import type { Blob_, Dtype } from "../protocol";
import { floatsOfHalves } from "./half";

export type Numbers = Float32Array | Uint8Array;

/** Numbers and the lengths of their axes, the last running fastest. */
export interface Tensor<T extends Numbers = Float32Array> {
  values: T;
  shape: number[];
  /** Of how many rows each of its cells is, where not of all. */
  sampled?: number | null;
}

const WIDTHS: Record<Dtype, number> = { f2: 2, f4: 4, u1: 1, i2: 2 };

/** Return an array that was sent as float32 or uint8; throws if bytes are missing or left over. */
export function decoded(blob: Blob_, scales?: number[] | null): Tensor<Numbers> {
  const width = WIDTHS[blob.dtype];
  const count = blob.shape.reduce((product, length) => product * length, 1);
  if (blob.bytes.byteLength !== count * width) {
    throw new Error(
      `an array (${blob.shape.join(", ")}) of ${blob.dtype} was to be read, but ${blob.bytes.byteLength} bytes came`,
    );
  }
  return { values: numbers(owned(blob.bytes), blob.dtype, scales ?? [1]), shape: blob.shape };
}

function numbers(bytes: Uint8Array, dtype: Dtype, scales: number[]): Numbers {
  switch (dtype) {
    case "f2":
      return floatsOfHalves(new Uint16Array(bytes.buffer));
    case "f4":
      return new Float32Array(bytes.buffer);
    case "i2":
      return scaled(new Int16Array(bytes.buffer), Float32Array.from(scales));
    case "u1":
      return bytes;
  }
}

function scaled(wholes: Int16Array, scales: Float32Array): Float32Array {
  const floats = new Float32Array(wholes.length);
  for (let i = 0, column = 0; i < wholes.length; i++) {
    floats[i] = wholes[i]! * scales[column]!;
    if (++column === scales.length) column = 0;
  }
  return floats;
}

/** Notebooks send bytes that begin anywhere in a message, which would be copied to the worker as a whole. */
function owned(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}
