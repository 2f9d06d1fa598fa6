/** Arrays as the page computes with them: what was sent, decoded. */

import type { Blob_, Dtype } from "../protocol";
import { floatsOfHalves } from "./half";

export type Numbers = Float32Array | Uint8Array | Int32Array;

/** Numbers and the lengths of their axes, the last running fastest. */
export interface Tensor<T extends Numbers = Float32Array> {
  values: T;
  shape: number[];
}

const WIDTHS: Record<Dtype, number> = { f2: 2, f4: 4, u1: 1, i4: 4 };

/** Return an array that was sent as float32, uint8 or int32; throws if bytes are missing or left over. */
export function decoded(blob: Blob_): Tensor<Numbers> {
  const width = WIDTHS[blob.dtype];
  const count = blob.shape.reduce((product, length) => product * length, 1);
  if (blob.bytes.byteLength !== count * width) {
    throw new Error(
      `an array (${blob.shape.join(", ")}) of ${blob.dtype} was to be read, but ${blob.bytes.byteLength} bytes came`,
    );
  }
  return { values: numbers(owned(blob.bytes), blob.dtype, count), shape: blob.shape };
}

function numbers(bytes: Uint8Array, dtype: Dtype, count: number): Numbers {
  const { buffer, byteOffset } = bytes;
  if (dtype === "f2") return floatsOfHalves(new Uint16Array(buffer, byteOffset, count));
  if (dtype === "f4") return new Float32Array(buffer, byteOffset, count);
  return dtype === "i4" ? new Int32Array(buffer, byteOffset, count) : bytes;
}

/** Notebooks send bytes that begin anywhere in a message, which would be copied to the worker as a whole. */
function owned(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}
