/** One query in all heads of a layer, side by side, on one scale. */

import { useMemo } from "preact/hooks";
import { isLattice } from "../data/axes";
import { shownOf, sinksOf } from "../data/shown";
import { windowsOf } from "../data/windows";
import { useStore } from "./context";
import { usePromised } from "./hooks";
import { Legend } from "./legend";
import { percent, rowWords, tokenName } from "./naming";
import { Ribbon } from "./ribbon";
import { Small } from "./small";
import { Surface } from "./surface";

export function Heads() {
  const store = useStore();
  const map = store.map.value!;
  const { batch } = store.place.value;
  const query = store.query.value;
  const [, heads] = map.shape;
  const { value: found, trouble } = usePromised(
    async (signal) => {
      const rows = await Promise.all(
        Array.from({ length: heads }, (_, head) =>
          store.reader.row(map, batch, head, query, signal).catch((error: Error) => {
            if (signal.aborted) throw error;
            return error.message;
          }),
        ),
      );
      return { map, batch, rows };
    },
    [map, batch, query],
  );
  const value = found?.map === map && found.batch === batch ? found.rows : null;
  const axis = store.keys.value;
  const off = store.sinksOff.value;
  const mass = store.mass.value;
  const rows = useMemo(
    () =>
      (value ?? []).map((one) =>
        typeof one === "string" ? one : shownOf(one, off ? sinksOf(axis) : [], mass, map.signed),
      ),
    [value, off, mass, axis],
  );
  const max = Math.max(0, ...rows.map((one) => (typeof one === "string" ? 0 : one.max)));
  const linked = axis === store.queries.value; // a cell is a query too
  const windows = useMemo(
    () => (linked ? windowsOf(store.manifest, map, "queries", batch) : []),
    [linked, map, batch],
  );
  const pictures = axis.segments.some(isLattice);
  if (trouble) return <p class="trouble">{trouble}</p>;
  return (
    <section class="heads">
      <div class="bar">
        <Legend max={max} />
        <p class="strip">
          {[
            map.path || "model",
            ...rowWords(map, batch, store.queries.value),
            `query: ${tokenName(store.queries.value, query, map.places?.[query] ?? query)}`,
            "one scale for all heads",
          ].join(" · ")}
        </p>
      </div>
      <details open={!(pictures && linked)}>
        <summary>Choose a query</summary>
        <Surface
          axis={store.queries.value}
          values={null}
          max={1}
          marked={query}
          label="Queries"
          onPick={(token) => {
            store.query.value = token;
          }}
        />
      </details>
      <Small pictures={pictures} count={heads}>
        {rows.map((row, head) => (
          <div class="card" key={head}>
            <h3>
              <button
                type="button"
                onClick={() => {
                  store.select({ ...store.place.value, head });
                  store.view.value = "head";
                }}
              >
                head {head}
              </button>
              {typeof row !== "string" && row.removed > 0 && <small>sinks {percent(row.removed)}</small>}
            </h3>
            {typeof row === "string" ? (
              <p class="trouble">{row}</p>
            ) : pictures ? (
              <Surface
                axis={axis}
                values={row.values}
                max={max}
                marked={linked ? query : null}
                label={`Head ${head}`}
                {...(linked
                  ? { onHover: (token) => store.hover(token), onPick: (token) => store.pin(token) }
                  : {})}
                windows={windows}
                onGo={(spot, picked) => (picked || !store.pinned.value) && store.go(spot, picked)}
              />
            ) : (
              <Ribbon axis={axis} values={row.values} max={max} label={`Head ${head}`} />
            )}
          </div>
        ))}
      </Small>
    </section>
  );
}
