/** The whole matrix of a head, zoomed and moved; row = query, column = key. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Tiles } from "../draw/mosaic";
import { redrawnBy } from "../figure/redrawing";
import type { Store } from "../state";
import { useStore } from "./context";
import { type Frame, frameOf, grainIn, heightOf, paintMatrix } from "./framing";
import { usePaint, useSize } from "./hooks";
import { Legend } from "./legend";
import { MatrixBar, MatrixStrip } from "./matrix_foot";
import { type Moving, useMoving } from "./moving";

export function Matrix() {
  const store = useStore();
  const [, , queries, keys] = store.map.value!.shape;
  const [box, width, height] = useSize<HTMLDivElement>();
  const moving = useMoving(store);
  const { looked, whole, showAll, zoom } = moving;
  const [tiles, drawn] = useTiles(store);
  const frame = frameOf(store, looked, width, height);
  const canvas = usePainted(store, moving, tiles, frame, drawn);
  const { left, top, inner, tall } = frame;
  const { level, down, across } = grainIn(frame, looked);
  const pooled = !width || level > 0 || down * across > 1;
  useEffect(() => {
    store.pooled.value = pooled;
    return () => {
      store.pooled.value = true;
    };
  }, [pooled]);

  /** Where the pointer is, in shares of the cells' width and height. */
  const shareUnder = (event: MouseEvent): [number, number] => {
    const at = canvas.current!.getBoundingClientRect();
    return [(event.clientX - at.left - left) / inner, (event.clientY - at.top - top) / tall];
  };
  const cellUnder = (event: MouseEvent): [number, number] | null => {
    const [x, y] = shareUnder(event);
    if (x < 0 || y < 0 || x >= 1 || y >= 1) return null;
    const row = Math.floor(looked.top + y * looked.rows);
    const column = Math.floor(looked.left + x * looked.columns);
    return row < queries && column < keys ? [row, column] : null;
  };
  return (
    <div>
      <div class="matrix">
        <div class="frame" ref={box} style={{ height: `${heightOf(store, whole, width)}px` }}>
          <canvas
            ref={canvas}
            role="img"
            tabIndex={0}
            class={looked.rows < queries || looked.columns < keys ? "zoomed" : ""}
            data-edges={`${left} ${top}`}
            aria-label={`Attention of head ${store.place.value.head}: ${queries} queries down, ${keys} keys across`}
            onPointerDown={moving.grab}
            onPointerMove={(event) => {
              const cell = moving.drag(event, inner, tall) ? null : cellUnder(event);
              if (cell) hover(store, cell);
            }}
            onClick={(event) => {
              const cell = moving.wasDragged() ? null : cellUnder(event);
              if (cell) pin(store, cell);
            }}
            onDblClick={showAll}
            onWheel={(event) => {
              zoom(event.deltaY > 0 ? 1.25 : 0.8, ...shareUnder(event));
              event.preventDefault();
            }}
            onKeyDown={(event) => {
              if (event.key === "+" || event.key === "=") zoom(0.7);
              else if (event.key === "-") zoom(1.4);
              else if (event.key === "0") showAll();
              else return;
              event.preventDefault();
            }}
          />
        </div>
        <MatrixBar moving={moving} />
        <MatrixStrip frame={frame} looked={looked} tiles={tiles} />
      </div>
      <Legend max={tiles.max} />
    </div>
  );
}

/** The tiles of the head that is looked at, and how often there was more of them to be drawn. */
function useTiles({ reader, map, place }: Store): [Tiles, number] {
  const [drawn, redraw] = useState(0);
  const { batch, head } = place.value;
  const shown = map.value!;
  const tiles = useMemo(
    () => new Tiles(reader, shown, batch, head, () => redraw((n) => n + 1)),
    [shown, batch, head],
  );
  useEffect(() => () => tiles.close(), [tiles]);
  return [tiles, drawn];
}

/** A canvas that is drawn anew when what it shows has changed. */
function usePainted(store: Store, { looked }: Moving, tiles: Tiles, frame: Frame, drawn: number) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { table } = usePaint(1);
  const { width, height, left, top } = frame;
  const { query, key, pooling, spreading } = store;
  const { told } = store.reader.details; // which keys are seen, among others
  useEffect(() => {
    const on = canvas.current;
    const context = on?.getContext("2d");
    if (!on || !context || width <= left || height <= top) return;
    const ratio = window.devicePixelRatio || 1;
    on.width = width * ratio;
    on.height = height * ratio;
    const paint = (onto: CanvasRenderingContext2D, by: number) =>
      paintMatrix(onto, by, store, { frame, looked, tiles, table, on });
    paint(context, ratio);
    redrawnBy(on, paint);
  }, [
    width,
    height,
    looked,
    drawn,
    tiles,
    query.value,
    key.value,
    pooling.value,
    table,
    spreading.value,
    told.value,
  ]);
  return canvas;
}

function hover(store: Store, [row, column]: [number, number]): void {
  if (store.direction.value === "row") {
    store.hover(row);
    store.key.value = column;
  } else {
    store.hoverKey(column);
    store.query.value = row;
  }
}

function pin(store: Store, [row, column]: [number, number]): void {
  if (store.direction.value === "row") store.pin(row);
  else store.lookAtKey(column);
}
