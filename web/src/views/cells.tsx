/** Patches on their image, frames side by side, slices of a volume: each cell is a token. */

import { useEffect, useMemo, useRef } from "preact/hooks";
import { type Lattice, sidesOf } from "../data/axes";
import { spotOf } from "../data/windows";
import { drawSheet, type Frame, frameOf } from "../draw/sheet";
import { useStore } from "./context";
import { usePaint, usePromised, useSize } from "./hooks";
import type { SurfaceProps } from "./surface";

const WIDEST = 448; // pixels of the page; the style sheet has the same

const STEPS: Record<string, [number, number]> = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
};

type CellsProps = SurfaceProps & { segment: Lattice };

export function Cells(props: CellsProps) {
  const layers = sidesOf(props.segment).length > 2 ? sidesOf(props.segment)[0]! : 1;
  return (
    <div class={layers > 1 ? "sheets" : "sheet"}>
      {Array.from({ length: layers }, (_, layer) => (
        <Sheet key={layer} layer={layer} layers={layers} {...props} />
      ))}
    </div>
  );
}

function Sheet(props: CellsProps & { layer: number; layers: number }) {
  const store = useStore();
  const { segment, layer, layers, values, max, marked, label, onHover, onPick } = props;
  const { h, w } = segment;
  const name = segment.kind !== "grid" && layers > 1 ? segment.names[layer] : undefined;
  const place = segment.kind === "grid" ? segment.image : segment.images?.[layer];
  const image = store.manifest.images[place ?? -1];
  const photo = usePromised(
    async (signal) => (image ? (await store.reader.blob<Uint8Array>(image.blob, signal)).values : null),
    [image],
  ).value;
  const tokens = useMemo(() => tokensOf(segment, layer), [segment, layer]);
  const span = segment.kind === "grid" ? segment.span : undefined;
  const [figure, room] = useSize<HTMLElement>();
  const width = Math.round(Math.min(room || WIDEST, WIDEST) * (window.devicePixelRatio || 1));
  const frame = useMemo(() => frameOf(image, [h, w], width, span), [image, h, w, width, span]);
  const canvas = useRef<HTMLCanvasElement>(null);
  const paint = usePaint(max, props.signed);
  const { padding, later } = props;
  const isWindow = segment.kind === "grid" && segment.windows !== null;
  useEffect(() => {
    if (!canvas.current) return;
    const part = { padding: padding ?? null, later: later ?? null, window: isWindow };
    drawSheet(canvas.current, {
      ...{ frame, image, photo, tokens, h, w, values, marked },
      ...paint,
      ...part,
    });
  }, [photo, values, paint, marked, tokens, frame, padding, later]);

  const reach = (cell: number, picked: boolean) => {
    const token = tokens[cell] ?? -1;
    const spot = token < 0 && props.windows ? spotOf(props.windows, segment.begin, cell) : null;
    if (spot) props.onGo?.(spot, picked);
    else if (token >= 0) (picked ? onPick : onHover)?.(token);
    return token >= 0 || spot !== null;
  };
  const on = (picked: boolean) => (event: MouseEvent) => {
    if (canvas.current) reach(cellUnder(event, canvas.current, frame, h, w), picked);
  };
  const step = (event: KeyboardEvent) => {
    const [down, right] = STEPS[event.key] ?? [0, 0];
    const from = Math.max(0, marked === null ? 0 : tokens.indexOf(marked));
    const [row, column] = [Math.floor(from / w) + down, (from % w) + right];
    if (event.key === "Enter" && marked !== null) onPick?.(marked);
    const inside = row >= 0 && row < h && column >= 0 && column < w;
    if ((!down && !right) || !inside || !reach(row * w + column, false)) return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <figure class="cells" ref={figure}>
      <canvas
        ref={canvas}
        role="img"
        tabIndex={0}
        aria-label={`${label}: ${h} × ${w} cells${name ? `, ${name}` : ""}`}
        onPointerMove={on(false)}
        onClick={on(true)}
        onKeyDown={step}
      />
      {name && <figcaption>{name}</figcaption>}
      {image?.note && layer === 0 && <figcaption>{image.note}</figcaption>}
    </figure>
  );
}

/** Return the token of each cell of a layer, -1 where there is none. */
function tokensOf(segment: Lattice, layer: number): Int32Array {
  const size = segment.h * segment.w;
  const tokens = new Int32Array(size).fill(-1);
  for (let i = 0; i < segment.length; i++) {
    const cell = (segment.cells ? segment.cells[i]! : i) - layer * size;
    if (cell >= 0 && cell < size) tokens[cell] = segment.begin + i;
  }
  return tokens;
}

/** Return the flat cell under the pointer, -1 where there is none. */
function cellUnder(event: MouseEvent, canvas: HTMLCanvasElement, frame: Frame, h: number, w: number): number {
  const at = canvas.getBoundingClientRect();
  const [left, top, width, height] = frame.box;
  const x = (((event.clientX - at.left) / at.width) * frame.width - left) / width;
  const y = (((event.clientY - at.top) / at.height) * frame.height - top) / height;
  return x < 0 || y < 0 || x >= 1 || y >= 1 ? -1 : Math.floor(y * h) * w + Math.floor(x * w);
}
