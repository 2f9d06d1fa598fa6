/** Of a model of very many modules: which of them are drawn, and the ones before and after. */

import { AT_ONCE, blockOf, callNear, placeOf } from "../data/modules";
import { useStore } from "./context";

export function Blocks() {
  const store = useStore();
  const { maps } = store.manifest;
  const { begin, all } = blockOf(maps, store.place.value.map);
  if (all.length <= AT_ONCE) return null;
  const nth = store.map.value ? placeOf(maps, store.map.value) : 0;
  const go = (at: number) => store.moveTo(callNear(all[at]!, nth).id);
  return (
    <p class="blocks">
      <button type="button" disabled={begin === 0} onClick={() => go(begin - AT_ONCE)}>
        before
      </button>{" "}
      modules {begin + 1} to {Math.min(begin + AT_ONCE, all.length)} of {all.length}{" "}
      <button type="button" disabled={begin + AT_ONCE >= all.length} onClick={() => go(begin + AT_ONCE)}>
        after
      </button>
    </p>
  );
}
