/** The parts that an axis has: each text, each picture, and what stands between them. */

import type { Axis, Segment } from "../protocol";
import { textOf } from "./axes";

/** Tokens from `begin` to below `end`. */
export interface Part {
  name: string;
  begin: number;
  end: number;
}

const LONGEST = 24; // characters of a text that name it

/** Return the parts of an axis; tokens of one name that follow one another, as object queries, are one. */
export function partsOf(axis: Axis): Part[] {
  const parts: (Part & { segment: Segment })[] = [];
  for (const segment of axis.segments) {
    const last = parts.at(-1);
    const [begin, end] = [segment.begin, segment.begin + segment.length];
    if (last && segment.kind === "special" && same(last.segment, segment)) last.end = end;
    else parts.push({ name: nameOfPart(segment), begin, end, segment });
  }
  return parts.map(({ name, begin, end, segment }) => {
    const many = segment.kind === "special" && end - begin > 1;
    return { name: many ? `${end - begin} × ${name}` : name, begin, end };
  });
}

function same(a: Segment, b: Segment): boolean {
  return a.kind === "special" && b.kind === "special" && a.text === b.text;
}

function nameOfPart(segment: Segment): string {
  if (segment.kind === "special") return segment.text;
  if (segment.kind === "text") {
    const text = [...textOf(segment).trim()];
    return `“${text.length > LONGEST ? `${text.slice(0, LONGEST).join("")}…` : text.join("")}”`;
  }
  if (segment.kind === "grid") return `image, ${segment.h} × ${segment.w} cells`;
  if (segment.kind === "time") return `${segment.seconds} seconds`;
  if (segment.kind === "frames") return `${segment.t} frames`;
  if (segment.kind === "volume") return `${segment.d} slices`;
  return `${segment.length} tokens`;
}

/** Add weights (key) up over parts of the keys. */
export function massOf(weights: ArrayLike<number>, parts: Part[]): number[] {
  return parts.map(({ begin, end }) => {
    let sum = 0;
    for (let key = begin; key < end; key++) sum += weights[key] || 0;
    return sum;
  });
}
