/** Draws cells over their image: the photo greyed, one colour a cell, nothing smoothed. */

import type { ImageInfo } from "../protocol";
import { colourOf, type Scale, type Table } from "./colours";

const WIDEST = 448; // pixels

/** A canvas, and where in it the cells lie: left, top, width, height. */
export interface Frame {
  width: number;
  height: number;
  box: readonly [number, number, number, number];
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
}

/** Return the frame of cells on an image, or by themselves. */
export function frameOf(image: ImageInfo | undefined, h: number, w: number): Frame {
  if (!image) {
    const cell = Math.max(4, Math.floor(WIDEST / Math.max(h, w)));
    return { width: w * cell, height: h * cell, box: [0, 0, w * cell, h * cell] };
  }
  const [high, wide] = image.blob.shape as [number, number];
  const zoom = Math.max(1, Math.ceil(WIDEST / Math.max(high, wide)));
  const [left, top, width, height] = image.box;
  return {
    width: wide * zoom,
    height: high * zoom,
    box: [left * zoom, top * zoom, width * zoom, height * zoom],
  };
}

export function drawSheet(canvas: HTMLCanvasElement, sheet: Sheet): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  canvas.width = sheet.frame.width;
  canvas.height = sheet.frame.height;
  if (sheet.photo && sheet.image) drawPhoto(context, sheet.photo, sheet.image, sheet);
  drawCells(context, sheet);
  drawGrid(context, sheet);
  if (sheet.marked !== null) drawMark(context, sheet, sheet.tokens.indexOf(sheet.marked));
}

function drawPhoto(
  context: CanvasRenderingContext2D,
  photo: Uint8Array,
  image: ImageInfo,
  sheet: Sheet,
): void {
  const [high, wide] = image.blob.shape as [number, number];
  const picture = new ImageData(wide, high);
  for (let i = 0; i < high * wide; i++) {
    const [r, g, b] = [photo[3 * i]!, photo[3 * i + 1]!, photo[3 * i + 2]!];
    const grey = 0.3 * r + 0.59 * g + 0.11 * b;
    picture.data.set(sheet.values ? [grey, grey, grey, 255] : [r, g, b, 255], 4 * i);
  }
  const small = new OffscreenCanvas(wide, high);
  small.getContext("2d")?.putImageData(picture, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, sheet.frame.width, sheet.frame.height);
}

/** The left, top, width and height of a cell. */
function boxOf({ frame, h, w }: Sheet, cell: number): [number, number, number, number] {
  const [left, top, width, height] = frame.box;
  return [left + ((cell % w) * width) / w, top + (Math.floor(cell / w) * height) / h, width / w, height / h];
}

function drawCells(context: CanvasRenderingContext2D, sheet: Sheet): void {
  const { tokens, values, table, scale, photo } = sheet;
  for (let cell = 0; cell < tokens.length; cell++) {
    const token = tokens[cell]!;
    const value = token < 0 ? Number.NaN : (values?.[token] ?? Number.NaN);
    if (Number.isNaN(value) && photo) continue;
    context.globalAlpha = photo ? 0.7 : 1;
    context.fillStyle = colourOf(table, scale, value) ?? `rgb(128 128 128 / ${token < 0 ? 0.1 : 0.3})`;
    context.fillRect(...boxOf(sheet, cell));
  }
  context.globalAlpha = 1;
}

function drawGrid(context: CanvasRenderingContext2D, { frame, h, w }: Sheet): void {
  const [left, top, width, height] = frame.box;
  if (width / w < 6) return;
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
