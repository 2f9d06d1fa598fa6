/** The scale that a picture is drawn by. */

import { useEffect, useRef } from "preact/hooks";
import { paintOn, scaleTo } from "../draw/canvas";
import { tableOf } from "../draw/colours";
import { useStore } from "./context";
import { printed } from "./naming";

export function Legend({ max }: { max: number }) {
  const store = useStore();
  const canvas = useRef<HTMLCanvasElement>(null);
  const colours = store.colours.value;
  const scale = store.spreading.value;
  useEffect(() => {
    const ramp = Float32Array.from({ length: 128 }, (_, i) => i / 127);
    if (canvas.current) paintOn(canvas.current, ramp, [1, 128], tableOf(colours), scaleTo(1, "linear"));
  }, [colours]);
  return (
    <span class="legend">
      <span>0</span>
      <canvas ref={canvas} width={128} height={1} />
      <span>
        {printed(max)} ({scale} scale)
      </span>
    </span>
  );
}
