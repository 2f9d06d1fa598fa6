/** Which heads do what: a table of metrics that sorts, filters, and marks heads in the atlas. */

import { useMemo, useState } from "preact/hooks";
import type { Place } from "../state";
import { atlasMaps } from "./atlas";
import { useStore } from "./context";
import { usePromised } from "./hooks";
import { printed, shortPaths } from "./naming";

interface Found {
  place: Place;
  layer: string;
  values: Float32Array;
}

const MOST = 400; // rows that are shown

export function Finder() {
  const store = useStore();
  const { manifest, reader } = store;
  const here = store.place.value;
  const maps = useMemo(() => atlasMaps(manifest.maps, here), [here.map]);
  const [by, sort] = useState<{ column: number; falling: boolean }>({ column: 0, falling: false });
  const [least, filter] = useState("");
  const { value, trouble } = usePromised(
    (signal) =>
      Promise.all(
        maps.map(async ({ metrics }) => (metrics ? (await reader.blob(metrics, signal)).values : null)),
      ),
    [maps],
  );
  const rows = useMemo(() => {
    const names = shortPaths(maps.map((one) => one.path));
    return (value ?? []).flatMap((values, number) =>
      rowsOf(maps[number]!, names[number]!, values, manifest.measures.length),
    );
  }, [value, maps]);
  const shown = useMemo(() => sorted(rows, by.column, by.falling, least), [rows, by, least]);
  const measures = manifest.measures;
  const there = measures.map((_, i) => rows.some((row) => !Number.isNaN(row.values[i]!)));
  if (trouble) return <p class="trouble">{trouble}</p>;
  return (
    <section class="finder">
      <div class="bar">
        <label>
          at least{" "}
          <input
            type="number"
            step="any"
            value={least}
            aria-label={`Least ${measures[by.column]?.name}`}
            onInput={(event) => filter(event.currentTarget.value)}
          />{" "}
          of {measures[by.column]?.name}
        </label>
        <button
          type="button"
          aria-pressed={store.found.value !== null}
          onClick={() => {
            store.found.value = store.found.value
              ? null
              : new Set(shown.map(({ place }) => `${place.map}.${place.batch}.${place.head}`));
          }}
        >
          {store.found.value ? "show all in the atlas" : "mark these in the atlas"}
        </button>
        <span>
          {shown.length} of {rows.length} heads
        </span>
      </div>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">layer</th>
              <th scope="col">head</th>
              {measures.map((one, i) =>
                there[i] ? (
                  <th
                    key={one.name}
                    scope="col"
                    title={one.about}
                    aria-sort={by.column === i ? (by.falling ? "descending" : "ascending") : "none"}
                  >
                    <button
                      type="button"
                      onClick={() => sort({ column: i, falling: by.column === i ? !by.falling : true })}
                    >
                      {one.name.replaceAll("_", " ")} <small>{one.unit}</small>
                    </button>
                  </th>
                ) : null,
              )}
            </tr>
          </thead>
          <tbody>
            {shown.slice(0, MOST).map(({ place, layer, values }) => (
              <tr key={`${place.map}.${place.batch}.${place.head}`}>
                <th scope="row">{layer}</th>
                <td>
                  <button
                    type="button"
                    aria-label={`${layer}, head ${place.head}`}
                    onClick={() => {
                      store.select(place);
                      store.view.value = "head";
                    }}
                  >
                    {place.batch ? `${place.head}, row ${place.batch}` : place.head}
                  </button>
                </td>
                {measures.map((one, i) => (there[i] ? <td key={one.name}>{printed(values[i]!)}</td> : null))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length > MOST && <p>{shown.length - MOST} more: ask for at least some of the measure.</p>}
    </section>
  );
}

function rowsOf(
  map: { id: number; shape: readonly number[] },
  layer: string,
  values: Float32Array | null,
  measures: number,
): Found[] {
  const [batches, heads] = map.shape as [number, number];
  if (!values) return [];
  return Array.from({ length: batches * heads }, (_, at) => ({
    place: { map: map.id, batch: Math.floor(at / heads), head: at % heads },
    layer,
    values: values.subarray(at * measures, (at + 1) * measures),
  }));
}

/** Return the heads in order of a measure; those without a number come last. */
function sorted(rows: Found[], column: number, falling: boolean, least: string): Found[] {
  const kept = least === "" ? rows : rows.filter((row) => row.values[column]! >= Number(least));
  const place = (row: Found) => {
    const value = row.values[column]!;
    return Number.isNaN(value) ? Number.POSITIVE_INFINITY : falling ? -value : value;
  };
  return [...kept].sort((a, b) => place(a) - place(b));
}
