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

/**
 * Return the parts of an axis. Tokens of one name that follow one another, as object queries, are one, and so are
 * texts of a token each, as they were written step by step.
 */
export function partsOf(axis: Axis): Part[] {
  const parts: Segment[][] = [];
  for (const segment of axis.segments) {
    const last = parts.at(-1);
    if (last && goesWith(last.at(-1)!, segment)) last.push(segment);
    else parts.push([segment]);
  }
  return parts.map((segments) => {
    const [first, last] = [segments[0]!, segments.at(-1)!];
    return { name: nameOfPart(segments), begin: first.begin, end: last.begin + last.length };
  });
}

/** Tell whether a token is of a part. */
export function isIn({ begin, end }: Part, token: number): boolean {
  return token >= begin && token < end;
}

function goesWith(a: Segment, b: Segment): boolean {
  if (a.kind === "special" && b.kind === "special") return a.text === b.text;
  return a.kind === "text" && b.kind === "text" && a.length === 1 && b.length === 1;
}

function nameOfPart(segments: Segment[]): string {
  const segment = segments[0]!;
  if (segment.kind === "special")
    return segments.length > 1 ? `${segments.length} × ${segment.text}` : segment.text;
  if (segment.kind === "text") {
    const text = [
      ...segments
        .map((one) => (one.kind === "text" ? textOf(one).trim() : ""))
        .join(" ")
        .trim(),
    ];
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
