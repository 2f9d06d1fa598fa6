/** The scale that a picture is drawn by: in the shades of tokens, in the colours of cells, or in both. */

import { useEffect, useRef } from "preact/hooks";
import { isLattice } from "../data/axes";
import { paintOn } from "../draw/canvas";
import { type Scale, type Table, weightAt } from "../draw/colours";
import type { Axis } from "../protocol";
import { useStore } from "./context";
import { usePaint } from "./hooks";
import { endsOf } from "./naming";
import { shadesOf } from "./shading";

const STEPS = 128;

interface LegendProps {
  max: number;
  signed?: boolean;
  /** What is drawn as it is, words as shaded tokens; without it all is drawn in the colours of cells. */
  axis?: Axis;
}

export function Legend({ max, signed, axis }: LegendProps) {
  const spreading = useStore().spreading.value;
  const { table, scale } = usePaint(max, signed);
  const coloured = axis ? axis.segments.filter((one) => isLattice(one) || one.kind === "time").length : 1;
  const [first, last] = endsOf(scale);
  return (
    <span class="legend" data-legend>
      <span>{first}</span>
      <span class="ramps">
        {axis && coloured < axis.segments.length && <Shades scale={scale} />}
        {coloured > 0 && <Colours table={table} scale={scale} />}
      </span>
      <span>
        {last} ({spreading} scale)
      </span>
    </span>
  );
}

function Colours({ table, scale }: { table: Table; scale: Scale }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const ramp = Float32Array.from({ length: STEPS }, (_, i) => weightAt(scale, i / (STEPS - 1)));
    if (canvas.current) paintOn(canvas.current, ramp, [1, STEPS], table, scale);
  }, [table, scale]);
  return <canvas ref={canvas} width={STEPS} height={1} />;
}

/** As tokens, which are shaded by the style sheet. */
function Shades({ scale }: { scale: Scale }) {
  return (
    <span class="shades">
      {shadesOf(scale).map(([weight, side], i) => (
        <i key={i} class={side} style={{ "--weight": weight }} />
      ))}
    </span>
  );
}
