/** A head in few cells, where its rows are not in the page. */

import { useEffect, useMemo, useRef } from "preact/hooks";
import { paintOn } from "../draw/canvas";
import type { MapInfo } from "../protocol";
import type { Place } from "../state";
import { useStore } from "./context";
import { usePaint, usePromised } from "./hooks";
import { Legend } from "./legend";
import { placeName } from "./naming";
import { scaleSaid } from "./strip";

export function Overview({ place }: { place: Place }) {
  const store = useStore();
  const canvas = useRef<HTMLCanvasElement>(null);
  const map = store.manifest.maps[place.map]!;
  const ref = map.overview?.[store.pooling.value] ?? null;
  const { value, trouble } = usePromised(
    async (signal) => (ref ? (await store.reader.blob(ref, signal)).values : null),
    [ref],
  );
  const own = useMemo(() => (value ? cellsOf(map, place, value) : null), [value, map, place]);
  const max = own?.reduce((most, one) => Math.max(most, Math.abs(one) || 0), 0) ?? 0;
  const { table, scale } = usePaint(max, map.signed);
  const [, , h = 1, w = 1] = ref?.shape ?? [];
  useEffect(() => {
    if (own && canvas.current) paintOn(canvas.current, own, [h, w], table, scale);
  }, [own, table, scale]);
  if (trouble) return <p class="trouble">{trouble}</p>;
  if (!ref) return null;
  const [, , queries, keys] = map.shape;
  const name = placeName(map, place, store.axisOf(place, "queries"));
  const weights = h === queries && w === keys ? "one weight" : pooledSaid(store.pooling.value, map, h, w);
  return (
    <figure class="overview" style={{ "--share": Math.min(2, Math.max(0.3, keys / queries)) }}>
      <Legend max={max} signed={map.signed} />
      <canvas ref={canvas} role="img" aria-label={`Overview of head ${place.head}, ${h} × ${w} cells`} />
      <figcaption class="strip">
        {name} · its overview: rows are queries, columns keys; a cell is {weights};{" "}
        {scaleSaid(store, max, map.signed)}
      </figcaption>
    </figure>
  );
}

/** Return the cells of a head from those of all heads of its map's overview. */
export function cellsOf(map: MapInfo, { batch, head }: Place, all: Float32Array): Float32Array {
  const [, heads = 1, h = 1, w = 1] = map.overview?.mean.shape ?? [];
  const begin = (batch * heads + head) * h * w;
  return all.subarray(begin, begin + h * w);
}

function pooledSaid(how: string, { shape, overview }: MapInfo, h: number, w: number): string {
  const [down, across] = [shape[2] / h, shape[3] / w].map((one) => Number(one.toPrecision(2)));
  const sampled = overview?.sampled ? `, of ${overview.sampled} queries of each cell` : "";
  return `the ${how} of ${down} × ${across} weights${sampled}`;
}
