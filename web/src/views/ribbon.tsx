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
  /** The first of the keys that come after the query. */
  later: number | null;
}

export function Ribbon({ axis, values, max, label, later }: RibbonProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const paint = usePaint(max);
  useEffect(() => {
    const seen = later === null ? values : values.slice().fill(Number.NaN, later);
    if (canvas.current) paintOn(canvas.current, seen, [1, seen.length], paint.table, paint.scale);
  }, [values, paint, later]);
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
