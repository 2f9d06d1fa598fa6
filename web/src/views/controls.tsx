/** How pictures are drawn: scale, colours, pooling, sinks, mass; and which call and row of the batch. */

import type { Signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { SPREADINGS, TABLE_NAMES } from "../state";
import { useStore } from "./context";
import { callsOf, percent } from "./naming";
import { Whole } from "./whole";

const WIDE = "(min-width: 861px)";

export function Controls() {
  const store = useStore();
  const [wide, setWide] = useState(() => matchMedia(WIDE).matches);
  useEffect(() => {
    const query = matchMedia(WIDE);
    const listen = () => setWide(query.matches);
    query.addEventListener("change", listen);
    return () => query.removeEventListener("change", listen);
  }, []);
  return (
    <details class="settings" open={wide}>
      <summary>Settings</summary>
      <div class="controls">
        <Which />
        <Choice label="Scale" options={SPREADINGS} chosen={store.spreading} />
        <Choice label="Colours" options={TABLE_NAMES} chosen={store.colours} />
        <Choice label="Cells" options={["mean", "max"]} chosen={store.pooling} />
        <label>
          <input
            type="checkbox"
            checked={store.sinksOff.value}
            disabled={store.direction.value === "column"}
            onChange={(event) => {
              store.sinksOff.value = event.currentTarget.checked;
            }}
          />
          without sinks
        </label>
        <label>
          Mass {percent(store.mass.value)}
          <input
            type="range"
            min="0.1"
            max="1"
            step="0.05"
            value={store.mass.value}
            onInput={(event) => {
              store.mass.value = Number(event.currentTarget.value);
            }}
          />
        </label>
      </div>
    </details>
  );
}

function Choice<T extends string>(props: { label: string; options: readonly T[]; chosen: Signal<T> }) {
  const { label, options, chosen } = props;
  return (
    <label>
      {label}
      <select
        value={chosen.value}
        onChange={(event) => {
          chosen.value = event.currentTarget.value as T;
        }}
      >
        {options.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
    </label>
  );
}

/** Which call of a module, and which row of the batch, where there are several. */
function Which() {
  const store = useStore();
  const map = store.map.value;
  if (!map) return null;
  const place = store.place.value;
  const calls = callsOf(store.manifest.maps, map.run, map.path);
  return (
    <>
      {calls.length > 1 && (
        <label>
          Call {map.call} of {calls.length}
          <input
            type="range"
            min="0"
            max={calls.length - 1}
            value={calls.indexOf(map)}
            aria-label="Call"
            onInput={(event) => {
              store.select({ ...place, map: calls[Number(event.currentTarget.value)]!.id });
            }}
          />
        </label>
      )}
      {map.shape[0] > 1 && (
        <Whole
          label="Row of the batch"
          count={map.shape[0]}
          value={place.batch}
          take={(batch) => store.select({ ...place, batch })}
        />
      )}
    </>
  );
}
