import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

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
