/** How pictures are drawn: scale, colours, pooling, sinks, mass; each where it changes something. */

import type { Signal } from "@preact/signals";
import { VIEWS_OF_ROWS } from "../following";
import { SPREADINGS, TABLE_NAMES, type View } from "../state";
import { useStore } from "./context";
import { percent } from "./naming";
import { useWide } from "./wide";

const POOLED: View[] = ["atlas", "head"];

export function Controls() {
  const store = useStore();
  const wide = useWide();
  const view = store.view.value;
  if (![...POOLED, ...VIEWS_OF_ROWS].includes(view)) return null;
  return (
    <details class="settings" open={wide}>
      <summary>Settings</summary>
      <div class="controls">
        <Choice
          label="Scale"
          about="How weights spread over the colours"
          options={SPREADINGS}
          chosen={store.spreading}
        />
        <Choice label="Colours" options={TABLE_NAMES} chosen={store.colours} />
        {POOLED.includes(view) && (
          <Choice
            label="Cells"
            about={
              store.pools
                ? "What is shown of weights that share a cell"
                : "Each cell is one weight here, so there is no mean and no maximum to choose"
            }
            disabled={!store.pools}
            options={["mean", "max"]}
            chosen={store.pooling}
          />
        )}
        {VIEWS_OF_ROWS.includes(view) && <Rows />}
      </div>
    </details>
  );
}

/** What is left out of a row. */
function Rows() {
  const store = useStore();
  const byKey = store.view.value === "head" && store.direction.value === "column";
  const hasRows = !byKey || store.kept.value.length > 0;
  return (
    <>
      <label title="Leave special tokens and the first one out of rows, and renormalise the rest; a matrix has all">
        <input
          type="checkbox"
          checked={store.sinksOff.value}
          disabled={!hasRows}
          onChange={(event) => {
            store.sinksOff.value = event.currentTarget.checked;
          }}
        />
        without sinks
      </label>
      <label title="Show the largest weights of a row alone, which have this share of all">
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
    </>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  about?: string;
  options: readonly T[];
  chosen: Signal<T>;
  disabled?: boolean;
}

function Choice<T extends string>({ label, about, options, chosen, disabled }: ChoiceProps<T>) {
  return (
    <label title={about}>
      {label}
      <select
        value={chosen.value}
        disabled={disabled}
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
