/** All layers and heads at a glance; a click enters a head. */

import { useEffect, useMemo, useRef } from "preact/hooks";
import { blockOf } from "../data/modules";
import { paintOn } from "../draw/canvas";
import type { MapInfo } from "../protocol";
import { type Place, placed } from "../state";
import { Blocks } from "./blocks";
import { useStore } from "./context";
import { useFinding } from "./finding";
import { useColumns, usePaint, usePromised } from "./hooks";
import { Legend } from "./legend";
import { rowWords, shortPaths } from "./naming";
import { cellsOf } from "./overview";
import { Path } from "./path";
import { useWide } from "./wide";

export function Atlas() {
  const store = useStore();
  const { manifest, reader } = store;
  const place = store.place.value;
  const pooling = store.pooling.value;
  const maps = useMemo(() => blockOf(manifest.maps, place.map).maps, [place.map]);
  const names = useMemo(() => shortPaths(maps.map((one) => one.path)), [maps]);
  const { value, trouble } = usePromised(
    async (signal) => {
      const all = maps.map(({ overview }) => (overview ? reader.blob(overview[pooling], signal) : null));
      return (await Promise.all(all)).map((one) => one?.values ?? null);
    },
    maps,
    [pooling],
  );
  const marked = store.marked.value;
  const finding = useFinding(store, marked);
  const found = useMemo(() => new Set(finding.found.map((one) => placed(one.place))), [finding]);
  const max = useMemo(() => largest(value ?? []), [value]);
  const { grid, columns } = useColumns<HTMLDivElement>(useWide() ? 72 : 42, 4);
  const most = Math.max(...maps.map((one) => one.shape[1]));
  const label = Math.min(MOST_LABEL, Math.max(...names.map((one) => one.length)));
  const sampled = maps.find((one) => one.overview?.sampled)?.overview?.sampled;
  if (trouble) return <p class="trouble">{trouble}</p>;
  return (
    <section class="atlas" aria-label="All layers and heads" data-ready={value !== null}>
      <div class="bar">
        <Legend max={max} />
        <p class="strip">
          One scale for all heads; rows are queries, columns keys; a cell is the {pooling} of its weights
          {sampled ? `, of ${sampled} queries of each cell` : ""}
          {store.map.value &&
            ["", ...rowWords(store.map.value, place.batch, store.queries.value)].join(" · ")}
          {marked && ` · ${found.size} of ${finding.all.length} heads are marked`}
        </p>
        {marked && (
          <button
            type="button"
            onClick={() => {
              store.marked.value = false;
            }}
          >
            show all
          </button>
        )}
      </div>
      <Blocks />
      <div class="layers" style={{ "--label": label }}>
        {maps.map((map, number) => (
          <div class="layer" key={map.id}>
            <h3 title={map.path}>
              <Path path={names[number]!} />
            </h3>
            <div class="thumbs" ref={number === 0 ? grid : null} style={{ "--columns": columns(most) }}>
              {headsOf(map, place.batch).map((one) => (
                <Thumb
                  key={one.head}
                  map={map}
                  place={one}
                  values={value?.[number] ?? null}
                  max={max}
                  out={marked && finding.all.length > 0 && !found.has(placed(one))}
                />
              ))}
            </div>
          </div>
        ))}
      </div>
    </section>
  );
}

const MOST_LABEL = 18; // letters of a layer's name in a line

interface ThumbProps {
  map: MapInfo;
  place: Place;
  values: Float32Array | null;
  max: number;
  /** Whether it is none of the heads that are marked. */
  out: boolean;
}

function Thumb({ map, place, values, max, out }: ThumbProps) {
  const store = useStore();
  const canvas = useRef<HTMLCanvasElement>(null);
  const paint = usePaint(max);
  const [, , h = 1, w = 1] = map.overview?.mean.shape ?? [];
  const own = useMemo(() => values && cellsOf(map, place, values), [values, map, place.batch, place.head]);
  const blank = useMemo(() => own?.every(Number.isNaN) ?? false, [own]);
  useEffect(() => {
    if (own && canvas.current) paintOn(canvas.current, own, [h, w], paint.table, paint.scale);
  }, [own, paint]);
  const { map: at, batch, head } = store.place.value;
  const here = at === place.map && batch === place.batch && head === place.head;
  return (
    <button
      type="button"
      class={`thumb${here ? " here" : ""}${out ? " out" : ""}`}
      aria-pressed={here}
      aria-label={`${map.path || "model"}, head ${place.head}`}
      title={`${map.path || "model"} · head ${place.head}`}
      onClick={() => {
        store.select(place);
        store.view.value = "head";
      }}
    >
      <canvas ref={canvas} width={1} height={1} />
      {blank && <em>no numbers</em>}
      <span>{place.head}</span>
    </button>
  );
}

function headsOf(map: MapInfo, batch: number): Place[] {
  const [batches, count] = map.shape;
  const row = Math.min(batch, batches - 1);
  return Array.from({ length: count }, (_, head) => ({ map: map.id, batch: row, head }));
}

function largest(all: (Float32Array | null)[]): number {
  let max = 0;
  for (const values of all)
    for (const value of values ?? []) if (Math.abs(value) > max) max = Math.abs(value);
  return max || 1;
}
