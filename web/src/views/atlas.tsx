/** All layers and heads at a glance; a click enters a head. */

import { useEffect, useMemo, useRef } from "preact/hooks";
import { paintOn } from "../draw/canvas";
import type { MapInfo } from "../protocol";
import type { Place } from "../state";
import { useStore } from "./context";
import { usePaint, usePromised } from "./hooks";
import { Legend } from "./legend";
import { callsOf, shortPaths } from "./naming";

export function Atlas() {
  const store = useStore();
  const { manifest, reader } = store;
  const place = store.place.value;
  const pooling = store.pooling.value;
  const maps = useMemo(() => atlasMaps(manifest.maps, place), [place.map]);
  const names = useMemo(() => shortPaths(maps.map((one) => one.path)), [maps]);
  const { value, trouble } = usePromised(
    (signal) =>
      Promise.all(
        maps.map(async ({ overview }) =>
          overview ? (await reader.blob(overview[pooling], signal)).values : null,
        ),
      ),
    [maps, pooling],
  );
  const max = useMemo(() => largest(value ?? []), [value]);
  const sampled = maps.find((one) => one.overview?.sampled)?.overview?.sampled;
  if (trouble) return <p class="trouble">{trouble}</p>;
  return (
    <section class="atlas" aria-label="All layers and heads" data-ready={value !== null}>
      <div class="bar">
        <Legend max={max} />
        <p class="strip">
          One scale for all heads; rows are queries, columns keys; a cell is the {pooling} of its weights
          {sampled ? `, of ${sampled} queries of each cell` : ""}.
        </p>
      </div>
      <div class="layers">
        {maps.map((map, number) => (
          <div class="layer" key={map.id}>
            <h3 title={map.path}>{names[number]}</h3>
            <div class="thumbs">
              {headsOf(map, place.batch).map((one) => (
                <Thumb key={one.head} map={map} place={one} values={value?.[number] ?? null} max={max} />
              ))}
            </div>
          </div>
        ))}
      </div>
    </section>
  );
}

interface ThumbProps {
  map: MapInfo;
  place: Place;
  values: Float32Array | null;
  max: number;
}

function Thumb({ map, place, values, max }: ThumbProps) {
  const store = useStore();
  const canvas = useRef<HTMLCanvasElement>(null);
  const paint = usePaint(max);
  useEffect(() => {
    if (!values || !canvas.current || !map.overview) return;
    const [, heads, h, w] = map.overview.mean.shape as [number, number, number, number];
    const begin = (place.batch * heads + place.head) * h * w;
    paintOn(canvas.current, values.subarray(begin, begin + h * w), [h, w], paint.table, paint.scale);
  }, [values, paint, place.batch]);
  const { map: at, batch, head } = store.place.value;
  const here = at === place.map && batch === place.batch && head === place.head;
  const out = store.found.value && !store.found.value.has(`${place.map}.${place.batch}.${place.head}`);
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
      <span>{place.head}</span>
    </button>
  );
}

/** The map of each module whose call is the one that is looked at, or else its last. */
export function atlasMaps(maps: MapInfo[], place: Place): MapInfo[] {
  const here = maps[place.map];
  if (!here) return [];
  const paths = [...new Set(maps.filter((one) => one.run === here.run).map((one) => one.path))];
  return paths.map((path) => {
    const calls = callsOf(maps, here.run, path);
    return calls.find((one) => one.call === here.call) ?? calls[calls.length - 1]!;
  });
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
