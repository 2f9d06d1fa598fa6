/** What is looked at, where there are several: runs, layers, heads, calls of a module, rows of the batch or windows. */

import { useMemo } from "preact/hooks";
import { callsOf, likeIn, modulesOf } from "../data/modules";
import { windowsIn } from "../data/windows";
import type { MapInfo } from "../protocol";
import { useStore } from "./context";
import { ModuleSelect } from "./module_select";
import { runNames } from "./naming";
import { Whole } from "./whole";

export function Which() {
  const store = useStore();
  if (!store.map.value) return null;
  const view = store.view.value;
  return (
    <div class="which controls">
      <Runs />
      {(view === "head" || view === "heads") && <Layers />}
      {view === "head" && <Heads />}
      <Calls />
      {view !== "finder" && <Rows />}
    </div>
  );
}

function Runs() {
  const store = useStore();
  const { runs, maps } = store.manifest;
  const here = store.map.value!;
  if (runs.length < 2) return null;
  return (
    <label>
      Run
      <select
        value={here.run}
        onChange={(event) => {
          const like = likeIn(maps, here, Number(event.currentTarget.value));
          if (like) store.moveTo(like.id);
        }}
      >
        {runNames(runs).map((name, run) => (
          <option key={run} value={run}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Layers() {
  const store = useStore();
  const { maps } = store.manifest;
  const here = store.map.value!;
  const modules = useMemo(() => modulesOf(maps, here.run), [maps, here.run]);
  if (modules.length < 2) return null;
  const take = ({ id }: MapInfo) => store.moveTo(id);
  return <ModuleSelect label="Layer" title="Or the keys [ and ]" {...{ modules, here, take }} />;
}

function Heads() {
  const store = useStore();
  const [, heads] = store.map.value!.shape;
  const take = (head: number) => store.select({ ...store.place.value, head });
  return heads > 1 ? <Whole label="Head" count={heads} value={store.place.value.head} take={take} /> : null;
}

function Calls() {
  const store = useStore();
  const map = store.map.value!;
  const calls = callsOf(store.manifest.maps, map.run, map.path);
  if (calls.length < 2) return null;
  return (
    <label>
      Call {calls.indexOf(map)} of {calls.length}
      <input
        type="range"
        min="0"
        max={calls.length - 1}
        value={calls.indexOf(map)}
        aria-label="Call"
        onInput={(event) => store.moveTo(calls[Number(event.currentTarget.value)]!.id)}
      />
    </label>
  );
}

/** Rows of the batch; those that are windows of one item as the items and the windows of each. */
function Rows() {
  const store = useStore();
  const { batch } = store.place.value;
  const rows = store.map.value!.shape[0];
  const take = (next: number) => store.select({ ...store.place.value, batch: Math.min(next, rows - 1) });
  const windows = windowsIn(store.queries.value);
  if (!windows) {
    return rows > 1 ? <Whole label="Row of the batch" count={rows} value={batch} take={take} /> : null;
  }
  const [items, item, window] = [Math.ceil(rows / windows), Math.floor(batch / windows), batch % windows];
  return (
    <>
      {items > 1 && (
        <Whole
          label="Item of the batch"
          count={items}
          value={item}
          take={(next) => take(next * windows + window)}
        />
      )}
      <Whole label="Window" count={windows} value={window} take={(next) => take(item * windows + next)} />
    </>
  );
}
