/** Windows of one grid: each row of the batch has some of its cells, and another row the next. */

import type { Axis, Manifest, MapInfo } from "../protocol";

/** What the tokens of a row of the batch are. */
export interface Window {
  batch: number;
  axis: Axis;
}

/** A token, and the row of the batch that it is in. */
export interface Spot {
  batch: number;
  token: number;
}

/** Return the windows that are of one item with a row of the batch; none where rows are no windows. */
export function windowsOf(
  manifest: Manifest,
  map: MapInfo,
  side: "queries" | "keys",
  batch: number,
): Window[] {
  const axes = map[side].map((number) => manifest.axes[number]!);
  const count = windowsIn(axes[axes.length > 1 ? batch : 0]);
  if (!count) return [];
  const begin = Math.floor(batch / count) * count;
  return Array.from({ length: Math.min(count, map.shape[0] - begin) }, (_, i) => ({
    batch: begin + i,
    axis: axes[axes.length > 1 ? begin + i : 0]!,
  }));
}

/** Return how many rows of the batch are windows of one item; 0: rows are no windows. */
export function windowsIn(axis: Axis | undefined): number {
  const grid = axis?.segments.find((one) => one.kind === "grid" && one.windows);
  return grid?.kind === "grid" ? (grid.windows ?? 0) : 0;
}

/** Return where a flat cell of the grid that begins at a token lies; null if no window has it. */
export function spotOf(windows: Window[], begin: number, cell: number): Spot | null {
  for (const { batch, axis } of windows) {
    const grid = axis.segments.find((one) => one.begin === begin);
    const inner = grid?.kind === "grid" ? (grid.cells?.indexOf(cell) ?? -1) : -1;
    if (inner >= 0) return { batch, token: begin + inner };
  }
  return null;
}
