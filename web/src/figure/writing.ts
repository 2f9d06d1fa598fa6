/** Figures as files: SVG, whose text is text, and PNG. */

import { type Box, type Curve, FAMILY, type Figure, type Part, type Writing } from "./figure";

const SVG = "http://www.w3.org/2000/svg";
const FINER = 3; // pixels of a PNG to one of the screen
// what XML cannot have, even as a number
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NO_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu;

export function toSvg(figure: Figure): string {
  const page = document.implementation.createDocument(SVG, "svg");
  const root = page.documentElement;
  const add = (name: string, attributes: Record<string, string | number>, text = "") => {
    const element = page.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
    element.textContent = text;
    root.append(element);
  };
  const { width, height } = figure;
  for (const [key, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}` }))
    root.setAttribute(key, String(value));
  add("rect", { width, height, fill: "#fff" });
  for (const part of figure.parts) add(...elementOf(part));
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(root)}\n`;
}

function elementOf(part: Part): [string, Record<string, string | number>, string?] {
  const { x, y, width } = part;
  if (part.kind === "text") {
    const turn = part.turned ? { transform: `rotate(${part.turned} ${x} ${y})` } : {};
    const font = { "font-family": FAMILY, "font-size": part.size, "font-weight": part.weight };
    const fits = { textLength: width, lengthAdjust: "spacingAndGlyphs" };
    return [
      "text",
      { x, y, fill: part.colour, ...font, ...fits, ...turn },
      part.text.replace(NO_XML, "\ufffd"),
    ];
  }
  if (part.kind === "curve") {
    const stroke = { ...solid("stroke", part.stroke), "stroke-width": part.line, opacity: part.opacity };
    return ["path", { d: part.path, transform: `translate(${x} ${y})`, fill: "none", ...stroke }];
  }
  const at = { x, y, width, height: part.height };
  if (part.kind === "box") {
    const paint = { ...solid("fill", part.fill), ...solid("stroke", part.stroke) };
    return ["rect", { ...at, ...paint, "stroke-width": part.line }];
  }
  const href = part.canvas.toDataURL("image/png");
  return ["image", { ...at, href, preserveAspectRatio: "none", "image-rendering": "pixelated" }];
}

/** A colour as every reader of SVG knows it, its opacity apart. */
function solid(what: "fill" | "stroke", colour: string | null): Record<string, string | number> {
  const [, space, inner] = /^(rgba?|color)\((?:srgb )?([^)]*)\)$/.exec(colour ?? "") ?? [];
  if (!space || !inner) return { [what]: colour ?? "none" };
  const [red, green, blue, opacity = 1] = inner.split(/[\s,/]+/).map(Number);
  const by = space === "color" ? 255 : 1;
  const whole = [red, green, blue].map((one) => Math.round(by * one!));
  return { [what]: `rgb(${whole.join(", ")})`, [`${what}-opacity`]: opacity };
}

export function toPng(figure: Figure): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(figure.width * FINER);
  canvas.height = Math.round(figure.height * FINER);
  const context = canvas.getContext("2d")!;
  context.scale(FINER, FINER);
  context.imageSmoothingEnabled = false;
  context.fillStyle = "#fff";
  context.fillRect(0, 0, figure.width, figure.height);
  for (const part of figure.parts) paint(context, part);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the picture is too large"))));
  });
}

function paint(context: CanvasRenderingContext2D, part: Part): void {
  if (part.kind === "text") write(context, part);
  else if (part.kind === "box") frame(context, part);
  else if (part.kind === "curve") bend(context, part);
  else context.drawImage(part.canvas, part.x, part.y, part.width, part.height);
}

function frame(context: CanvasRenderingContext2D, part: Box): void {
  const { x, y, width, height } = part;
  context.fillStyle = part.fill ?? "transparent";
  context.fillRect(x, y, width, height);
  if (!part.stroke) return;
  context.strokeStyle = part.stroke;
  context.lineWidth = part.line;
  context.strokeRect(x, y, width, height);
}

function bend(context: CanvasRenderingContext2D, part: Curve): void {
  context.save();
  context.translate(part.x, part.y);
  context.globalAlpha = part.opacity;
  context.strokeStyle = part.stroke;
  context.lineWidth = part.line;
  context.stroke(new Path2D(part.path));
  context.restore();
}

function write(context: CanvasRenderingContext2D, part: Writing): void {
  context.save();
  context.font = `${part.weight} ${part.size}px ${FAMILY}`;
  context.fillStyle = part.colour;
  context.translate(part.x, part.y);
  context.rotate((part.turned * Math.PI) / 180);
  context.fillText(part.text, 0, 0, part.width + 1);
  context.restore();
}
