/** Which head stands there: its module, its call, its row of the batch. */

import { useMemo } from "preact/hooks";
import { callsOf, modulesOf } from "../data/modules";
import { windowsIn } from "../data/windows";
import type { MapInfo } from "../protocol";
import type { Place } from "../state";
import { useStore } from "./context";
import { ModuleSelect } from "./module_select";
import { runNames } from "./naming";
import { Whole } from "./whole";

export function Chooser({ place, take }: { place: Place; take: (next: Place) => void }) {
  const store = useStore();
  const { maps, runs } = store.manifest;
  const here = maps[place.map]!;
  const [rows, heads] = here.shape;
  const modules = useMemo(() => modulesOf(maps), [maps]);
  const calls = callsOf(maps, here.run, here.path);
  const names = useMemo(() => (runs.length > 1 ? runNames(runs) : null), [runs]);
  const takeMap = ({ id, shape }: MapInfo) => {
    const { batch, head } = place;
    take({ map: id, batch: Math.min(batch, shape[0] - 1), head: Math.min(head, shape[1] - 1) });
  };
  return (
    <div class="bar">
      <ModuleSelect
        label="map"
        modules={modules}
        here={here}
        take={takeMap}
        {...(names ? { runs: names } : {})}
      />
      {calls.length > 1 && (
        <Whole
          label="call"
          count={calls.length}
          value={calls.indexOf(here)}
          take={(call) => takeMap(calls[call]!)}
        />
      )}
      <Whole label="head" count={heads} value={place.head} take={(head) => take({ ...place, head })} />
      {rows > 1 && (
        <Whole
          label={windowsIn(store.axisOf(place, "queries")) ? "window" : "row"}
          count={rows}
          value={place.batch}
          take={(batch) => take({ ...place, batch })}
        />
      )}
    </div>
  );
}
