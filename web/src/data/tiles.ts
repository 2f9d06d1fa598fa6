/** Pooled parts of a head, as a map that is zoomed is drawn from. */

import type { TileAt } from "../protocol";
import { costOfRow, type Head, isThere, weights } from "./heads";
import { each, type Steps } from "./steps";

/** The largest number of cells along each side of a tile. */
export const SIDE = 256;

/** Return a tile (cell, cell); at the lower and right edges cells pool what there is; no cell pools padding, or rows that are not there. */
export function* tileOf(head: Head, { level, row, column, how }: TileAt): Steps {
  const size = 2 ** level;
  const [top, bottom] = extent(row, size, head.queries);
  const [left, right] = extent(column, size, head.keys);
  const shape: [number, number] = [Math.ceil((bottom - top) / size), Math.ceil((right - left) / size)];
  if (shape[0] <= 0 || shape[1] <= 0) {
    throw new Error(
      `tile (${row}, ${column}) of level ${level} was asked for, but the map is ${head.queries} × ${head.keys}`,
    );
  }
  const values = new Float32Array(shape[0] * shape[1]).fill(how === "max" ? Number.NEGATIVE_INFINITY : 0);
  const part = new Float32Array(right - left);
  const rows = new Int32Array(shape[0]); // that are pooled
  const step = each(costOfRow(head));
  for (let query = top; query < bottom; query++) {
    if (query > top && (query - top) % step === 0) yield;
    if (head.padding?.[query] || !isThere(head, query)) continue;
    rows[Math.floor((query - top) / size)]! += 1;
    weights(head, query, left, right, part);
    pool(part, size, how, values, Math.floor((query - top) / size) * shape[1]);
  }
  finish(values, shape, size, rows, right - left, how);
  return { values, shape };
}

function extent(tile: number, size: number, count: number): [number, number] {
  return [tile * SIDE * size, Math.min(count, (tile + 1) * SIDE * size)];
}

function pool(part: Float32Array, size: number, how: TileAt["how"], values: Float32Array, at: number): void {
  for (let key = 0; key < part.length; key++) {
    const cell = at + Math.floor(key / size);
    values[cell] = how === "max" ? Math.max(values[cell]!, part[key]!) : values[cell]! + part[key]!;
  }
}

/** Make means of sums; what has padding alone is no number. */
function finish(
  values: Float32Array,
  shape: [number, number],
  size: number,
  rows: Int32Array,
  columns: number,
  how: TileAt["how"],
): void {
  for (let i = 0; i < values.length; i++) {
    const count = rows[Math.floor(i / shape[1])]!;
    if (!count) values[i] = Number.NaN;
    else if (how === "mean") values[i]! /= count * Math.min(size, columns - (i % shape[1]) * size);
  }
}
