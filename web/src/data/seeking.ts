/** Where a piece of text is: by the characters that tokens stand for, whatever the case. */

import type { Axis } from "../protocol";
import { spansOf, textOf } from "./axes";

/** Tokens from `begin` to below `end`. */
export interface Place {
  begin: number;
  end: number;
}

/** Return every place of a piece of text in the texts of an axis, in order; none of an empty one. */
export function seek(axis: Axis, piece: string): Place[] {
  const found: Place[] = [];
  const wanted = piece.toLowerCase();
  if (!wanted) return found;
  for (const segment of axis.segments) {
    if (segment.kind !== "text") continue;
    const text = lowered(textOf(segment));
    const spans = spansOf(segment);
    let first = 0;
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
      while (first < spans.length && spans[first]![1] <= at) first++;
      let end = first;
      while (end < spans.length && spans[end]![0] < at + wanted.length) end++;
      if (end > first) found.push({ begin: segment.begin + first, end: segment.begin + end });
    }
  }
  return found;
}

/** Return a text in small letters, each of which stays where it was. */
function lowered(text: string): string {
  const small = text.toLowerCase();
  if (small.length === text.length) return small;
  return Array.from(text, (one) => (one.toLowerCase().length === one.length ? one.toLowerCase() : one)).join(
    "",
  );
}
