/** Weights in a line, each token as wide as the next. */

import { useEffect, useRef } from "preact/hooks";
import { paintOn } from "../draw/canvas";
import type { Axis } from "../protocol";
import { usePaint } from "./hooks";
import { printed, tokenName } from "./naming";

interface RibbonProps {
  axis: Axis;
  values: Float32Array;
  max: number;
  label: string;
}

export function Ribbon({ axis, values, max, label }: RibbonProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const paint = usePaint(max);
  useEffect(() => {
    if (canvas.current) paintOn(canvas.current, values, [1, values.length], paint.table, paint.scale);
  }, [values, paint]);
  const size = (token: number) => Math.abs(values[token] || 0);
  const best = values.reduce((top, _, i) => (size(i) > size(top) ? i : top), 0);
  const said = `most: ${tokenName(axis, best)}, ${printed(values[best] ?? 0)}`;
  return (
    <figure class="ribbon">
      <canvas ref={canvas} role="img" aria-label={`${label}; ${said}`} />
      <figcaption>{said}</figcaption>
    </figure>
  );
}
