/** The whole matrix of a head, zoomed and moved; row = query, column = key. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { listedOf } from "../data/listed";
import { partsOf } from "../data/parts";
import { type Grain, grainOf } from "../draw/grain";
import { inside, type Looked, zoomed } from "../draw/looked";
import { Tiles } from "../draw/mosaic";
import { redrawnBy } from "../figure/redrawing";
import type { Store } from "../state";
import { useStore } from "./context";
import { usePadding, usePaint, useSize } from "./hooks";
import { type Labels, labelsOf, WIDEST, writeNames } from "./labels";
import { printed, tokenName } from "./naming";

const HIGHEST = 0.78; // of the window; the style sheet has the same

export function Matrix() {
  const store = useStore();
  const map = store.map.value!;
  const place = store.place.value;
  const [, , queries, keys] = map.shape;
  const [box, width, height] = useSize<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const whole = { top: 0, left: 0, rows: queries, columns: keys };
  const [looked, look] = useState<Looked>(whole);
  const [drawn, redraw] = useState(0);
  const drag = useRef<{ x: number; y: number; from: Looked; moved: boolean } | null>(null);
  const tiles = useMemo(
    () => new Tiles(store.reader, map, place.batch, place.head, () => redraw((n) => n + 1)),
    [map, place.batch, place.head],
  );
  useEffect(() => () => tiles.close(), [tiles]);
  const part = store.part.value;
  useEffect(() => look(part ? partLooked(store, part, whole) : whole), [queries, keys, part]);

  const [rows, columns] = labelsFor(store, looked, width);
  const [left, top] = [rows.edge, columns.edge];
  const [inner, tall] = [Math.max(1, width - left), Math.max(1, height - top)];
  const query = store.query.value;
  const key = store.key.value;
  const pooling = store.pooling.value;
  const byRow = store.direction.value === "row";
  const { table } = usePaint(1);
  const { tokens: padding } = usePadding("queries");
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || !canvas.current || width <= left || height <= top) return;
    const ratio = window.devicePixelRatio || 1;
    canvas.current.width = width * ratio;
    canvas.current.height = height * ratio;
    paint(context, ratio);
    redrawnBy(canvas.current, paint);
  }, [width, height, looked, drawn, tiles, query, key, pooling, table, store.spreading.value]);

  const paint = (context: CanvasRenderingContext2D, ratio: number) => {
    context.scale(ratio, ratio);
    context.clearRect(0, 0, width, height);
    context.save();
    context.translate(left, top);
    context.beginPath();
    context.rect(0, 0, inner, tall);
    context.clip();
    const grain = grainOf(looked, [inner, tall], ratio);
    tiles.draw(context, looked, [inner, tall], grain, pooling, table, store.spreading.value);
    cross(context, looked, inner, tall, query, key);
    context.restore();
    const style = getComputedStyle(canvas.current!);
    context.font = `11px ${style.fontFamily}`;
    const colours = { usual: style.color, marked: getComputedStyle(canvas.current!.parentElement!).color };
    const down = { begin: looked.top, count: looked.rows, pixels: tall, offset: top };
    writeNames(context, { axis: store.queries.value, ...down, labels: rows, marked: query }, "rows", colours);
    const across = { begin: looked.left, count: looked.columns, pixels: inner, offset: left };
    writeNames(
      context,
      { axis: store.keys.value, ...across, labels: columns, marked: key },
      "columns",
      colours,
    );
  };

  const cellUnder = (event: MouseEvent): [number, number] | null => {
    const at = canvas.current!.getBoundingClientRect();
    const [x, y] = [event.clientX - at.left - left, event.clientY - at.top - top];
    if (x < 0 || y < 0 || x >= inner || y >= tall) return null;
    const row = Math.floor(looked.top + (y / tall) * looked.rows);
    const column = Math.floor(looked.left + (x / inner) * looked.columns);
    return row < queries && column < keys ? [row, column] : null;
  };
  const zoom = (by: number, x = 0.5, y = 0.5) => look(zoomed(looked, by, x, y, queries, keys));
  const onMove = (event: PointerEvent) => {
    if (drag.current && event.buttons) {
      const { x, y, from } = drag.current;
      drag.current.moved ||= Math.abs(event.clientX - x) + Math.abs(event.clientY - y) > 3;
      const moved = {
        left: from.left - ((event.clientX - x) / inner) * from.columns,
        top: from.top - ((event.clientY - y) / tall) * from.rows,
      };
      look(inside({ ...from, ...moved }, queries, keys));
      return;
    }
    const cell = cellUnder(event);
    if (!cell) return;
    if (byRow) {
      store.hover(cell[0]);
      store.key.value = cell[1];
    } else {
      store.hoverKey(cell[1]);
      store.query.value = cell[0];
    }
  };
  const value = key === null ? undefined : weightAt(store, query, key);
  const grain = grainOf(looked, [inner, tall], window.devicePixelRatio || 1);
  const sampled = tiles.sampled(grain.level, pooling);
  const weights = weightsOf(grain);
  return (
    <div class="matrix">
      <div class="frame" ref={box} style={{ height: `${heightOf(store, whole, width)}px` }}>
        <canvas
          ref={canvas}
          role="img"
          tabIndex={0}
          class={looked.rows < queries || looked.columns < keys ? "zoomed" : ""}
          data-edges={`${left} ${top}`}
          aria-label={`Attention of head ${place.head}: ${queries} queries down, ${keys} keys across`}
          onPointerDown={(event) => {
            drag.current = { x: event.clientX, y: event.clientY, from: looked, moved: false };
          }}
          onPointerMove={onMove}
          onClick={(event) => {
            const cell = drag.current?.moved ? null : cellUnder(event);
            if (cell && byRow) store.pin(cell[0]);
            else if (cell) store.lookAtKey(cell[1]);
          }}
          onDblClick={() => look(whole)}
          onWheel={(event) => {
            const at = canvas.current!.getBoundingClientRect();
            const [x, y] = [(event.clientX - at.left - left) / inner, (event.clientY - at.top - top) / tall];
            zoom(event.deltaY > 0 ? 1.25 : 0.8, x, y);
            event.preventDefault();
          }}
          onKeyDown={(event) => {
            if (event.key === "+" || event.key === "=") zoom(0.7);
            else if (event.key === "-") zoom(1.4);
            else if (event.key === "0") look(whole);
            else return;
            event.preventDefault();
          }}
        />
      </div>
      <div class="bar">
        <button type="button" onClick={() => zoom(0.5)} title="+">
          zoom in
        </button>
        <button type="button" onClick={() => zoom(2)} title="-">
          zoom out
        </button>
        <button type="button" onClick={() => look(whole)} title="0">
          whole map
        </button>
        <output data-value>
          {key === null || value === undefined
            ? "rows: queries, columns: keys; a click pins"
            : `${tokenName(store.queries.value, query)} → ${tokenName(store.keys.value, key)}: ${printed(value)}`}
        </output>
      </div>
      <p class="strip">
        {weights !== "1 × 1"
          ? `a cell is the ${pooling} of ${weights} weights${listedOf(map) ? " that are here" : ""}${sampled ? `, of ${sampled} rows a cell` : ""}`
          : "a cell is one weight"}
        ; {store.spreading.value} scale from {map.signed ? `−${printed(tiles.max)}` : 0} to{" "}
        {printed(tiles.max)}
        {padding ? "; rows of padding are left out" : ""}
        {tiles.numbers === false && !tiles.waiting ? "; none of these weights is a number" : ""}
        {tiles.trouble ? ` · ${tiles.trouble}` : tiles.waiting ? " · computing …" : ""}
      </p>
    </div>
  );
}

/** How many weights a cell is of. */
function weightsOf({ level, down, across }: Grain): string {
  return `${2 ** level * down} × ${2 ** level * across}`;
}

/** The weight of a query on a key; undefined until the row or column that has it was read. */
function weightAt(store: Store, query: number, key: number): number | undefined {
  const row = store.row.value;
  if (!row || row.place !== store.place.value) return undefined;
  const [token, at] = row.direction === "row" ? [query, key] : [key, query];
  return row.token === token ? row.values[at] : undefined;
}

/** What is looked at of a part of the queries and one of the keys. */
function partLooked(store: Store, [from, to]: [number, number], whole: Looked): Looked {
  const [a, b] = [partsOf(store.queries.value)[from], partsOf(store.keys.value)[to]];
  if (!a || !b) return whole;
  return { top: a.begin, left: b.begin, rows: a.end - a.begin, columns: b.end - b.begin };
}

/** How rows and columns are named of what is looked at, in a frame of so many pixels. */
function labelsFor(store: Store, looked: Looked, width: number): [Labels, Labels] {
  const across = Math.max(1, width - WIDEST); // not what is left: names that came and went would change it
  const down = Math.max(1, Math.min(across * shareOf(store), HIGHEST * window.innerHeight - WIDEST));
  return [
    labelsOf(store.queries.value, looked.rows, down),
    labelsOf(store.keys.value, looked.columns, across),
  ];
}

/** The height of the frame in pixels; none, and so nothing to be drawn, until its width is known. */
function heightOf(store: Store, whole: Looked, width: number): number {
  if (!width) return 0;
  const [rows, columns] = labelsFor(store, whole, width);
  return columns.edge + Math.max(1, width - rows.edge) * shareOf(store);
}

/** The height of the matrix as a share of its width: cells are squares unless it is very long or flat. */
function shareOf(store: Store): number {
  const [, , queries, keys] = store.map.value!.shape;
  return Math.min(1.4, Math.max(0.3, queries / keys));
}

function cross(
  context: CanvasRenderingContext2D,
  looked: Looked,
  width: number,
  height: number,
  query: number,
  key: number | null,
): void {
  const down = height / looked.rows;
  const across = width / looked.columns;
  context.strokeStyle = "rgba(255, 80, 80, 0.9)";
  context.lineWidth = 1;
  const y = (query - looked.top) * down;
  context.strokeRect(-2, y, width + 4, Math.max(down, 1));
  if (key !== null) context.strokeRect((key - looked.left) * across, -2, Math.max(across, 1), height + 4);
}
