/** Which module is looked at: the map that is its nth, as the one that is here is of its own. */

import { useMemo } from "preact/hooks";
import { callNear, type Module } from "../data/modules";
import type { MapInfo } from "../protocol";

interface ModuleSelectProps {
  label: string;
  title?: string;
  modules: Module[];
  here: MapInfo;
  take: (map: MapInfo) => void;
  /** The names of the runs that modules are of, where there are several. */
  runs?: string[];
}

export function ModuleSelect({ label, title, modules, here, take, runs }: ModuleSelectProps) {
  const at = modules.findIndex((one) => one.run === here.run && one.path === here.path);
  const options = useMemo(() => optionsOf(modules, runs ?? []), [modules, runs]);
  return (
    <label>
      {label}
      <select
        value={at}
        title={title}
        onChange={(event) => {
          const nth = modules[at]!.calls.indexOf(here);
          take(callNear(modules[Number(event.currentTarget.value)]!, nth));
        }}
      >
        {options}
      </select>
    </label>
  );
}

function optionsOf(modules: Module[], runs: string[]) {
  return modules.map(({ run, path }, value) => (
    <option key={value} value={value}>
      {[runs[run], path || "model"].filter(Boolean).join(", ")}
    </option>
  ));
}
