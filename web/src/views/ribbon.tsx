/** Weights in a line, each token as wide as the next. */

import { useEffect, useRef } from "preact/hooks";
import { paintOn, scaleTo } from "../draw/canvas";
import { tableOf } from "../draw/colours";
import type { Axis } from "../protocol";
import { useStore } from "./context";
import { printed, tokenName } from "./naming";

interface RibbonProps {
  axis: Axis;
  values: Float32Array;
  max: number;
  label: string;
}

export function Ribbon({ axis, values, max, label }: RibbonProps) {
  const store = useStore();
  const canvas = useRef<HTMLCanvasElement>(null);
  const colours = store.colours.value;
  const scale = store.spreading.value;
  useEffect(() => {
    if (canvas.current)
      paintOn(canvas.current, values, [1, values.length], tableOf(colours), scaleTo(max, scale));
  }, [values, max, colours, scale]);
  const best = values.reduce((top, value, i) => (value > values[top]! ? i : top), 0);
  const said = `most: ${tokenName(axis, best)}, ${printed(values[best] ?? 0)}`;
  return (
    <figure class="ribbon">
      <canvas ref={canvas} role="img" aria-label={`${label}; ${said}`} />
      <figcaption>{said}</figcaption>
    </figure>
  );
}
