/** How finely a matrix is drawn: cells that are about as large as pixels of the screen, along each side. */

import type { Pooling } from "../protocol";
import type { Looked } from "./looked";

/** Cells of a level's tiles, `down` × `across` of which are drawn as one. */
export interface Grain {
  level: number;
  down: number;
  across: number;
}

const MOST = 2 ** 19; // cells that are read where one side needs finer ones than the other

/** Return the grain of what is looked at, in so many pixels, of which the screen has `ratio` for each. */
export function grainOf(looked: Looked, [width, height]: [number, number], ratio: number): Grain {
  const [rows, columns] = [
    levelOf(looked.rows / (height * ratio)),
    levelOf(looked.columns / (width * ratio)),
  ];
  const cells = (level: number) => (looked.rows / 2 ** level) * (looked.columns / 2 ** level);
  let level = Math.min(rows, columns);
  while (level < Math.max(rows, columns) && cells(level) > MOST) level++;
  return { level, down: 2 ** Math.max(0, rows - level), across: 2 ** Math.max(0, columns - level) };
}

function levelOf(weightsOfPixel: number): number {
  return Math.max(0, Math.ceil(Math.log2(Math.max(weightsOfPixel, 1e-9))));
}

/** Return a tile (cell, cell) with cells pooled that are drawn as one; those that are no numbers are left out. */
export function folded(
  values: Float32Array,
  [h, w]: [number, number],
  { down, across }: Grain,
  how: Pooling,
): { values: Float32Array; shape: [number, number] } {
  if (down === 1 && across === 1) return { values, shape: [h, w] };
  const shape: [number, number] = [Math.ceil(h / down), Math.ceil(w / across)];
  const found = new Float32Array(shape[0] * shape[1]).fill(Number.NaN);
  const counts = new Int32Array(found.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) continue;
    const at = Math.floor(i / w / down) * shape[1] + Math.floor((i % w) / across);
    const before = counts[at]! ? found[at]! : how === "max" ? value : 0;
    found[at] = how === "max" ? Math.max(before, value) : before + value;
    counts[at]!++;
  }
  if (how === "mean") for (let at = 0; at < found.length; at++) found[at]! /= counts[at]!;
  return { values: found, shape };
}
