/** Patches on their image, frames side by side, slices of a volume: each cell is a token. */

import { useEffect, useMemo, useRef } from "preact/hooks";
import { type Lattice, sidesOf } from "../data/axes";
import { scaleTo } from "../draw/canvas";
import { tableOf } from "../draw/colours";
import { drawSheet, type Frame, frameOf } from "../draw/sheet";
import { useStore } from "./context";
import { usePromised } from "./hooks";
import type { SurfaceProps } from "./surface";

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
  const image =
    segment.kind === "grid" && segment.image !== null ? store.manifest.images[segment.image] : undefined;
  const photo = usePromised(
    async (signal) => (image ? (await store.reader.blob<Uint8Array>(image.blob, signal)).values : null),
    [image],
  ).value;
  const tokens = useMemo(() => tokensOf(segment, layer), [segment, layer]);
  const frame = useMemo(() => frameOf(image, h, w), [image, h, w]);
  const canvas = useRef<HTMLCanvasElement>(null);
  const colours = store.colours.value;
  const spreading = store.spreading.value;
  useEffect(() => {
    if (!canvas.current) return;
    drawSheet(canvas.current, {
      ...{ frame, image, photo, tokens, h, w, values, marked },
      ...{ table: tableOf(colours), scale: scaleTo(max, spreading) },
    });
  }, [photo, values, max, spreading, colours, marked, tokens, frame]);

  const on = (act?: (token: number) => void) => (event: MouseEvent) => {
    const token = canvas.current ? tokenUnder(event, canvas.current, frame, tokens, h, w) : -1;
    if (token >= 0) act?.(token);
  };
  const step = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -w, ArrowDown: w }[event.key];
    const from = marked === null ? 0 : tokens.indexOf(marked);
    const token = by === undefined ? undefined : tokens[from + by];
    if (event.key === "Enter" && marked !== null) onPick?.(marked);
    if (token === undefined || token < 0) return;
    onHover?.(token);
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <figure class="cells">
      <canvas
        ref={canvas}
        role="img"
        tabIndex={0}
        aria-label={`${label}: ${h} × ${w} cells${layers > 1 ? `, ${segment.kind} ${layer}` : ""}`}
        onPointerMove={on(onHover)}
        onClick={on(onPick)}
        onKeyDown={step}
      />
      {layers > 1 && (
        <figcaption>{segment.kind === "frames" ? `step ${layer}` : `slice ${layer}`}</figcaption>
      )}
      {image?.note && <figcaption>{image.note}</figcaption>}
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

function tokenUnder(
  event: MouseEvent,
  canvas: HTMLCanvasElement,
  frame: Frame,
  tokens: Int32Array,
  h: number,
  w: number,
): number {
  const at = canvas.getBoundingClientRect();
  const [left, top, width, height] = frame.box;
  const x = (((event.clientX - at.left) / at.width) * frame.width - left) / width;
  const y = (((event.clientY - at.top) / at.height) * frame.height - top) / height;
  return x < 0 || y < 0 || x >= 1 || y >= 1 ? -1 : tokens[Math.floor(y * h) * w + Math.floor(x * w)]!;
}
