/** Two heads, or the same head of two runs: rows side by side, and their signed difference. */

import { useMemo } from "preact/hooks";
import { whyAbsent } from "../data/absent";
import { nearest } from "../data/listed";
import { haveCommon, modulesOf } from "../data/modules";
import { leastOf, type Shown, shownOf, sinksOf } from "../data/shown";
import type { Manifest, MapInfo } from "../protocol";
import { Chooser } from "./chooser";
import { useStore } from "./context";
import { Difference } from "./difference";
import { orWhy, usePromised } from "./hooks";
import { Legend } from "./legend";
import { checkedWords, percent, placeName, runNames, tokenName } from "./naming";
import { Overview } from "./overview";
import { drawnSaid } from "./strip";
import { Surface } from "./surface";

export function Compare() {
  const store = useStore();
  const { manifest, reader } = store;
  const a = store.place.value;
  const query = store.query.value;
  const b = store.beside.value;
  const [mapA, mapB] = [manifest.maps[a.map]!, manifest.maps[b.map]!];
  const at = nearest(mapB, Math.min(query, mapB.shape[2] - 1));
  const { value } = usePromised(
    (signal) =>
      Promise.all([
        orWhy(reader.row(mapA, a.batch, a.head, query, signal), signal),
        orWhy(reader.row(mapB, b.batch, b.head, at, signal), signal),
      ]),
    [a, b],
    [query, at],
  );
  const off = store.sinksOff.value;
  const rows = useMemo(
    () =>
      value?.map((row, i) => {
        if (typeof row === "string") return row;
        const sinks = off ? sinksOf(store.axisOf(i ? b : a, "keys")) : [];
        return shownOf(row, sinks, store.mass.value, (i ? mapB : mapA).signed);
      }),
    [value, off, store.mass.value],
  );
  const shown = (rows ?? []).filter((one) => typeof one !== "string");
  const troubles = [...new Set((rows ?? []).filter((one) => typeof one === "string"))];
  const max = Math.max(0, ...shown.map((one) => one.max));
  const both = shown.length === 2;
  const alike = both && shown[0]!.values.length === shown[1]!.values.length;
  const least = [leastOf(mapA, a), leastOf(mapB, b)];
  const [queriesA, queriesB] = [store.queries.value, store.axisOf(b, "queries")];
  const linked = [queriesA === store.keys.value, queriesB === store.axisOf(b, "keys")]; // a key is a query too
  const names = [
    tokenName(queriesA, query, mapA.places?.[query] ?? query),
    tokenName(queriesB, at, mapB.places?.[at] ?? at),
  ];
  const told = (row: Shown | string | undefined, map: MapInfo) =>
    typeof row === "object" ? drawnSaid(store, row, map.signed, off) : [];
  const pick = (token: number) => store.pin(Math.min(token, mapA.shape[2] - 1));
  return (
    <section class="compare">
      <div class="bar">
        {max > 0 && <Legend max={max} axis={store.axisOf(a, "keys")} />}
        <p class="strip">
          query: {names[0]}
          {names[1] === names[0] ? "" : `; of B: ${names[1]}`}
          {alike ? ` · total variation ${percent(variation(shown[0]!.values, shown[1]!.values))}` : ""}
          {both && !alike ? " · the two have different numbers of keys, so no difference is drawn" : ""}
        </p>
      </div>
      {mapA.run !== mapB.run && !haveCommon(manifest.maps, mapA.run, mapB.run) && (
        <p class="trouble">{unlikeSaid(manifest, [mapA.run, mapB.run])}</p>
      )}
      {troubles.map((said) => (
        <p class="trouble" key={said}>
          {troubles.length < 2 && shown.length ? `${typeof rows![0] === "string" ? "A" : "B"}: ` : ""}
          {said}
        </p>
      ))}
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
            {whyAbsent(i ? mapB : mapA, place.batch, place.head) ? (
              <Overview place={place} />
            ) : (
              <Surface
                axis={store.axisOf(place, "keys")}
                values={valuesOf(rows?.[i])}
                least={least[i]!}
                max={max}
                marked={linked[i] ? (i ? at : query) : null}
                label={i ? "Keys of B" : "Keys of A"}
                {...(linked[0] && linked[i]
                  ? { onHover: (token) => store.hover(Math.min(token, mapA.shape[2] - 1)), onPick: pick }
                  : {})}
              />
            )}
            <p class="strip">
              {[...told(rows?.[i], i ? mapB : mapA), checkedWords((i ? mapB : mapA).error)].join(" · ")}
            </p>
          </article>
        ))}
      </div>
      {alike && (
        <Difference
          axis={store.axisOf(a, "keys")}
          a={shown[0]!.values}
          b={shown[1]!.values}
          least={Math.max(...least)}
          marked={linked[0] ? query : null}
        />
      )}
    </section>
  );
}

/** That two runs have no module of the same name, and what each has. */
function unlikeSaid({ maps, runs }: Manifest, sides: number[]): string {
  const has = sides.map((run) => {
    const [first, ...more] = modulesOf(maps, run).map(({ path }) => path || "model");
    return `${runNames(runs)[run]} has ${first}${more.length ? ` and ${more.length} more` : ""}`;
  });
  return `no module of the two runs has the same name: ${has.join(", ")}; choose which two maps stand beside one another`;
}

function valuesOf(row: Shown | string | undefined): Float32Array | null {
  return typeof row === "object" ? row.values : null;
}

/** Half of the sum of absolute differences. */
function variation(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs((value || 0) - (b[i] || 0)), 0) / 2;
}
