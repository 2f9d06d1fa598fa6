import type { RefObject } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { scaleTo } from "../draw/canvas";
import { type Scale, type Table, tableOf } from "../draw/colours";
import { useStore } from "./context";

interface Promised<T> {
  value: T | null;
  trouble: string | null;
}

/** What a promise gives, made anew when one of `on` changes; the old one is aborted. */
export function usePromised<T>(make: (signal: AbortSignal) => Promise<T>, on: unknown[]): Promised<T> {
  const [found, set] = useState<Promised<T>>({ value: null, trouble: null });
  useEffect(() => {
    const stop = new AbortController();
    make(stop.signal).then(
      (value) => !stop.signal.aborted && set({ value, trouble: null }),
      (error: Error) => !stop.signal.aborted && set({ value: null, trouble: error.message }),
    );
    return () => stop.abort();
  }, on);
  return found;
}

/** The colours of weights up to `max`: those that were chosen; around 0 where the map is signed, or if it is said. */
export function usePaint(max: number, around?: boolean): { table: Table; scale: Scale } {
  const store = useStore();
  const signed = around ?? store.map.value?.signed ?? false;
  const colours = signed ? "RdBu_r" : store.colours.value;
  const spreading = store.spreading.value;
  return useMemo(
    () => ({ table: tableOf(colours), scale: scaleTo(max, spreading, signed) }),
    [max, colours, spreading, signed],
  );
}

/** Which tokens of the row of the batch are padding, as 1; null: none is; undefined until that is known. */
export function usePadding(side: "queries" | "keys"): Uint8Array | null | undefined {
  const store = useStore();
  const map = store.map.value;
  const batch = store.place.value.batch;
  const known = store.reader.details.told.value >= 0 && map?.rows.kind !== "later"; // which that changes
  const ref = map?.padding?.[side] ?? null;
  const all = usePromised(
    async (signal) => (ref ? (await store.reader.blob<Uint8Array>(ref, signal)).values : null),
    [ref],
  ).value;
  const count = ref?.shape[1] ?? 0;
  return useMemo(
    () => (known ? (ref ? all?.subarray(batch * count, (batch + 1) * count) : null) : undefined),
    [known, ref, all, batch, count],
  );
}

/** In how many columns so many things fill a grid, each at least so wide: rows of it have as many, if they can. */
export function useColumns<T extends HTMLElement>(least: number, gap: number) {
  const [grid, width] = useSize<T>();
  const most = Math.max(1, Math.floor((width + gap) / (least + gap)));
  return { grid, columns: (count: number) => Math.ceil(count / Math.ceil(count / most)) };
}

/** An element's size in CSS pixels. */
export function useSize<T extends HTMLElement>(): [RefObject<T | null>, number, number] {
  const element = useRef<T>(null);
  const [[width, height], set] = useState([0, 0]);
  useEffect(() => {
    const one = element.current;
    if (!one) return;
    const watch = new ResizeObserver(() => set([one.clientWidth, one.clientHeight]));
    watch.observe(one);
    return () => watch.disconnect();
  }, []);
  return [element, width!, height!];
}
