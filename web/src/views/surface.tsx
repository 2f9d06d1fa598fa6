/** The tokens of an axis as what they are: text, patches on their image, frames, time. */

import { isLattice } from "../data/axes";
import type { Part } from "../data/parts";
import type { Spot, Window } from "../data/windows";
import type { Axis, Segment } from "../protocol";
import { Cells } from "./cells";
import { Line } from "./line";
import { Timeline } from "./timeline";

export interface SurfaceProps {
  axis: Axis;
  /** The weight of each token; null: none are shown. */
  values: Float32Array | null;
  max: number;
  /** The weight below which they have no digits. */
  least?: number;
  /** The token that is framed. */
  marked: number | null;
  /** Whether it is what the weights are of, so that arcs may begin there; so it is, unless given. */
  origin?: boolean;
  label: string;
  onHover?: (token: number) => void;
  onPick?: (token: number) => void;
  /** Whether weights lie around 0; as the map, unless given. */
  signed?: boolean;
  /** The tokens that are looked at alone. */
  part?: Part | null;
  /** Which tokens are padding, as 1. */
  padding?: Uint8Array | null;
  /** The first of those that come after the query. */
  later?: number | null;
  /** The windows that the other cells of the grid are in, and what is done when one of those is hovered or picked. */
  windows?: Window[];
  onGo?: (spot: Spot, picked: boolean) => void;
}

/** What is written in a line is one part, each picture another. */
export function Surface(props: SurfaceProps) {
  return (
    <div class="surface">
      {groupsOf(props.axis).map((group) => {
        const first = group[0]!;
        if (isLattice(first)) return <Cells key={first.begin} segment={first} {...props} />;
        if (first.kind === "time") return <Timeline key={first.begin} segment={first} {...props} />;
        return <Line key={first.begin} segments={group} {...props} />;
      })}
    </div>
  );
}

/** Segments that are drawn together. */
function groupsOf(axis: Axis): Segment[][] {
  const groups: Segment[][] = [];
  const alone = (one: Segment) => isLattice(one) || one.kind === "time";
  for (const one of axis.segments) {
    const last = groups.at(-1);
    if (last && !alone(one) && !alone(last[0]!)) last.push(one);
    else groups.push([one]);
  }
  return groups;
}
