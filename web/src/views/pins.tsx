/** Queries that were kept, one beside the other, on the scale of all of them. */

import { isLattice } from "../data/axes";
import { leastOf } from "../data/shown";
import { useStore } from "./context";
import { usePromised } from "./hooks";
import { Legend } from "./legend";
import { tokenName } from "./naming";
import { Ribbon } from "./ribbon";
import { Small } from "./small";
import { Surface } from "./surface";
import { Trouble } from "./trouble";

export function Pins() {
  const store = useStore();
  const map = store.map.value!;
  const place = store.place.value;
  const kept = store.kept.value;
  const { value, trouble } = usePromised(
    async (signal) => {
      if (!kept.length) return null;
      const { values } = await store.reader.rows(map, place.batch, place.head, kept, signal);
      const keys = map.shape[3];
      return kept.map((_, i) => values.slice(i * keys, (i + 1) * keys));
    },
    [map, place, kept],
  );
  if (!kept.length) return null;
  if (trouble) return <Trouble said={trouble} />;
  if (!value) return null;
  const shown = value.map((values, i) => store.look({ place, token: kept[i]!, direction: "row", values }));
  const max = Math.max(0, ...shown.map((one) => one.max));
  const axis = store.keys.value;
  const pictures = axis.segments.some(isLattice);
  const linked = axis === store.queries.value; // a cell is a query too
  return (
    <section class="pins" aria-label="Kept queries">
      <div class="bar">
        <h3>Kept queries, on one scale{store.sinksOff.value && ", without sinks"}</h3>
        <Legend max={max} {...(pictures ? { axis } : {})} />
      </div>
      <Small pictures={pictures} count={kept.length}>
        {kept.map((query, i) => {
          const name = tokenName(store.queries.value, query, map.places?.[query] ?? query);
          return (
            <div class="card" key={query}>
              <h3>
                <button type="button" onClick={() => store.pin(query)} title="look at this query">
                  {name}
                </button>
                <button
                  type="button"
                  onClick={() => store.keep(query)}
                  aria-label={`No longer keep ${name}`}
                  data-unprinted
                >
                  ×
                </button>
              </h3>
              {pictures ? (
                <Surface
                  axis={axis}
                  values={shown[i]!.values}
                  least={leastOf(map, place)}
                  max={max}
                  marked={linked ? query : null}
                  label={name}
                  later={store.laterThan(query)}
                />
              ) : (
                <Ribbon
                  axis={axis}
                  values={shown[i]!.values}
                  max={max}
                  label={name}
                  later={store.laterThan(query)}
                />
              )}
            </div>
          );
        })}
      </Small>
    </section>
  );
}
