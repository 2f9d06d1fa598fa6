/** The image that points lie on, each of which tells its numbers. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { isInside, nearestPoint, type Point, type Sampled } from "../data/sampling";
import { drawCross, drawPoints, sign } from "../draw/points";
import { drawPicture, frameOf } from "../draw/sheet";
import type { SamplingInfo } from "../protocol";
import { useStore } from "./context";
import { usePromised, useSize } from "./hooks";
import { minused, pointName, printed } from "./naming";

const WIDEST = 640; // pixels of the page; the style sheet has the same
const REACH = 14; // pixels around a point that are it
const STEPS: Record<string, number> = { ArrowLeft: 1, ArrowUp: 1, ArrowRight: -1, ArrowDown: -1 };

interface Props {
  info: SamplingInfo;
  at: Sampled;
  /** Lightest first. */
  points: Point[];
  /** The middle of the query's own patch, where it has one. */
  reference: [number, number] | null;
}

export function PointImage({ info, at, points, reference }: Props) {
  const store = useStore();
  const image = store.manifest.images[info.images[at.batch] ?? -1];
  const photo = usePromised(
    async (signal) => (image ? (await store.reader.blob<Uint8Array>(image.blob, signal)).values : null),
    [image],
  ).value;
  const [figure, room] = useSize<HTMLElement>();
  const width = Math.round(Math.min(room || WIDEST, WIDEST) * (window.devicePixelRatio || 1));
  const frame = useMemo(() => frameOf(image, info.levels[0]!, width), [image, info, width]);
  const canvas = useRef<HTMLCanvasElement>(null);
  const shown = useMemo(() => points.filter(isInside), [points]);
  const [pointed, point] = useState<Point | null>(null);
  const told = pointed && shown.includes(pointed) ? pointed : null;
  useEffect(() => {
    if (!canvas.current) return;
    drawPicture(canvas.current, frame, image, photo);
    if (reference) drawCross(canvas.current, frame, reference);
    drawPoints(canvas.current, frame, shown, told);
  }, [frame, image, photo, shown, told, reference]);
  const move = (event: MouseEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    const [left, top, across, down] = frame.box.map((one) => (one * box.width) / frame.width);
    const [x, y] = [(event.clientX - box.left - left!) / across!, (event.clientY - box.top - top!) / down!];
    point(nearestPoint(shown, x, y, [REACH / across!, REACH / down!]));
  };
  const step = (event: KeyboardEvent) => {
    const by = STEPS[event.key];
    if (by === undefined || !shown.length) return;
    const next = (told ? shown.indexOf(told) : shown.length) + (told ? by : -1);
    point(shown[Math.max(0, Math.min(shown.length - 1, next))]!);
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <figure class="point-image" ref={figure}>
      <canvas
        ref={canvas}
        role="img"
        tabIndex={0}
        aria-label={`${shown.length} points on the image; arrows go from the heaviest on`}
        onPointerMove={move}
        onPointerLeave={() => point(null)}
        onKeyDown={step}
      />
      <figcaption aria-live="polite" data-point>
        {told
          ? `${pointName(told)}: x ${minused(told.x.toFixed(3))}, y ${minused(told.y.toFixed(3))}, weight ${printed(told.weight)}`
          : "x and y are shares of the image, from its top left"}
      </figcaption>
      {image?.note && <figcaption>{image.note}</figcaption>}
    </figure>
  );
}

/** Which sign is which level. */
export function Levels({ info }: { info: SamplingInfo }) {
  return (
    <ul class="levels" aria-label="Levels">
      {info.levels.map(([h, w], level) => (
        <li key={level}>
          <Sign level={level} /> level {level}, {h} × {w}
        </li>
      ))}
    </ul>
  );
}

function Sign({ level }: { level: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    context?.clearRect(0, 0, 32, 32);
    if (context) sign(context, level, [16, 16], 11);
  }, [level]);
  return (
    <span aria-hidden="true">
      <canvas ref={canvas} width={32} height={32} />
    </span>
  );
}
