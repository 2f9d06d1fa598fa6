/** Weights as the pixels of a canvas. */

import { paint, type Scale, type Spreading, type Table } from "./colours";

const DECADES = 1e-4; // what a scale by logarithms begins at, as a share of its end

/** Return the scale of pictures whose largest weight, whatever its sign, is `max`. */
export function scaleTo(max: number, spreading: Spreading, signed = false): Scale {
  return { spreading, low: spreading === "log" ? max * DECADES : 0, high: max, signed };
}

/** Make a canvas of (h, w) pixels, one for each weight; what is no number stays clear. */
export function paintOn(
  canvas: HTMLCanvasElement,
  weights: Float32Array,
  [h, w]: readonly [number, number],
  table: Table,
  scale: Scale,
): void {
  canvas.width = w;
  canvas.height = h;
  const context = canvas.getContext("2d");
  if (!context) return;
  const picture = context.createImageData(w, h);
  paint(weights, table, scale, picture.data);
  context.putImageData(picture, 0, 0);
}
