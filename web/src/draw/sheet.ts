/** Draws cells over their image: the photo greyed, one colour a cell, nothing smoothed. */

import type { ImageInfo } from "../protocol";
import { clipped, colourOf, type Scale, type Table } from "./colours";

type Box = [number, number, number, number];

const LEAST = 10; // pixels of a cell from which on lines do not hide what is between them

/** A canvas, and where in it the cells lie: left, top, width, height. */
export interface Frame {
  width: number;
  height: number;
  box: Box;
  /** What the model was given, beyond which no cell is drawn. */
  seen: Box;
}

export interface Sheet {
  frame: Frame;
  image: ImageInfo | undefined;
  /** Its pixels (height, width, 3). */
  photo: Uint8Array | null;
  /** The token of each cell, -1 where there is none. */
  tokens: Int32Array;
  h: number;
  w: number;
  values: Float32Array | null;
  table: Table;
  scale: Scale;
  marked: number | null;
  /** Which tokens are padding, as 1. */
  padding: Uint8Array | null;
  /** The first of the tokens that come after the query. */
  later: number | null;
  /** Whether the tokens are one window of the grid, which is then framed. */
  window: boolean;
}

/** Return the frame, so many pixels wide, of cells on an image, of which they cover `span`, or by themselves. */
export function frameOf(
  image: ImageInfo | undefined,
  [h, w]: [number, number],
  width: number,
  span: readonly [number, number] = [1, 1],
): Frame {
  const [high, wide] = image ? (image.blob.shape as [number, number]) : [h, w];
  const zoom = width / wide;
  const box = image ? image.box : ([0, 0, w, h] as const);
  const [left, top, across, down] = box.map((one) => one * zoom) as [number, number, number, number];
  const height = Math.max(1, Math.round(high * zoom));
  const [low, wider] = image ? span : [1, 1];
  return { width, height, box: [left, top, across * wider, down * low], seen: [left, top, across, down] };
}

export function drawSheet(canvas: HTMLCanvasElement, sheet: Sheet): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const { width, height } = sheet.frame;
  canvas.width = width;
  canvas.height = height;
  if (sheet.photo && sheet.image)
    drawPhoto(context, sheet.photo, sheet.image, width, height, sheet.values !== null);
  context.save();
  context.beginPath();
  context.rect(...sheet.frame.seen);
  context.clip();
  drawCells(context, sheet);
  drawGrid(context, sheet);
  context.restore();
  if (sheet.window) drawWindow(context, sheet);
  if (sheet.marked !== null) drawMark(context, sheet, sheet.tokens.indexOf(sheet.marked));
}

/** Draw an image alone, greyed, for what lies on it; without one an even ground. */
export function drawPicture(
  canvas: HTMLCanvasElement,
  frame: Frame,
  image: ImageInfo | undefined,
  photo: Uint8Array | null,
): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  canvas.width = frame.width;
  canvas.height = frame.height;
  context.fillStyle = "#808080";
  context.fillRect(0, 0, frame.width, frame.height);
  if (photo && image) drawPhoto(context, photo, image, frame.width, frame.height, true);
}

function drawPhoto(
  context: CanvasRenderingContext2D,
  photo: Uint8Array,
  image: ImageInfo,
  width: number,
  height: number,
  greyed: boolean,
): void {
  const [high, wide] = image.blob.shape as [number, number];
  const pictures = greyed ? greys : colours;
  let picture = pictures.get(photo);
  if (!picture) {
    picture = pictureOf(photo, wide, high, greyed);
    pictures.set(photo, picture);
  }
  context.imageSmoothingEnabled = width < wide; // pixels of the photo stay pixels
  context.drawImage(picture, 0, 0, width, height);
}

const greys = new WeakMap<Uint8Array, OffscreenCanvas>();
const colours = new WeakMap<Uint8Array, OffscreenCanvas>();

function pictureOf(photo: Uint8Array, wide: number, high: number, greyed: boolean): OffscreenCanvas {
  const { data } = new ImageData(wide, high);
  for (let i = 0; i < high * wide; i++) {
    const [r, g, b] = [photo[3 * i]!, photo[3 * i + 1]!, photo[3 * i + 2]!];
    const grey = 0.3 * r + 0.59 * g + 0.11 * b;
    data[4 * i] = greyed ? grey : r;
    data[4 * i + 1] = greyed ? grey : g;
    data[4 * i + 2] = greyed ? grey : b;
    data[4 * i + 3] = 255;
  }
  const picture = new OffscreenCanvas(wide, high);
  picture.getContext("2d")?.putImageData(new ImageData(data, wide, high), 0, 0);
  return picture;
}

/** The left, top, width and height of a cell. */
function boxOf({ frame, h, w }: Sheet, cell: number): Box {
  const [left, top, width, height] = frame.box;
  return [left + ((cell % w) * width) / w, top + (Math.floor(cell / w) * height) / h, width / w, height / h];
}

function drawCells(context: CanvasRenderingContext2D, sheet: Sheet): void {
  const { tokens, values, table, scale, photo, padding, later } = sheet;
  for (let cell = 0; cell < tokens.length; cell++) {
    const token = tokens[cell]!;
    const hidden = token < 0 || (later !== null && token >= later);
    const value = hidden ? Number.NaN : (values?.[token] ?? Number.NaN);
    if (padding?.[token]) strike(context, boxOf(sheet, cell));
    if (Number.isNaN(value) && photo) continue;
    context.globalAlpha = photo ? 0.7 : 1;
    context.fillStyle = colourOf(table, scale, value) ?? `rgb(128 128 128 / ${hidden ? 0.1 : 0.3})`;
    context.fillRect(...boxOf(sheet, cell));
    if (value && clipped(scale, value)) dot(context, boxOf(sheet, cell));
  }
  context.globalAlpha = 1;
}

/** Mark a cell whose weight lies beyond the scale. */
function dot(context: CanvasRenderingContext2D, [x, y, width, height]: Box): void {
  const size = Math.max(1, Math.min(width, height) / 6);
  context.fillStyle = "rgba(255, 255, 255, 0.6)";
  context.fillRect(x + (width - size) / 2, y + (height - size) / 2, size, size);
}

/** Cross out a cell that is padding. */
function strike(context: CanvasRenderingContext2D, [x, y, width, height]: Box): void {
  context.strokeStyle = "rgba(128, 128, 128, 0.8)";
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + width, y + height);
  context.stroke();
}

/** Frame the cells that are of the window. */
function drawWindow(context: CanvasRenderingContext2D, sheet: Sheet): void {
  const { tokens, h, w } = sheet;
  const there = (row: number, column: number) =>
    row >= 0 && row < h && column >= 0 && column < w && tokens[row * w + column]! >= 0;
  context.strokeStyle = "#fff";
  context.lineWidth = 2;
  context.beginPath();
  for (let cell = 0; cell < tokens.length; cell++) {
    const [row, column] = [Math.floor(cell / w), cell % w];
    if (!there(row, column)) continue;
    const [x, y, width, height] = boxOf(sheet, cell);
    const side = (open: boolean, from: [number, number], to: [number, number]) => {
      if (open) return;
      context.moveTo(...from);
      context.lineTo(...to);
    };
    side(there(row - 1, column), [x, y], [x + width, y]);
    side(there(row + 1, column), [x, y + height], [x + width, y + height]);
    side(there(row, column - 1), [x, y], [x, y + height]);
    side(there(row, column + 1), [x + width, y], [x + width, y + height]);
  }
  context.stroke();
  context.lineWidth = 1;
}

function drawGrid(context: CanvasRenderingContext2D, { frame, h, w }: Sheet): void {
  const [left, top, width, height] = frame.box;
  if (width / w < LEAST) return;
  context.strokeStyle = "rgba(128, 128, 128, 0.4)";
  context.beginPath();
  for (let i = 0; i <= w; i++) {
    const x = Math.round(left + (i * width) / w) + 0.5;
    context.moveTo(x, top);
    context.lineTo(x, top + height);
  }
  for (let i = 0; i <= h; i++) {
    const y = Math.round(top + (i * height) / h) + 0.5;
    context.moveTo(left, y);
    context.lineTo(left + width, y);
  }
  context.stroke();
}

/** Frame a cell so that it is seen on any colour. */
function drawMark(context: CanvasRenderingContext2D, sheet: Sheet, cell: number): void {
  if (cell < 0) return;
  const [x, y, width, height] = boxOf(sheet, cell);
  for (const [colour, line] of [
    ["#000", 5],
    ["#fff", 2],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = line;
    context.strokeRect(x + 1, y + 1, width - 2, height - 2);
  }
}
