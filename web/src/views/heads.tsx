/** One query in all heads of a layer, side by side, on one scale. */

import { useMemo } from "preact/hooks";
import { isLattice } from "../data/axes";
import { leastOf, type Shown, shownOf, sinksOf } from "../data/shown";
import { type Window, windowsOf } from "../data/windows";
import type { Axis } from "../protocol";
import { useStore } from "./context";
import { orWhy, usePromised } from "./hooks";
import { Legend } from "./legend";
import { checkedWords, countOf, percent, rowWords, tokenName } from "./naming";
import { Ribbon } from "./ribbon";
import { Small } from "./small";
import { Surface } from "./surface";

export function Heads() {
  const store = useStore();
  const map = store.map.value!;
  const { batch } = store.place.value;
  const query = store.query.value;
  const [, heads] = map.shape;
  const { value, trouble } = usePromised(
    (signal) =>
      Promise.all(
        Array.from({ length: heads }, (_, head) =>
          orWhy(store.reader.row(map, batch, head, query, signal), signal),
        ),
      ),
    [map, batch],
    [query],
  );
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
  const later = store.laterThan(query);
  const troubles = [...new Set(rows.filter((one) => typeof one === "string"))];
  if (trouble) return <p class="trouble">{trouble}</p>;
  return (
    <section class="heads">
      <div class="bar">
        {max > 0 && <Legend max={max} {...(pictures ? { axis } : {})} />}
        <p class="strip">
          {[
            map.path || "model",
            ...rowWords(map, batch, store.queries.value),
            `query: ${tokenName(store.queries.value, query, map.places?.[query] ?? query)}`,
            "one scale for all heads",
            ...(mass < 1 ? [`the largest weights of each that make ${percent(mass)} of its mass`] : []),
            ...(off ? [`without sinks${map.signed ? "" : ", the rest renormalised"}`] : []),
            checkedWords(map.error),
            ...(store.direction.value === "column" ? ["rows: who looks at a key is in Head alone"] : []),
          ].join(" · ")}
        </p>
      </div>
      {troubles.map((said) => (
        <p class="trouble" key={said}>
          {ofHeads(rows, said)}
          {said}
        </p>
      ))}
      <details open={!(pictures && linked)}>
        <summary>Choose a query</summary>
        <Surface
          axis={store.queries.value}
          values={null}
          max={1}
          marked={query}
          label="Queries"
          later={linked ? later : null}
          onPick={(token) => {
            store.query.value = token;
          }}
        />
      </details>
      <Small pictures={pictures} count={heads}>
        {Array.from({ length: heads }, (_, head) => (
          <Card
            key={head}
            head={head}
            row={rows[head] ?? null}
            {...{ axis, max, pictures, linked, query, windows, later }}
          />
        ))}
      </Small>
    </section>
  );
}

/** Which heads something is said of; nothing where it is of all. */
function ofHeads(rows: (Shown | string)[], said: string): string {
  const heads = [...rows.keys()].filter((head) => rows[head] === said);
  if (heads.length === rows.length) return "";
  return `head${heads.length > 1 ? "s" : ""} ${heads.join(", ")}: `;
}

interface CardProps {
  head: number;
  /** Why there is none; null: it is still read, while the card stays, as it may have the focus. */
  row: Shown | string | null;
  axis: Axis;
  max: number;
  pictures: boolean;
  /** Whether a key is a query too. */
  linked: boolean;
  query: number;
  windows: Window[];
  later: number | null;
}

function Card({ head, row, axis, max, pictures, linked, query, windows, later }: CardProps) {
  const store = useStore();
  const choose = () => {
    store.select({ ...store.place.value, head });
    store.view.value = "head";
  };
  const picking = linked
    ? { onHover: (token: number) => store.hover(token), onPick: (token: number) => store.pin(token) }
    : {};
  const shown = typeof row === "string" ? null : row;
  const left = shown && [
    ...(shown.removed > 0 ? [`sinks ${percent(shown.removed)}`] : []),
    ...(store.mass.value < 1 ? [`${percent(shown.mass)} on ${countOf(shown.tokens)}`] : []),
  ];
  return (
    <div class="card">
      <h3>
        <button type="button" onClick={choose}>
          head {head}
        </button>
        {left && left.length > 0 && <small>{left.join(" · ")}</small>}
      </h3>
      {typeof row === "string" && <p class="absent">no row</p>}
      {typeof row !== "string" && pictures && (
        <Surface
          axis={axis}
          values={shown?.values ?? null}
          least={leastOf(store.map.value!, { ...store.place.value, head })}
          max={max}
          marked={linked ? query : null}
          label={`Head ${head}`}
          {...picking}
          later={later}
          windows={windows}
          onGo={(spot, picked) => (picked || !store.pinned.value) && store.go(spot, picked)}
        />
      )}
      {shown && !pictures && (
        <Ribbon axis={axis} values={shown.values} max={max} label={`Head ${head}`} later={later} />
      )}
    </div>
  );
}
