/** A picture that is to be printed: what is on screen as text, boxes and images, in CSS pixels. */

export interface Writing {
  kind: "text";
  text: string;
  /** Where its baseline begins, and how wide it is on screen. */
  x: number;
  y: number;
  width: number;
  size: number;
  weight: string;
  colour: string;
  /** Degrees, clockwise. */
  turned: number;
}

export interface Box {
  kind: "box";
  x: number;
  y: number;
  width: number;
  height: number;
  fill: string | null;
  stroke: string | null;
  line: number;
}

export interface Raster {
  kind: "raster";
  x: number;
  y: number;
  width: number;
  height: number;
  canvas: HTMLCanvasElement;
}

/** A line that is bent, as an arc: as a path of SVG, from where it begins to count. */
export interface Curve {
  kind: "curve";
  path: string;
  x: number;
  y: number;
  /** How far it reaches from there. */
  width: number;
  height: number;
  stroke: string;
  line: number;
  opacity: number;
}

export type Part = Writing | Box | Raster | Curve;

export interface Figure {
  width: number;
  height: number;
  parts: Part[];
}

export const FAMILY = "system-ui, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', sans-serif";

/** Return lines of text below one another, broken at spaces where they would be wider than a figure. */
export function lines(text: string, width: number, measure: (text: string) => number): string[] {
  const found: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line ? `${line} ${word}` : word;
    if (line && measure(longer) > width) {
      found.push(line);
      line = word;
    } else line = longer;
  }
  return [...found, line];
}
