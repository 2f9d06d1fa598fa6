/** What stands below a matrix: what zooms it, the weight that is pointed at, and what its cells and colours are. */

import { listedOf } from "../data/listed";
import { leastOf } from "../data/shown";
import type { Grain } from "../draw/grain";
import type { Looked } from "../draw/looked";
import type { Tiles } from "../draw/mosaic";
import { unseenIn } from "../draw/unseen";
import type { Store } from "../state";
import { useStore } from "./context";
import { type Frame, grainIn } from "./framing";
import { usePadding } from "./hooks";
import type { Moving } from "./moving";
import { printed, tokenName } from "./naming";
import { scaleSaid } from "./strip";

/** Buttons, and the number of the cell below the pointer. */
export function MatrixBar({ moving: { zoom, showAll } }: { moving: Moving }) {
  const store = useStore();
  return (
    <div class="bar">
      <button type="button" onClick={() => zoom(0.5)} title="+">
        zoom in
      </button>
      <button type="button" onClick={() => zoom(2)} title="-">
        zoom out
      </button>
      <button type="button" onClick={showAll} title="0">
        whole map
      </button>
      <output data-value>{weightSaid(store)}</output>
    </div>
  );
}

/** What a cell is of, the scale, and what is not there or not yet. */
export function MatrixStrip({ frame, looked, tiles }: { frame: Frame; looked: Looked; tiles: Tiles }) {
  const store = useStore();
  const { tokens: padding } = usePadding("queries");
  const { signed } = store.map.value!;
  const trouble = tiles.trouble === store.trouble.value ? "" : tiles.trouble; // which stands above
  if (tiles.trouble && !tiles.max) return trouble ? <p class="trouble">{trouble}</p> : null;
  const said = [
    cellsSaid(store, grainIn(frame, looked), tiles),
    scaleSaid(store, tiles.max, signed),
    ...(unseenIn(store.map.value!, looked, [frame.inner, frame.tall]).length
      ? ["hatched: keys that a query cannot see"]
      : []),
    ...(store.leavesSinks || store.mass.value < 1
      ? ["all weights are in it, as sinks and mass are left out of rows alone"]
      : []),
    ...(padding ? ["rows of padding are left out"] : []),
    ...(tiles.numbers === false && !tiles.waiting ? ["none of these weights is a number"] : []),
  ];
  return (
    <p class="strip">
      {said.join("; ")}
      {trouble ? ` · ${trouble}` : tiles.waiting ? " · computing …" : ""}
    </p>
  );
}

function weightSaid(store: Store): string {
  const key = store.key.value;
  const query = store.query.value;
  const value = key === null ? undefined : weightAt(store, query, key);
  if (key === null || value === undefined) return "rows: queries, columns: keys; a click pins";
  const least = leastOf(store.map.value!, store.place.value);
  return `${tokenName(store.queries.value, query)} → ${tokenName(store.keys.value, key)}: ${printed(value, least)}`;
}

function cellsSaid(store: Store, grain: Grain, tiles: Tiles): string {
  const weights = `${2 ** grain.level * grain.down} × ${2 ** grain.level * grain.across}`;
  if (weights === "1 × 1") return "a cell is one weight";
  const how = store.pooling.value;
  const here = listedOf(store.map.value!) ? " that are here" : "";
  const sampled = tiles.sampled(grain.level, how);
  return `a cell is the ${how} of ${weights} weights${here}${sampled ? `, of ${sampled} rows a cell` : ""}`;
}

/** The weight of a query on a key; undefined until the row or column that has it was read. */
function weightAt(store: Store, query: number, key: number): number | undefined {
  const row = store.row.value;
  if (!row || row.place !== store.place.value) return undefined;
  const [token, at] = row.direction === "row" ? [query, key] : [key, query];
  return row.token === token ? row.values[at] : undefined;
}
