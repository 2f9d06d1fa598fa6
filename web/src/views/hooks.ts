import type { RefObject } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { scaleTo } from "../draw/canvas";
import { type Scale, type Table, tableOf } from "../draw/colours";
import { useStore } from "./context";

interface Promised<T> {
  value: T | null;
  trouble: string | null;
}

const NOTHING: Promised<never> = { value: null, trouble: null };

/**
 * What a promise gives, made anew when one of `of` or `by` changes; the old one is aborted. Until the new one has
 * come there is nothing where `of` has changed, as that is what the value is of, and else the old value.
 */
export function usePromised<T>(
  make: (signal: AbortSignal) => Promise<T>,
  of: unknown[],
  by: unknown[] = [],
): Promised<T> {
  const [found, set] = useState<Promised<T> & { of: unknown[] }>({ ...NOTHING, of });
  useEffect(() => {
    const stop = new AbortController();
    make(stop.signal).then(
      (value) => !stop.signal.aborted && set({ value, trouble: null, of }),
      (error: Error) => !stop.signal.aborted && set({ value: null, trouble: error.message, of }),
    );
    return () => stop.abort();
  }, [...of, ...by]);
  const isOfThat = of.length === found.of.length && of.every((one, i) => one === found.of[i]);
  return isOfThat ? found : NOTHING;
}

/** Close what was opened on Esc and on a click elsewhere. */
export function useClosing(): RefObject<HTMLDetailsElement | null> {
  const box = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const close = (event: Event) => {
      const isEnd =
        event instanceof KeyboardEvent
          ? event.key === "Escape"
          : !event.composedPath().includes(box.current!);
      if (box.current && isEnd) box.current.open = false;
    };
    document.addEventListener("pointerdown", close);
    document.addEventListener("keydown", close);
    return () => {
      document.removeEventListener("pointerdown", close);
      document.removeEventListener("keydown", close);
    };
  }, []);
  return box;
}

/** Return what a promise gives, or why it fails; rejects where it was aborted. */
export function orWhy<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | string> {
  return promise.catch((error: Error) => {
    if (signal.aborted) throw error;
    return error.message;
  });
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

/** Which tokens are padding, as 1, null where none is known to be; and what is known of that. */
interface Padding {
  tokens: Uint8Array | null;
  state: "known" | "asked" | "failed";
}

/** Which tokens of the row of the batch are padding. */
export function usePadding(side: "queries" | "keys"): Padding {
  const store = useStore();
  const { told, failed } = store.reader.details;
  const map = store.map.value;
  const batch = store.place.value.batch;
  const later = told.value >= 0 && map?.rows.kind === "later"; // which what is told changes
  const ref = map?.padding?.[side] ?? null;
  const { value: all, trouble } = usePromised(
    async (signal) => (ref ? (await store.reader.blob<Uint8Array>(ref, signal)).values : null),
    [ref],
  );
  const count = ref?.shape[1] ?? 0;
  const tokens = useMemo(
    () => all?.subarray(batch * count, (batch + 1) * count) ?? null,
    [all, batch, count],
  );
  if (trouble !== null || (later && failed.value.has(map.id))) return { tokens, state: "failed" };
  return { tokens, state: later || (ref && !all) ? "asked" : "known" };
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
