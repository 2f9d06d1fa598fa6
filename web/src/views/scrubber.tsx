/** The steps of a sequence that was continued, such as the tokens of a generation: moves the query through them. */

import { stepOf } from "../data/shown";
import { useStore } from "./context";
import { tokenName } from "./naming";

export function Scrubber() {
  const store = useStore();
  const map = store.map.value;
  const steps = map?.steps;
  if (!steps || store.direction.value !== "row") return null;
  const query = store.query.value;
  const step = stepOf(steps, query);
  return (
    <label class="scrubber">
      <span>
        step {step} of {steps.length}
        {steps[1]! > 1 && step === 0 ? ", the prompt" : ""}:{" "}
        {tokenName(store.queries.value, query, map.places?.[query] ?? query)}
      </span>
      <input
        type="range"
        min="0"
        max={steps.length - 1}
        value={step}
        aria-label="Step of the sequence"
        onInput={(event) => {
          // the last query of a step is what it answers to
          const next = steps[Number(event.currentTarget.value) + 1] ?? map.shape[2];
          store.query.value = next - 1;
          store.pinned.value = true;
        }}
      />
    </label>
  );
}
