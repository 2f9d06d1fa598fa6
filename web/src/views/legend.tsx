/** The scale that a picture is drawn by. */

import { useEffect, useRef } from "preact/hooks";
import { paintOn } from "../draw/canvas";
import { weightAt } from "../draw/colours";
import { useStore } from "./context";
import { usePaint } from "./hooks";
import { endsOf } from "./naming";

const STEPS = 128;

export function Legend({ max, signed }: { max: number; signed?: boolean }) {
  const spreading = useStore().spreading.value;
  const canvas = useRef<HTMLCanvasElement>(null);
  const { table, scale } = usePaint(max, signed);
  useEffect(() => {
    const ramp = Float32Array.from({ length: STEPS }, (_, i) => weightAt(scale, i / (STEPS - 1)));
    if (canvas.current) paintOn(canvas.current, ramp, [1, STEPS], table, scale);
  }, [table, scale]);
  const [first, last] = endsOf(scale);
  return (
    <span class="legend" data-legend>
      <span>{first}</span>
      <canvas ref={canvas} width={STEPS} height={1} />
      <span>
        {last} ({spreading} scale)
      </span>
    </span>
  );
}
