/** The whole state in the page's address, behind `#`: a link shows what its sender saw. */

import { batch, effect } from "@preact/signals";
import { isListed } from "./data/listed";
import { type Place, SPREADINGS, type Store, TABLE_NAMES, VIEWS, type View } from "./state";

/** Return the state as it stands in an address. */
export function written(store: Store): string {
  const words = new URLSearchParams();
  const put = (name: string, value: unknown, usual: unknown) => {
    if (value !== usual && value !== null) words.set(name, String(value));
  };
  put("view", store.view.value, "atlas");
  put("at", placed(store.place.value), "0.0.0");
  put("other", store.other.value && placed(store.other.value), null);
  put("query", store.query.value, 0);
  put("key", store.pinned.value || store.direction.value === "column" ? store.key.value : null, null);
  put("pinned", store.pinned.value, false);
  put("look", store.direction.value, "row");
  put("scale", store.spreading.value, "sqrt");
  put("colours", store.colours.value, "cividis");
  put("cells", store.pooling.value, "mean");
  put("sinks", store.sinksOff.value ? "off" : "on", "on");
  put("mass", store.mass.value, 1);
  put("part", store.part.value?.join(".") ?? null, null);
  put("kept", store.kept.value.join("."), "");
  put("find", store.sought.value, "");
  put("arcs", store.arcs.value, false);
  return words.toString();
}

/** Take the state from an address; what is not there, or not possible, stays as it is. */
export function take(store: Store, address: string): void {
  const words = new URLSearchParams(address.replace(/^#/, ""));
  const one = <T extends string>(name: string, of: readonly T[], set: (value: T) => void) => {
    const found = of.find((value) => value === words.get(name));
    if (found) set(found);
  };
  const number = (name: string, least: number, most: number, set: (value: number) => void) => {
    const value = Number(words.get(name) ?? Number.NaN);
    if (value >= least && value <= most) set(value);
  };
  batch(() => {
    one<View>("view", VIEWS, (view) => (store.view.value = view));
    const place = readPlace(store, words.get("at"));
    if (place) store.select(place);
    store.other.value = readPlace(store, words.get("other"));
    const [, , queries, keys] = store.map.value?.shape ?? [1, 1, 1, 1];
    number("query", 0, queries - 1, (query) => (store.query.value = Math.trunc(query)));
    number("key", 0, keys - 1, (key) => (store.key.value = Math.trunc(key)));
    store.pinned.value = words.get("pinned") === "true";
    one("look", ["row", "column"] as const, (look) => (store.direction.value = look));
    one("scale", SPREADINGS, (spreading) => (store.spreading.value = spreading));
    one("colours", TABLE_NAMES, (colours) => (store.colours.value = colours));
    one("cells", ["mean", "max"] as const, (cells) => (store.pooling.value = cells));
    store.sinksOff.value = words.get("sinks") === "off";
    number("mass", 0.1, 1, (mass) => (store.mass.value = mass));
    const part = numbers(words.get("part"));
    store.part.value = part.length === 2 ? [part[0]!, part[1]!] : null;
    store.kept.value = numbers(words.get("kept")).filter(
      (one) => one < queries && isListed(store.map.value, one),
    );
    store.sought.value = words.get("find") ?? "";
    store.arcs.value = words.get("arcs") === "true";
  });
}

/** Keep state and address alike; returns what ends that. */
export function keepInAddress(store: Store): () => void {
  take(store, location.hash);
  const leave = effect(() => {
    const state = written(store);
    const there = location.hash.replace(/^#/, "");
    if (state !== there)
      history.replaceState(null, "", state ? `#${state}` : `${location.pathname}${location.search}`);
  });
  const listen = () => take(store, location.hash);
  addEventListener("hashchange", listen);
  return () => {
    leave();
    removeEventListener("hashchange", listen);
  };
}

/** "3.5" as numbers from 0; what is none is left out. */
function numbers(text: string | null): number[] {
  return (text ?? "").split(".").flatMap((one) => (/^\d+$/.test(one) ? [Number(one)] : []));
}

function placed({ map, batch: row, head }: Place): string {
  return `${map}.${row}.${head}`;
}

function readPlace(store: Store, text: string | null): Place | null {
  const [map, row, head] = (text ?? "").split(".").map(Number);
  const shape = store.manifest.maps[map ?? -1]?.shape;
  const there =
    shape &&
    row !== undefined &&
    head !== undefined &&
    row >= 0 &&
    row < shape[0] &&
    head >= 0 &&
    head < shape[1];
  return there ? { map: map!, batch: row, head } : null;
}
