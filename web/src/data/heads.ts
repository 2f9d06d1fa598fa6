/** Weights of one head, from its factors: the same formula as `src/visualizer/viewer/factoring.py`. */

import type { Numbers } from "./arrays";

/** One head as rows are computed from it; plain data, so that a worker can be sent it. */
export type Head = FactoredHead | FormedHead;

export interface FactoredHead {
  kind: "factors";
  queries: number;
  keys: number;
  depth: number;
  /** (query, depth), times the scale. */
  q: Float32Array;
  /** (key, depth) */
  k: Float32Array;
  softcap: number | null;
  bias: Spread | null;
  mask: Spread | null;
  left: number | null;
  right: number | null;
  diagonal: number | number[];
  sink: number | null;
}

export interface FormedHead {
  kind: "dense";
  queries: number;
  keys: number;
  /** (row, key) */
  weights: Float32Array;
  /** The query of each row; null: all. */
  listed: number[] | null;
}

/** Values of each (query, key): strides of 0 where they are the same for all. */
export interface Spread {
  values: Numbers;
  perQuery: number;
  perKey: number;
}

/** Logarithms of the denominators of rows that were read before; NaN for the others. */
const denominators = new WeakMap<FactoredHead, Float64Array>();

/** Write a query's weights of the keys `begin` to `end` into `out`; NaN where the query was left out. */
export function weights(
  head: Head,
  query: number,
  begin: number,
  end: number,
  out: Float32Array,
  at = 0,
): void {
  if (head.kind === "dense") {
    const row = head.listed ? head.listed.indexOf(query) : query;
    if (row < 0) out.fill(Number.NaN, at, at + end - begin);
    else out.set(head.weights.subarray(row * head.keys + begin, row * head.keys + end), at);
    return;
  }
  const denominator = denominatorOf(head, query);
  const scores = scratch(end - begin);
  score(head, query, begin, end, scores);
  for (let i = 0; i < end - begin; i++) {
    out[at + i] = denominator === Number.NEGATIVE_INFINITY ? 0 : Math.exp(scores[i]! - denominator);
  }
}

/** Return the logarithm of what a row is divided by; -Infinity of a row that sees no key. */
function denominatorOf(head: FactoredHead, query: number): number {
  let known = denominators.get(head);
  if (!known) {
    known = new Float64Array(head.queries).fill(Number.NaN);
    denominators.set(head, known);
  }
  if (Number.isNaN(known[query])) known[query] = logSumExp(head, query);
  return known[query]!;
}

function logSumExp(head: FactoredHead, query: number): number {
  const scores = scratch(head.keys);
  const [begin, end] = seen(head, query);
  score(head, query, begin, end, scores);
  let top = head.sink ?? Number.NEGATIVE_INFINITY;
  for (let i = 0; i < end - begin; i++) if (scores[i]! > top) top = scores[i]!;
  if (top === Number.NEGATIVE_INFINITY) return top;
  let sum = head.sink === null ? 0 : Math.exp(head.sink - top);
  for (let i = 0; i < end - begin; i++) sum += Math.exp(scores[i]! - top);
  return top + Math.log(sum);
}

/** Write scores of the keys `begin` to `end` into the first places of `out`; -Infinity where none is allowed. */
function score(head: FactoredHead, query: number, begin: number, end: number, out: Float64Array): void {
  const [low, high] = seen(head, query);
  const { bias, mask, softcap } = head;
  out.fill(Number.NEGATIVE_INFINITY, 0, end - begin);
  for (let key = Math.max(begin, low); key < Math.min(end, high); key++) {
    if (mask && !mask.values[query * mask.perQuery + key * mask.perKey]) continue;
    let x = dot(head, query, key);
    if (softcap) x = softcap * Math.tanh(x / softcap);
    out[key - begin] = bias ? x + bias.values[query * bias.perQuery + key * bias.perKey]! : x;
  }
}

function dot({ q, k, depth }: FactoredHead, query: number, key: number): number {
  let [a, b] = [0, 0]; // two sums, so that one addition need not wait for the other
  const [i, j] = [query * depth, key * depth];
  for (let d = 0; d + 1 < depth; d += 2) {
    a += q[i + d]! * k[j + d]!;
    b += q[i + d + 1]! * k[j + d + 1]!;
  }
  return depth % 2 ? a + b + q[i + depth - 1]! * k[j + depth - 1]! : a + b;
}

/** Return which keys the band lets a query see: from the first to below the second. */
function seen(head: FactoredHead, query: number): [number, number] {
  const middle = query + (typeof head.diagonal === "number" ? head.diagonal : head.diagonal[query]!);
  const low = head.left === null ? 0 : Math.max(0, middle - head.left);
  const high = head.right === null ? head.keys : Math.min(head.keys, middle + head.right + 1);
  return [low, Math.max(low, high)];
}

let space = new Float64Array(0);

function scratch(length: number): Float64Array {
  if (space.length < length) space = new Float64Array(2 * length);
  return space;
}
