/** The frame of a matrix: how its pixels are shared between names and cells, and what is drawn in it. */

import type { Table } from "../draw/colours";
import { type Grain, grainOf } from "../draw/grain";
import type { Looked } from "../draw/looked";
import type { Tiles } from "../draw/mosaic";
import { hatchUnseen } from "../draw/unseen";
import type { Store } from "../state";
import { type Labels, labelsOf, WIDEST, writeNames } from "./labels";

const HIGHEST = 0.78; // of the window; the style sheet has the same

/** Where cells lie in the frame, in pixels, and how rows and columns are named. */
export interface Frame {
  width: number;
  height: number;
  left: number;
  top: number;
  inner: number;
  tall: number;
  rows: Labels;
  columns: Labels;
}

/** Return how a frame of so many pixels is shared for what is looked at. */
export function frameOf(store: Store, looked: Looked, width: number, height: number): Frame {
  const [rows, columns] = labelsFor(store, looked, width);
  const [left, top] = [rows.edge, columns.edge];
  const [inner, tall] = [Math.max(1, width - left), Math.max(1, height - top)];
  return { width, height, left, top, inner, tall, rows, columns };
}

/** The height of the frame in pixels; none, and so nothing to be drawn, until its width is known. */
export function heightOf(store: Store, whole: Looked, width: number): number {
  if (!width) return 0;
  const [rows, columns] = labelsFor(store, whole, width);
  return columns.edge + Math.max(1, width - rows.edge) * shareOf(store);
}

/** How many weights the cells are of, on a screen. */
export function grainIn({ inner, tall }: Frame, looked: Looked, ratio = window.devicePixelRatio || 1): Grain {
  return grainOf(looked, [inner, tall], ratio);
}

interface Painted {
  frame: Frame;
  looked: Looked;
  tiles: Tiles;
  table: Table;
  /** The canvas on screen, which has the fonts and colours; a figure is drawn on another. */
  on: HTMLElement;
}

/** Draw cells, the cross of query and key, and names. */
export function paintMatrix(
  context: CanvasRenderingContext2D,
  ratio: number,
  store: Store,
  { frame, looked, tiles, table, on }: Painted,
): void {
  const { width, height, left, top, inner, tall } = frame;
  context.scale(ratio, ratio);
  context.clearRect(0, 0, width, height);
  context.save();
  context.translate(left, top);
  context.beginPath();
  context.rect(0, 0, inner, tall);
  context.clip();
  const grain = grainIn(frame, looked, ratio);
  tiles.draw(context, looked, [inner, tall], grain, store.pooling.value, table, store.spreading.value);
  hatchUnseen(context, store.map.value!, looked, [inner, tall], getComputedStyle(on).color);
  cross(context, looked, frame, store.query.value, store.key.value);
  context.restore();
  nameSides(context, store, frame, looked, on);
}

function nameSides(
  context: CanvasRenderingContext2D,
  store: Store,
  frame: Frame,
  looked: Looked,
  on: HTMLElement,
): void {
  const { left, top, inner, tall, rows, columns } = frame;
  const style = getComputedStyle(on);
  context.font = `11px ${style.fontFamily}`;
  const colours = { usual: style.color, marked: getComputedStyle(on.parentElement!).color };
  const down = { begin: looked.top, count: looked.rows, pixels: tall, offset: top, labels: rows };
  const across = { begin: looked.left, count: looked.columns, pixels: inner, offset: left, labels: columns };
  writeNames(context, { ...down, axis: store.queries.value, marked: store.query.value }, "rows", colours);
  writeNames(context, { ...across, axis: store.keys.value, marked: store.key.value }, "columns", colours);
}

function cross(
  context: CanvasRenderingContext2D,
  looked: Looked,
  { inner, tall }: Frame,
  query: number,
  key: number | null,
): void {
  const down = tall / looked.rows;
  const across = inner / looked.columns;
  context.strokeStyle = "rgba(255, 80, 80, 0.9)";
  context.lineWidth = 1;
  const y = (query - looked.top) * down;
  context.strokeRect(-2, y, inner + 4, Math.max(down, 1));
  if (key !== null) context.strokeRect((key - looked.left) * across, -2, Math.max(across, 1), tall + 4);
}

/** How rows and columns are named of what is looked at, in a frame of so many pixels. */
function labelsFor(store: Store, looked: Looked, width: number): [Labels, Labels] {
  const across = Math.max(1, width - WIDEST); // not what is left: names that came and went would change it
  const down = Math.max(1, Math.min(across * shareOf(store), HIGHEST * window.innerHeight - WIDEST));
  return [
    labelsOf(store.queries.value, looked.rows, down),
    labelsOf(store.keys.value, looked.columns, across),
  ];
}

/** The height of the matrix as a share of its width: cells are squares unless it is very long or flat. */
function shareOf(store: Store): number {
  const [, , queries, keys] = store.map.value!.shape;
  return Math.min(1.4, Math.max(0.3, queries / keys));
}
