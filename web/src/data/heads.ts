/** Weights of one head, from its factors: the same formula as `src/visualizer/viewer/factoring.py`. */

import type { Numbers } from "./arrays";

/**
 * One head as rows are computed from it; plain data, so that a worker can be sent it. `padding` has 1 for each query
 * that is none.
 */
export type Head = (FactoredHead | FormedHead) & { padding?: Uint8Array | null };

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

/** Tell whether a query's row is there. */
export function isThere(head: Head, query: number): boolean {
  return head.kind === "factors" || !head.listed || head.listed.includes(query);
}

/** Return about how many multiplications a row takes. */
export function costOfRow(head: Head): number {
  return head.keys * (head.kind === "factors" ? head.depth : 1);
}

/** Write a query's weights of the keys `begin` to `end` into `out`; NaN where the query was left out. */
export function weights(
  head: Head,
  query: number,
  begin: number,
  end: number,
  out: Float32Array,
  at = 0,
): void {
  if (head.kind === "factors") {
    computeWeights(head, query, begin, end, out, at);
    return;
  }
  const row = head.listed ? head.listed.indexOf(query) : query;
  if (row < 0) out.fill(Number.NaN, at, at + end - begin);
  else out.set(head.weights.subarray(row * head.keys + begin, row * head.keys + end), at);
}

function computeWeights(
  head: FactoredHead,
  query: number,
  begin: number,
  end: number,
  out: Float32Array,
  at: number,
): void {
  const known = denominatorsOf(head);
  const [low, high] = seen(head, query);
  const [first, last] = [Math.max(begin, low), Math.min(end, high)];
  const isNew = Number.isNaN(known[query]);
  const from = isNew ? low : first; // a denominator is of all keys, whose scores serve for the weights too
  const scores = score(head, query, from, isNew ? high : last);
  if (isNew) known[query] = logSumExp(scores, high - low, head.sink ?? Number.NEGATIVE_INFINITY);
  const denominator = known[query]!;
  out.fill(0, at, at + end - begin);
  if (denominator === Number.NEGATIVE_INFINITY) return;
  for (let key = first; key < last; key++)
    out[at + key - begin] = Math.exp(scores[key - from]! - denominator);
}

/** Logarithms of what rows are divided by: NaN until a row was read, -Infinity of one that sees no key. */
function denominatorsOf(head: FactoredHead): Float64Array {
  let known = denominators.get(head);
  if (!known) {
    known = new Float64Array(head.queries).fill(Number.NaN);
    denominators.set(head, known);
  }
  return known;
}

const denominators = new WeakMap<FactoredHead, Float64Array>();

function logSumExp(scores: Float64Array, count: number, sink: number): number {
  let top = sink;
  for (let i = 0; i < count; i++) if (scores[i]! > top) top = scores[i]!;
  if (top === Number.NEGATIVE_INFINITY) return top;
  let sum = Math.exp(sink - top);
  for (let i = 0; i < count; i++) sum += Math.exp(scores[i]! - top);
  return top + Math.log(sum);
}

/** Return scores of the keys `begin` to `end`, which the band allows; valid until the next call. */
function score(head: FactoredHead, query: number, begin: number, end: number): Float64Array {
  const { q, k, depth, bias, mask, softcap } = head;
  const out = scratch(end - begin);
  for (let key = begin; key < end; key++) {
    let x = dot(q, query * depth, k, key * depth, depth);
    if (softcap) x = softcap * Math.tanh(x / softcap);
    if (bias) x += bias.values[query * bias.perQuery + key * bias.perKey]!;
    const hidden = mask && !mask.values[query * mask.perQuery + key * mask.perKey];
    out[key - begin] = hidden ? Number.NEGATIVE_INFINITY : x;
  }
  return out;
}

function dot(q: Float32Array, i: number, k: Float32Array, j: number, depth: number): number {
  let a = 0;
  let b = 0; // two sums, so that one addition need not wait for the other
  const even = depth - (depth % 2);
  for (let d = 0; d < even; d += 2) {
    a += q[i + d]! * k[j + d]!;
    b += q[i + d + 1]! * k[j + d + 1]!;
  }
  return even < depth ? a + b + q[i + even]! * k[j + even]! : a + b;
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
