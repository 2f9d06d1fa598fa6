/** The steps of a sequence that was continued: moves the query through it. */

import { useStore } from "./context";
import { tokenName } from "./naming";

export function Scrubber() {
  const store = useStore();
  const map = store.map.value;
  if (!map?.continues || store.direction.value !== "row") return null;
  const query = store.query.value;
  const at = map.places?.[query] ?? query;
  return (
    <label class="scrubber">
      <span>
        {tokenName(store.queries.value, query, at)}, position {at} of {map.shape[3]}
      </span>
      <input
        type="range"
        min="0"
        max={map.shape[2] - 1}
        value={query}
        aria-label="Step of the sequence"
        onInput={(event) => {
          store.query.value = Number(event.currentTarget.value);
          store.pinned.value = true;
        }}
      />
    </label>
  );
}
