/** What stands on text besides its letters: arcs, lines below it and through it, frames that are shadows. */

import type { Box, Curve, Writing } from "./figure";

/** Where a figure begins, in the window. */
export interface Origin {
  x: number;
  y: number;
}

const SHADOW = /([a-z]+\([^)]*\)) (\S+)px (\S+)px (\S+)px (\S+)px( inset)?/g;

/** A path of an SVG. */
export function curveOf(path: SVGPathElement, from: Origin): Curve {
  const style = getComputedStyle(path);
  const { e, f } = path.getScreenCTM()!;
  const { right, bottom } = path.getBoundingClientRect();
  return {
    kind: "curve",
    path: path.getAttribute("d") ?? "",
    x: e - from.x,
    y: f - from.y,
    width: right - e,
    height: bottom - f,
    stroke: style.stroke,
    line: Number.parseFloat(style.strokeWidth),
    opacity: Number.parseFloat(style.opacity),
  };
}

/** The lower edge of a box that has no other, and its shadows: along that edge, or around it. */
export function edgesOf(style: CSSStyleDeclaration, box: Box): Box[] {
  const edge = style.borderBottomStyle !== "none" && style.borderLeftStyle === "none";
  const below = edge
    ? [alongFoot(box, Number.parseFloat(style.borderBottomWidth), style.borderBottomColor)]
    : [];
  const shadows = [...style.boxShadow.matchAll(SHADOW)].map(([, colour, , down, , spread, inset]) => {
    if (inset) return alongFoot(box, -Number(down), colour!);
    const around = { fill: null, stroke: colour!, line: 1 };
    const by = Number(spread) - 0.5;
    const { x, y, width, height } = box;
    return { ...box, ...around, x: x - by, y: y - by, width: width + 2 * by, height: height + 2 * by };
  });
  return [...below, ...shadows].filter((one) => one.height > 0);
}

function alongFoot(box: Box, height: number, fill: string): Box {
  return { ...box, y: box.y + box.height - height, height, fill, stroke: null, line: 0 };
}

/** The line through a text that is struck out. */
export function strikeOf({ x, y, width, size, colour }: Writing): Box {
  const height = Math.max(1, size / 14);
  return { kind: "box", x, y: y - 0.3 * size, width, height, fill: colour, stroke: null, line: 0 };
}
