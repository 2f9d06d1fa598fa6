/** Heads in order of a measure, and those on one side of a bound. */

import { useMemo } from "preact/hooks";
import { blockOf } from "../data/modules";
import type { MapInfo, Measure } from "../protocol";
import type { Place, Sort, Store } from "../state";
import { usePromised } from "./hooks";

export interface Measured {
  place: Place;
  /** A number for each measure, NaN where it has no meaning. */
  values: Float32Array;
}

export interface Finding {
  all: Measured[];
  /** Those that are within the bound, in order. */
  found: Measured[];
  /** Which measures any head has. */
  there: boolean[];
  /** The place of the measure that they are in order of. */
  column: number;
  rising: boolean;
  trouble: string | null;
}

/** The heads of the atlas, of all rows of the batch; none while they are not `wanted`. */
export function useFinding(store: Store, wanted = true): Finding {
  const { manifest, reader } = store;
  const here = store.place.value.map;
  const maps = useMemo(() => blockOf(manifest.maps, here).maps, [here]);
  const { value, trouble } = usePromised(
    async (signal) => {
      const read = ({ metrics }: MapInfo) => (metrics && wanted ? reader.blob(metrics, signal) : null);
      const tables = await Promise.all(maps.map(read));
      return maps.flatMap((map, i) => measured(map, tables[i]?.values ?? null, manifest.measures.length));
    },
    [...maps, wanted],
  );
  const [sort, bound] = [store.sort.value, store.bound.value];
  return useMemo(() => {
    const all = value ?? [];
    return { ...finding(all, manifest.measures, sort, bound), all, trouble };
  }, [value, trouble, sort, bound]);
}

/** Return the heads within a bound, at most it where they rise and at least it where they fall. */
export function finding(
  all: Measured[],
  measures: Measure[],
  sort: Sort | null,
  bound: string,
): Omit<Finding, "all" | "trouble"> {
  const there = measures.map((_, i) => all.some((one) => !Number.isNaN(one.values[i]!)));
  const asked = sort ? measures.findIndex((one) => one.name === sort.measure) : -1;
  const isShown = there[asked] ?? false;
  const column = isShown ? asked : Math.max(0, there.indexOf(true));
  const rising = isShown ? sort!.rising : true;
  const sign = rising ? 1 : -1;
  const key = ({ values }: Measured) => sign * values[column]!;
  const found = all
    .filter((one) => bound === "" || key(one) <= sign * Math.fround(Number(bound)))
    .sort((a, b) => key(a) - key(b) || 0 || Number(Number.isNaN(key(a))) - Number(Number.isNaN(key(b))));
  return { found, there, column, rising };
}

function measured({ id, shape }: MapInfo, values: Float32Array | null, measures: number): Measured[] {
  const [batches, heads] = shape;
  if (!values) return [];
  return Array.from({ length: batches * heads }, (_, at) => ({
    place: { map: id, batch: Math.floor(at / heads), head: at % heads },
    values: values.subarray(at * measures, (at + 1) * measures),
  }));
}
