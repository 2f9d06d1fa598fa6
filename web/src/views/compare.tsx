/** Two heads, or the same head of two runs: rows side by side, and their signed difference. */

import { useEffect, useMemo } from "preact/hooks";
import { shownOf, sinksOf } from "../data/shown";
import type { MapInfo } from "../protocol";
import type { Place } from "../state";
import { useStore } from "./context";
import { Difference } from "./difference";
import { usePromised } from "./hooks";
import { Legend } from "./legend";
import { percent, placeName, tokenName } from "./naming";
import { Surface } from "./surface";

export function Compare() {
  const store = useStore();
  const { manifest, reader } = store;
  const a = store.place.value;
  const query = store.query.value;
  useEffect(() => {
    store.other.value ??= partner(manifest.maps, a);
  }, [a.map]);
  const b = store.other.value ?? a;
  const [mapA, mapB] = [manifest.maps[a.map]!, manifest.maps[b.map]!];
  const at = Math.min(query, mapB.shape[2] - 1);
  const { value, trouble } = usePromised(
    (signal) =>
      Promise.all([
        reader.row(mapA, a.batch, a.head, query, signal),
        reader.row(mapB, b.batch, b.head, at, signal),
      ]),
    [a, b, query, at],
  );
  const off = store.sinksOff.value;
  const rows = useMemo(
    () =>
      value?.map((row, i) => {
        const sinks = off ? sinksOf(store.axisOf(i ? b : a, "keys")) : [];
        return shownOf(row, sinks, store.mass.value, (i ? mapB : mapA).signed);
      }),
    [value, off, store.mass.value],
  );
  const max = Math.max(0, ...(rows ?? []).map((one) => one.max));
  const alike = rows && rows[0]!.values.length === rows[1]!.values.length;
  if (trouble) return <p class="trouble">{trouble}</p>;
  return (
    <section class="compare">
      <div class="bar">
        <Legend max={max} />
        <p class="strip">
          query: {tokenName(store.queries.value, query)}
          {alike ? ` · total variation ${percent(variation(rows[0]!.values, rows[1]!.values))}` : ""}
          {rows && !alike ? " · the two have different numbers of keys, so no difference is drawn" : ""}
        </p>
      </div>
      <div class="sides">
        {[a, b].map((place, i) => (
          <article key={i === 0 ? "a" : "b"}>
            <h3>
              {i === 0 ? "A" : "B"}:{" "}
              {manifest.runs.length > 1 ? `${manifest.runs[(i ? mapB : mapA).run]!.name} · ` : ""}
              {placeName(i ? mapB : mapA, place)}
            </h3>
            {i === 1 && <Chooser place={place} />}
            <Surface
              axis={store.axisOf(place, "keys")}
              values={rows?.[i]?.values ?? null}
              max={max}
              marked={i ? at : query}
              label={i ? "Keys of B" : "Keys of A"}
              onHover={(token) => store.hover(Math.min(token, mapA.shape[2] - 1))}
              onPick={(token) => store.pin(Math.min(token, mapA.shape[2] - 1))}
            />
          </article>
        ))}
      </div>
      {alike && (
        <Difference axis={store.axisOf(a, "keys")} a={rows[0]!.values} b={rows[1]!.values} marked={query} />
      )}
    </section>
  );
}

/** Which head stands beside. */
function Chooser({ place }: { place: Place }) {
  const store = useStore();
  const maps = store.manifest.maps;
  const heads = maps[place.map]!.shape[1];
  return (
    <div class="bar">
      <label>
        map
        <select
          value={place.map}
          onChange={(event) => {
            const map = Number(event.currentTarget.value);
            const [batches, count] = maps[map]!.shape;
            const { batch, head } = place;
            store.other.value = { map, batch: Math.min(batch, batches - 1), head: Math.min(head, count - 1) };
          }}
        >
          {maps.map((one) => (
            <option key={one.id} value={one.id}>
              {mapTitle(one, store.manifest.runs.length)}
            </option>
          ))}
        </select>
      </label>
      <label>
        head
        <input
          type="number"
          min="0"
          max={heads - 1}
          value={place.head}
          onInput={(event) => {
            const head = Number(event.currentTarget.value);
            if (head >= 0 && head < heads) store.other.value = { ...place, head };
          }}
        />
      </label>
    </div>
  );
}

function mapTitle(map: MapInfo, runs: number): string {
  return `${runs > 1 ? `run ${map.run}: ` : ""}${map.path || "model"}${map.call ? `, call ${map.call}` : ""}`;
}

/** The same head of the other run; of one run the next head. */
function partner(maps: MapInfo[], place: Place): Place {
  const here = maps[place.map]!;
  const there = maps.find((one) => one.run !== here.run && one.path === here.path && one.call === here.call);
  if (there) return { ...place, map: there.id };
  return { ...place, head: (place.head + 1) % here.shape[1] };
}

/** Half of the sum of absolute differences. */
function variation(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs((value || 0) - (b[i] || 0)), 0) / 2;
}
