/** The tokens of an axis as what they are: text, patches on their image, frames. */

import { isLattice } from "../data/axes";
import type { Axis, Segment } from "../protocol";
import { Cells } from "./cells";
import { Line } from "./line";

export interface SurfaceProps {
  axis: Axis;
  /** The weight of each token; null: none are shown. */
  values: Float32Array | null;
  max: number;
  /** The token that is framed. */
  marked: number | null;
  label: string;
  onHover?: (token: number) => void;
  onPick?: (token: number) => void;
}

/** What is written in a line is one part, each picture another. */
export function Surface(props: SurfaceProps) {
  return (
    <div class="surface">
      {partsOf(props.axis).map((part) => {
        const first = part[0]!;
        if (isLattice(first)) return <Cells key={first.begin} segment={first} {...props} />;
        return <Line key={first.begin} segments={part} {...props} />;
      })}
    </div>
  );
}

function partsOf(axis: Axis): Segment[][] {
  const parts: Segment[][] = [];
  for (const one of axis.segments) {
    const last = parts.at(-1);
    if (last && !isLattice(one) && !isLattice(last[0]!)) last.push(one);
    else parts.push([one]);
  }
  return parts;
}
