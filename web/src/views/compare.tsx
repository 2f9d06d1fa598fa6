/** Two heads, or the same head of two runs: rows side by side, and their signed difference. */

import { useEffect, useMemo } from "preact/hooks";
import { nearest } from "../data/listed";
import { callNear, type Module, modulesOf } from "../data/modules";
import { shownOf, sinksOf } from "../data/shown";
import { windowsIn } from "../data/windows";
import type { MapInfo } from "../protocol";
import type { Place } from "../state";
import { useStore } from "./context";
import { Difference } from "./difference";
import { usePromised } from "./hooks";
import { Legend } from "./legend";
import { percent, placeName, runNames, tokenName } from "./naming";
import { Surface } from "./surface";
import { Whole } from "./whole";

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
  const at = nearest(mapB, Math.min(query, mapB.shape[2] - 1));
  const { value, trouble } = usePromised(
    (signal) =>
      Promise.all([
        reader.row(mapA, a.batch, a.head, query, signal),
        reader.row(mapB, b.batch, b.head, at, signal),
      ]),
    [a, b],
    [query, at],
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
  const [queriesA, queriesB] = [store.queries.value, store.axisOf(b, "queries")];
  const linked = [queriesA === store.keys.value, queriesB === store.axisOf(b, "keys")]; // a key is a query too
  const names = [
    tokenName(queriesA, query, mapA.places?.[query] ?? query),
    tokenName(queriesB, at, mapB.places?.[at] ?? at),
  ];
  const pick = (token: number) => store.pin(Math.min(token, mapA.shape[2] - 1));
  if (trouble) return <p class="trouble">{trouble}</p>;
  return (
    <section class="compare">
      <div class="bar">
        <Legend max={max} />
        <p class="strip">
          query: {names[0]}
          {names[1] === names[0] ? "" : `; of B: ${names[1]}`}
          {alike ? ` · total variation ${percent(variation(rows[0]!.values, rows[1]!.values))}` : ""}
          {rows && !alike ? " · the two have different numbers of keys, so no difference is drawn" : ""}
        </p>
      </div>
      {!linked[0] && (
        <details open>
          <summary>Choose a query</summary>
          <Surface axis={queriesA} values={null} max={1} marked={query} label="Queries" onPick={pick} />
        </details>
      )}
      <div class="sides">
        {[a, b].map((place, i) => (
          <article key={i === 0 ? "a" : "b"}>
            <h3>
              {i === 0 ? "A" : "B"}:{" "}
              {manifest.runs.length > 1 ? `${runNames(manifest.runs)[(i ? mapB : mapA).run]} · ` : ""}
              {placeName(i ? mapB : mapA, place, store.axisOf(place, "queries"))}
            </h3>
            <Chooser
              place={place}
              take={(next) => {
                if (i === 0) store.select(next);
                else store.other.value = next;
              }}
            />
            <Surface
              axis={store.axisOf(place, "keys")}
              values={rows?.[i]?.values ?? null}
              max={max}
              marked={linked[i] ? (i ? at : query) : null}
              label={i ? "Keys of B" : "Keys of A"}
              {...(linked[0] && linked[i]
                ? { onHover: (token) => store.hover(Math.min(token, mapA.shape[2] - 1)), onPick: pick }
                : {})}
            />
          </article>
        ))}
      </div>
      {alike && (
        <Difference
          axis={store.axisOf(a, "keys")}
          a={rows[0]!.values}
          b={rows[1]!.values}
          marked={linked[0] ? query : null}
        />
      )}
    </section>
  );
}

/** Which head stands there: its module, its call, its row of the batch. */
function Chooser({ place, take }: { place: Place; take: (next: Place) => void }) {
  const store = useStore();
  const { maps, runs } = store.manifest;
  const here = maps[place.map]!;
  const [rows, heads] = here.shape;
  const modules = useMemo(() => modulesOf(maps), [maps]);
  const at = modules.findIndex((one) => one.run === here.run && one.path === here.path);
  const { calls } = modules[at]!;
  const options = useMemo(() => optionsOf(modules, runs.length > 1 ? runNames(runs) : []), [modules, runs]);
  const takeMap = ({ id, shape }: MapInfo) => {
    const { batch, head } = place;
    take({ map: id, batch: Math.min(batch, shape[0] - 1), head: Math.min(head, shape[1] - 1) });
  };
  return (
    <div class="bar">
      <label>
        map
        <select
          value={at}
          onChange={(event) =>
            takeMap(callNear(modules[Number(event.currentTarget.value)]!, calls.indexOf(here)))
          }
        >
          {options}
        </select>
      </label>
      {calls.length > 1 && (
        <Whole
          label="call"
          count={calls.length}
          value={calls.indexOf(here)}
          take={(call) => takeMap(calls[call]!)}
        />
      )}
      <Whole label="head" count={heads} value={place.head} take={(head) => take({ ...place, head })} />
      {rows > 1 && (
        <Whole
          label={windowsIn(store.axisOf(place, "queries")) ? "window" : "row"}
          count={rows}
          value={place.batch}
          take={(batch) => take({ ...place, batch })}
        />
      )}
    </div>
  );
}

function optionsOf(modules: Module[], runs: string[]) {
  return modules.map(({ run, path }, value) => (
    <option key={value} value={value}>
      {[runs[run], path || "model"].filter(Boolean).join(", ")}
    </option>
  ));
}

/** The same head of the other run; of one run the next head, or that of the next map. */
function partner(maps: MapInfo[], place: Place): Place {
  const here = maps[place.map]!;
  const there = maps.find((one) => one.run !== here.run && one.path === here.path && one.call === here.call);
  if (there) {
    const [batches, heads] = there.shape;
    const { batch, head } = place;
    return { map: there.id, batch: Math.min(batch, batches - 1), head: Math.min(head, heads - 1) };
  }
  if (here.shape[1] > 1) return { ...place, head: (place.head + 1) % here.shape[1] };
  const next = maps[(place.map + 1) % maps.length]!;
  return { map: next.id, batch: Math.min(place.batch, next.shape[0] - 1), head: 0 };
}

/** Half of the sum of absolute differences. */
function variation(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs((value || 0) - (b[i] || 0)), 0) / 2;
}
