/** Tokens of time: a band with seconds below it. */

import { useEffect, useRef } from "preact/hooks";
import { general } from "../data/axes";
import { paintOn } from "../draw/canvas";
import type { Segment } from "../protocol";
import { usePaint } from "./hooks";
import { printed } from "./naming";
import type { SurfaceProps } from "./surface";

type TimelineProps = SurfaceProps & { segment: Extract<Segment, { kind: "time" }> };

const TICKS = 6;

export function Timeline(props: TimelineProps) {
  const { segment, values, max, marked, label, onHover, onPick, signed } = props;
  const { begin, length, seconds } = segment;
  const canvas = useRef<HTMLCanvasElement>(null);
  const paint = usePaint(max, signed);
  useEffect(() => {
    const part = values?.subarray(begin, begin + length) ?? new Float32Array(length).fill(Number.NaN);
    if (canvas.current) paintOn(canvas.current, part, [1, length], paint.table, paint.scale);
  }, [values, paint, begin, length]);
  const on = (act?: (token: number) => void) => (event: MouseEvent) => {
    const at = canvas.current!.getBoundingClientRect();
    const inner = Math.floor(((event.clientX - at.left) / at.width) * length);
    if (inner >= 0 && inner < length) act?.(begin + inner);
  };
  const step = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const token = by && (marked ?? begin) + by;
    if (event.key === "Enter" && marked !== null) onPick?.(marked);
    if (token === undefined || token < begin || token >= begin + length) return;
    onHover?.(token);
    event.preventDefault();
    event.stopPropagation();
  };
  const inside = marked !== null && marked >= begin && marked < begin + length;
  const second = (inner: number) => `${general(Number(((inner * seconds) / length).toPrecision(4)))} s`;
  const said = inside
    ? `${second(marked - begin)} to ${second(marked - begin + 1)}${values ? `: ${printed(values[marked]!, props.least)}` : ""}`
    : "";
  return (
    <figure class="timeline">
      <div class="band">
        <canvas
          ref={canvas}
          role="img"
          tabIndex={0}
          aria-label={`${label}: ${length} tokens of ${seconds} seconds${said && `; ${said}`}`}
          onPointerMove={on(onHover)}
          onClick={on(onPick)}
          onKeyDown={step}
        />
        {inside && (
          <span
            class="mark"
            style={{ left: `${(100 * (marked - begin)) / length}%`, width: `${100 / length}%` }}
          />
        )}
      </div>
      <div class="ticks" aria-hidden="true">
        {Array.from({ length: TICKS }, (_, i) => (
          <span key={i}>{second((i * length) / (TICKS - 1))}</span>
        ))}
      </div>
      {said && <figcaption>{said}</figcaption>}
    </figure>
  );
}
