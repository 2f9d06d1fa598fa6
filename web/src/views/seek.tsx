/** Looks for a piece of text: all places are marked, Enter goes to the next. */

import { useMemo } from "preact/hooks";
import { seek } from "../data/seeking";
import type { Axis } from "../protocol";
import { useStore } from "./context";

export function Seek({ axis }: { axis: Axis }) {
  const store = useStore();
  const sought = store.sought.value;
  const places = useMemo(() => seek(axis, sought), [axis, sought]);
  const byRow = store.direction.value === "row";
  const token = byRow ? store.query.value : (store.key.value ?? -1);
  if (!axis.segments.some((one) => one.kind === "text")) return null;
  const goTo = (next: number) => {
    if (byRow) store.query.value = next;
    else store.key.value = next;
    store.pinned.value = true;
    store.gone.value += 1;
  };
  const step = (back: boolean) => {
    const order = back ? [...places].reverse() : places;
    const next = order.find(({ begin }) => (back ? begin < token : begin > token)) ?? order[0];
    if (next) goTo(next.begin);
  };
  const at = places.findIndex(({ begin, end }) => token >= begin && token < end);
  return (
    <search class="bar">
      <input
        type="search"
        value={sought}
        placeholder="find in the text"
        aria-label="Find in the text; Enter goes to the next place"
        onInput={(event) => {
          store.sought.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") step(event.shiftKey);
        }}
      />
      {sought && (
        <output data-places>
          {places.length
            ? `${at >= 0 ? `${at + 1} of ` : ""}${places.length} place${places.length > 1 ? "s" : ""}`
            : "nowhere"}
        </output>
      )}
      {places.length > 0 && places.length <= LISTED && (
        <span class="places">
          {places.map(({ begin }) => (
            <button key={begin} type="button" aria-pressed={begin === token} onClick={() => goTo(begin)}>
              {begin}
            </button>
          ))}
        </span>
      )}
      {store.queries.value === store.keys.value && (
        <label>
          <input
            type="checkbox"
            checked={store.arcs.value}
            onChange={(event) => {
              store.arcs.value = event.currentTarget.checked;
            }}
          />
          arcs
        </label>
      )}
    </search>
  );
}

const LISTED = 12;
