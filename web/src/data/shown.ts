/** What is drawn of a row of weights: without sinks, of one part, the largest of them. */

import type { Axis, Band, MapInfo } from "../protocol";

/** A row as it is drawn, and what was left out of it; of signed weights sizes are added up. */
export interface Shown {
  values: Float32Array;
  max: number;
  /** The share that sinks had, removed or not; 0 where they stay. */
  removed: number;
  /** The share of what is left that is drawn. */
  mass: number;
  tokens: number;
  /** What is drawn adds up to. */
  sum: number;
  /** The share that the part has which is looked at. */
  share: number;
  /** How many weights are no numbers. */
  missing: number;
}

/** Return which tokens are sinks: special ones, and the first; of special ones alone, as object queries, none is. */
export function sinksOf(axis: Axis): number[] {
  if (axis.segments.every((one) => one.kind === "special")) return [];
  const found = new Set<number>(axis.length > 1 ? [0] : []);
  for (const one of axis.segments) {
    if (one.kind === "special") found.add(one.begin);
  }
  return [...found].sort((a, b) => a - b);
}

/** Return a row without sinks, the rest renormalised to what all had, and only its largest weights. */
export function shownOf(
  row: Float32Array,
  sinks: number[],
  mass: number,
  signed = false,
  part: { begin: number; end: number } = { begin: 0, end: row.length },
): Shown {
  const values = row.slice();
  const total = sum(values);
  const missing = values.reduce((count, value) => count + Number(Number.isNaN(value)), 0);
  let removed = 0;
  for (const sink of sinks) {
    removed += Math.abs(values[sink] ?? 0);
    values[sink] = Number.NaN;
  }
  const left = total - removed;
  if (removed && left > 0 && !signed) for (let i = 0; i < values.length; i++) values[i]! *= total / left;
  const whole = sum(values);
  values.fill(Number.NaN, 0, part.begin).fill(Number.NaN, part.end);
  const share = whole ? sum(values) / whole : 0;
  const { shown, tokens } = cut(values, mass);
  let max = 0;
  for (const value of values) if (Math.abs(value) > max) max = Math.abs(value);
  return {
    values,
    max,
    removed: total ? removed / total : 0,
    mass: shown,
    tokens,
    sum: sum(values),
    share,
    missing,
  };
}

const HALF = 1e-5; // of a float of 16 bits two digits are there from here on: its steps are of 6e-8

/** Return the weight below which a head's have no digits, as they were sent; 0: all have. */
export function leastOf({ rows, shape }: MapInfo, { batch, head }: { batch: number; head: number }): number {
  const held = rows.kind === "dense" ? rows.heads[batch * shape[1] + head] : null;
  return held?.dtype === "f2" ? HALF : 0;
}

/** Return which step a query is of, by the first query of each. */
export function stepOf(steps: number[], query: number): number {
  return steps.filter((first) => first <= query).length - 1;
}

/** Return the first key that comes after a query, which it cannot see; null where a map does not say so. */
export function laterThan(map: MapInfo, query: number): number | null {
  const { band, diagonal } = bandOf(map, query);
  let last = map.grows ? (map.places?.[query] ?? query) : null;
  if (band && band.right !== null && diagonal !== undefined) last = query + diagonal + band.right;
  return last === null || last + 1 >= map.shape[3] ? null : last + 1;
}

/** Return the first key that a query sees: those before it lie outside of a window; 0 where a map does not say so. */
export function firstSeen(map: MapInfo, query: number): number {
  const { band, diagonal } = bandOf(map, query);
  if (!band || band.left === null || diagonal === undefined) return 0;
  return Math.max(0, Math.min(map.shape[3], query + diagonal - band.left));
}

/** The band of a map, if one is known, and where it lies for a query. */
function bandOf({ rows }: MapInfo, query: number): { band: Band | null; diagonal: number | undefined } {
  const band = ("band" in rows && rows.band) || null;
  return { band, diagonal: typeof band?.diagonal === "number" ? band.diagonal : band?.diagonal[query] };
}

/** Keep the largest weights that make a share of all, and set the others to 0. */
function cut(values: Float32Array, mass: number): { shown: number; tokens: number } {
  const there = Array.from(values.keys()).filter((i) => Math.abs(values[i]!) > 0);
  if (mass >= 1) return { shown: 1, tokens: there.length };
  const size = (i: number) => Math.abs(values[i]!);
  const total = there.reduce((all, i) => all + size(i), 0);
  there.sort((a, b) => size(b) - size(a));
  let taken = 0;
  let tokens = 0;
  while (tokens < there.length && taken < mass * total) taken += size(there[tokens++]!);
  for (const i of there.slice(tokens)) values[i] = 0;
  return { shown: total ? taken / total : 0, tokens };
}

function sum(values: Float32Array): number {
  let total = 0;
  for (const value of values) total += Math.abs(value || 0);
  return total;
}
