/** Arcs over a text, from the query to the keys with the largest weights. */

import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import { elementOf } from "./shading";

const MOST = 8;

interface ArcsProps {
  box: RefObject<HTMLDivElement | null>;
  from: number;
  values: Float32Array;
  max: number;
}

interface Arc {
  token: number;
  path: string;
  share: number;
}

export function Arcs({ box, from, values, max }: ArcsProps) {
  const [arcs, draw] = useState<Arc[]>([]);
  const [height, grow] = useState(0);
  useEffect(() => {
    const trace = () => {
      draw(arcsOf(box.current, from, values, max));
      grow(box.current?.offsetHeight ?? 0);
    };
    trace();
    const watch = new ResizeObserver(trace);
    if (box.current) watch.observe(box.current);
    return () => watch.disconnect();
  }, [from, values, max]);
  return (
    <svg class="arcs" height={height} aria-hidden="true">
      <title>arcs to the largest weights</title>
      {arcs.map(({ token, path, share }) => (
        <path key={token} d={path} stroke-width={1 + 3 * share} opacity={0.3 + 0.7 * share} data-to={token} />
      ))}
    </svg>
  );
}

function arcsOf(box: HTMLElement | null, from: number, values: Float32Array, max: number): Arc[] {
  const start = elementOf(box, from);
  if (!start || !max) return [];
  const [x, y] = top(start);
  return largest(values, from)
    .flatMap((token) => {
      const end = elementOf(box, token);
      return end ? [{ token, end }] : [];
    })
    .map(({ token, end }) => {
      const [u, v] = top(end);
      const lift = Math.max(2, Math.min(y, v) - 8 - Math.min(30, Math.abs(u - x) / 8));
      const path = `M${x} ${y} C${x} ${lift} ${u} ${lift} ${u} ${v}`;
      return { token, path, share: Math.abs(values[token]!) / max };
    });
}

/** The middle of an element's upper edge. */
function top(element: HTMLElement): [number, number] {
  return [element.offsetLeft + element.offsetWidth / 2, element.offsetTop + 2];
}

function largest(values: Float32Array, but: number): number[] {
  const size = (i: number) => Math.abs(values[i]!);
  return Array.from(values.keys())
    .filter((i) => i !== but && size(i) > 0)
    .sort((a, b) => size(b) - size(a))
    .slice(0, MOST);
}
