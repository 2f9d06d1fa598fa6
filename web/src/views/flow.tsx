/** How much goes from each part of the queries to each part of the keys; a cell looks at the two alone. */

import { useEffect, useMemo, useState } from "preact/hooks";
import { isListed } from "../data/listed";
import { massOf, type Part, partsOf } from "../data/parts";
import type { Reader } from "../data/reader";
import type { MapInfo } from "../protocol";
import type { Place } from "../state";
import { useStore } from "./context";
import { usePadding, usePromised } from "./hooks";
import { digitsOf, percent, printed } from "./naming";
import { Trouble } from "./trouble";

const AT_ONCE = 2 ** 21; // weights that are added up without being asked to
const ROWS = 64; // that are read at once
const MOST = 24; // parts of a side in a table

export function Flow() {
  const store = useStore();
  const map = store.map.value!;
  const place = store.place.value;
  const queries = useMemo(() => partsOf(store.queries.value), [store.queries.value]);
  const keys = useMemo(() => partsOf(store.keys.value), [store.keys.value]);
  const { tokens: padding, state: known } = usePadding("queries");
  const few = map.shape[2] * map.shape[3] <= AT_ONCE;
  const [asked, ask] = useState(false);
  useEffect(() => ask(false), [map]);
  const many = queries.length > MOST || keys.length > MOST;
  const there = (few || asked) && !many && known !== "asked" && queries.length * keys.length > 1;
  const { value, trouble } = usePromised(
    async (signal) => (there ? await flowOf(store.reader, map, place, queries, keys, padding, signal) : null),
    [map, place, queries, keys, there, padding],
  );
  if (queries.length * keys.length < 2) return null;
  if (many) return <Parting queries={queries} keys={keys} />;
  const row = store.row.value;
  const own = row?.direction === "row" ? massOf(row.values, keys) : null;
  const [a, b] = store.part.value ?? [-1, -1];
  const digits = digitsOf([...(own ?? []), ...(value ?? []).flat()]);
  const told = (share: number) => (map.signed ? printed(share) : percent(Math.min(share, 1), digits)); // 16-bit floats may add up to a bit more
  return (
    <details class="flow" open>
      <summary>From part to part{map.signed ? "" : ", in shares of a query's weight"}</summary>
      <Trouble said={trouble} />
      {known === "failed" && (
        <p class="trouble">It is not known which queries are padding: all are counted.</p>
      )}
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">from ↓ to →</th>
              {keys.map((one) => (
                <th key={one.begin} scope="col">
                  {one.name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {own && (
              <tr data-own>
                <th scope="row">this query</th>
                {own.map((share, j) => (
                  <td key={keys[j]!.begin}>{told(share)}</td>
                ))}
              </tr>
            )}
            {queries.map((one, i) => (
              <tr key={one.begin}>
                <th scope="row">{one.name}</th>
                {keys.map((to, j) => (
                  <td key={to.begin}>
                    <button
                      type="button"
                      aria-pressed={i === a && j === b}
                      title={`look at ${one.name} → ${to.name} alone`}
                      onClick={() => store.lookAtPart([i, j])}
                    >
                      {value ? (Number.isNaN(value[i]![j]!) ? "padding" : told(value[i]![j]!)) : "…"}
                    </button>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {!few && !asked && (
        <button type="button" onClick={() => ask(true)}>
          add up {map.shape[2]} × {map.shape[3]} weights
        </button>
      )}
      <Whole />
    </details>
  );
}

/** Two parts to look at alone, where they are too many for a table. */
function Parting({ queries, keys }: { queries: Part[]; keys: Part[] }) {
  const store = useStore();
  const part = store.part.value;
  const side = (at: 0 | 1, parts: Part[]) => (
    <label>
      {at ? "to" : "from"}{" "}
      <select
        value={part?.[at] ?? ""}
        aria-label={at ? "To the part" : "From the part"}
        onChange={(event) => {
          const chosen = Number(event.currentTarget.value);
          const other = part?.[1 - at] ?? Math.min(chosen, (at ? queries : keys).length - 1);
          store.lookAtPart(at ? [other, chosen] : [chosen, other]);
        }}
      >
        {!part && <option value="">all parts</option>}
        {parts.map((one, i) => (
          <option key={one.begin} value={i}>
            {i}: {one.name}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <details class="flow" open>
      <summary>From part to part</summary>
      <div class="bar">
        {side(0, queries)}
        {side(1, keys)}
        <Whole />
      </div>
    </details>
  );
}

function Whole() {
  const store = useStore();
  if (!store.part.value) return null;
  return (
    <button
      type="button"
      onClick={() => {
        store.part.value = null;
      }}
    >
      look at all parts
    </button>
  );
}

/** Return (query part, key part): means over the queries that are no padding, NaN where all are. */
async function flowOf(
  reader: Reader,
  map: MapInfo,
  { batch, head }: Place,
  queries: Part[],
  keys: Part[],
  padding: Uint8Array | null,
  signal: AbortSignal,
): Promise<number[][]> {
  const found: number[][] = [];
  for (const { begin, end } of queries) {
    const there = Array.from({ length: end - begin }, (_, i) => begin + i).filter(
      (i) => !padding?.[i] && isListed(map, i),
    );
    const sums = keys.map(() => 0);
    for (let at = 0; at < there.length; at += ROWS) {
      const { values } = await reader.rows(map, batch, head, there.slice(at, at + ROWS), signal);
      for (let row = 0; row < values.length; row += map.shape[3]) {
        const masses = massOf(values.subarray(row, row + map.shape[3]), keys);
        for (const [j, mass] of masses.entries()) sums[j]! += mass;
      }
    }
    found.push(sums.map((sum) => sum / there.length));
  }
  return found;
}
