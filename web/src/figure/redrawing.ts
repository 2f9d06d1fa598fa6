/** Canvases that can be drawn again without their text, which a figure has as text. */

import type { Writing } from "./figure";

/** Draws onto a canvas that is `ratio` times as fine as the screen. */
export type Redraw = (context: CanvasRenderingContext2D, ratio: number) => void;

const redraws = new WeakMap<HTMLCanvasElement, Redraw>();

/** Say how a canvas that has text in it is drawn. */
export function redrawnBy(canvas: HTMLCanvasElement, redraw: Redraw): void {
  redraws.set(canvas, redraw);
}

/** Return a canvas as it is, or drawn anew without its text, and that text: in CSS pixels of the canvas. */
export function apart(canvas: HTMLCanvasElement, finer: number): [HTMLCanvasElement, Writing[]] {
  const redraw = redraws.get(canvas);
  if (!redraw) return [copied(canvas), []];
  const bare = document.createElement("canvas");
  bare.width = canvas.clientWidth * finer;
  bare.height = canvas.clientHeight * finer;
  const context = bare.getContext("2d")!;
  const texts: Writing[] = [];
  context.fillText = (text, x, y, most) => texts.push(written(context, text, x, y, most, finer));
  redraw(context, finer);
  return [bare, texts];
}

/** What it shows now: views draw on the same canvas again. */
function copied(canvas: HTMLCanvasElement): HTMLCanvasElement {
  const copy = document.createElement("canvas");
  copy.width = canvas.width;
  copy.height = canvas.height;
  if (canvas.width && canvas.height) copy.getContext("2d")?.drawImage(canvas, 0, 0);
  return copy;
}

function written(
  context: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  most: number | undefined,
  finer: number,
): Writing {
  const size = Number.parseFloat(/[\d.]+px/.exec(context.font)?.[0] ?? "11");
  const measured = context.measureText(text);
  const width = Math.min(measured.width, most ?? measured.width);
  const left = { right: width, end: width, center: width / 2 }[context.textAlign as string] ?? 0;
  const down = { middle: 0.35, top: 0.8, hanging: 0.8 }[context.textBaseline as string] ?? 0;
  const { a, b, c, d, e, f } = context.getTransform();
  const [fromX, fromY] = [x - left, y + down * size];
  return {
    ...{ kind: "text", text, width, size, weight: "400", colour: String(context.fillStyle) },
    x: (a * fromX + c * fromY + e) / finer,
    y: (b * fromX + d * fromY + f) / finer,
    turned: Math.round((Math.atan2(b, a) * 180) / Math.PI),
  };
}
