/** Reads what is on screen: each text where it stands, each box that is coloured or framed, each canvas. */

import { type Box, type Figure, lines, type Part, type Writing } from "./figure";
import { curveOf, edgesOf, type Origin, strikeOf } from "./marks";
import { printed } from "./printing";
import { apart } from "./redrawing";

const FINER = 3; // pixels of a canvas that is drawn anew to one of the screen
const MARGIN = 12;
const [SIZE, LINE] = [11, 15]; // of the caption

/** Return an element, as it looks on white paper, and a caption below it. */
export function readFigure(element: HTMLElement, caption: string): Figure {
  const parts = printed(element, () => partsOf(element));
  const right = Math.max(
    320,
    ...parts.map((part) => part.x + (part.kind === "text" && part.turned ? 0 : part.width)),
  );
  const bottom = Math.max(0, ...parts.map((part) => part.y + ("height" in part ? part.height : 4)));
  const written = captionOf(caption, right - MARGIN, bottom + LINE + 6);
  return {
    width: Math.ceil(right + MARGIN),
    height: Math.ceil(bottom + 6 + LINE * written.length + MARGIN),
    parts: [...parts, ...written],
  };
}

function partsOf(element: HTMLElement): Part[] {
  const parts: Part[] = [];
  const { left, top } = element.getBoundingClientRect();
  read(element, parts, { x: left - MARGIN, y: top - MARGIN });
  return parts;
}

function read(element: Element, parts: Part[], from: Origin): void {
  const style = getComputedStyle(element);
  if (style.display === "none" || style.visibility === "hidden") return;
  if (element instanceof HTMLCanvasElement) {
    readCanvas(element, parts, from);
    return;
  }
  if (element instanceof SVGElement) {
    parts.push(...[...element.querySelectorAll("path")].map((path) => curveOf(path, from)));
    return;
  }
  readBox(element, style, parts, from);
  for (const node of element.childNodes) {
    if (node instanceof Element) read(node, parts, from);
    else if (node instanceof Text) readText(node, style, parts, from);
  }
}

function readCanvas(canvas: HTMLCanvasElement, parts: Part[], from: Origin): void {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  if (!width || !height || !canvas.width) return;
  const [x, y] = [left - from.x, top - from.y];
  const [bare, texts] = apart(canvas, FINER);
  parts.push({ kind: "raster", x, y, width, height, canvas: bare });
  parts.push(...texts.map((one) => ({ ...one, x: one.x + x, y: one.y + y })));
}

function readBox(element: Element, style: CSSStyleDeclaration, parts: Part[], from: Origin): void {
  const fill = seen(style.backgroundColor) ? style.backgroundColor : null;
  const line =
    Number.parseFloat(style.outlineStyle === "none" ? style.borderTopWidth : style.outlineWidth) || 0;
  const colour = style.outlineStyle === "none" ? style.borderTopColor : style.outlineColor;
  const framed = style.outlineStyle !== "none" || style.borderLeftStyle !== "none";
  const stroke = framed && line && seen(colour) ? colour : null;
  for (const { left, top, right, bottom } of element.getClientRects()) {
    const [x, y, to, foot] = [left - from.x, top - from.y, right - from.x, bottom - from.y].map(Math.round);
    const at = { x: x!, y: y!, width: to! - x!, height: foot! - y! }; // as a screen has them: without seams
    const box: Box = { kind: "box", ...at, fill, stroke, line };
    if (fill || stroke) parts.push(box);
    parts.push(...edgesOf(style, box));
  }
}

function seen(colour: string): boolean {
  return !/^transparent$|[,/] ?0\)$/.test(colour);
}

function readText(node: Text, style: CSSStyleDeclaration, parts: Part[], from: Origin): void {
  if (!node.data.trim()) return;
  const size = Number.parseFloat(style.fontSize);
  const look = { size, weight: style.fontWeight, colour: style.color, turned: 0 };
  for (const { text, box } of linesOf(node)) {
    const [x, y] = [box.left - from.x, box.top - from.y + box.height / 2 + 0.35 * size];
    const written: Writing = { kind: "text", text, x, y, width: box.width, ...look };
    parts.push(written);
    if (style.textDecorationLine === "line-through") parts.push(strikeOf(written));
  }
}

/** A text node's lines as they are broken on screen, without spaces around them. */
function linesOf(node: Text): { text: string; box: DOMRect }[] {
  const range = document.createRange();
  const boxOf = (begin: number, end: number): DOMRect => {
    range.setStart(node, begin);
    range.setEnd(node, end);
    return range.getBoundingClientRect();
  };
  const line = (begin: number, end: number) => {
    const text = node.data.slice(begin, end);
    const from = begin + text.length - text.trimStart().length;
    return { text: text.trim(), box: boxOf(from, from + text.trim().length) };
  };
  range.selectNodeContents(node);
  if (range.getClientRects().length === 1) return [line(0, node.length)];
  const breaks = [0];
  let top = Number.NaN;
  for (let i = 0; i < node.length; i++) {
    const box = boxOf(i, i + 1);
    if (!box.width) continue;
    if (Math.abs(box.top - top) > box.height / 2) breaks.push(i);
    top = box.top;
  }
  return breaks.map((begin, i) => line(begin, breaks[i + 1] ?? node.length)).filter(({ text }) => text);
}

function captionOf(caption: string, width: number, top: number): Writing[] {
  const context = document.createElement("canvas").getContext("2d")!;
  context.font = `${SIZE}px sans-serif`;
  const measure = (text: string) => context.measureText(text).width;
  return lines(caption, width, measure).map((text, i) => ({
    ...{ kind: "text", text, width: measure(text), size: SIZE, weight: "400", colour: "#444", turned: 0 },
    x: MARGIN,
    y: top + LINE * i,
  }));
}
