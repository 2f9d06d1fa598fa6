/** The whole state in the page's address, behind `#`: a link shows what its sender saw. */

import { batch, effect } from "@preact/signals";
import { firstPresent } from "./data/absent";
import { isListed } from "./data/listed";
import { partsOf } from "./data/parts";
import type { Sampled } from "./data/sampling";
import {
  type Place,
  placed,
  type Sort,
  SPREADINGS,
  type Store,
  TABLE_NAMES,
  type View,
  viewsOf,
} from "./state";

/** Return the state as it stands in an address. */
export function written(store: Store): string {
  const words = new URLSearchParams();
  const put = (name: string, value: unknown, usual: unknown) => {
    if (value !== usual && value !== null) words.set(name, String(value));
  };
  put("view", store.view.value, viewsOf(store.manifest)[0]);
  put("at", placed(store.place.value), placed(firstPresent(store.manifest)));
  put("other", store.other.value && placed(store.other.value), null);
  put("query", store.chosen.value, null);
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
  const sort = store.sort.value;
  put("sort", sort && `${sort.rising ? "" : "-"}${sort.measure}`, null);
  put("bound", store.bound.value, "");
  put("marked", store.marked.value, false);
  put("points", sampledAt(store.sampled.value), "0.0.all.0");
  return words.toString();
}

/** Take the state from an address; what is not there, or not possible, is as usual. */
export function take(store: Store, address: string): void {
  const words = new URLSearchParams(address.replace(/^#/, ""));
  const one = <T extends string>(name: string, of: readonly T[], usual: T) =>
    of.find((value) => value === words.get(name)) ?? usual;
  const number = <T>(name: string, least: number, most: number, usual: T) => {
    const value = Number(words.get(name) ?? Number.NaN);
    return value >= least && value <= most ? value : usual;
  };
  batch(() => {
    const views = viewsOf(store.manifest);
    store.view.value = one<View>("view", views, views[0]!);
    store.select(readPlace(store, words.get("at")) ?? firstPresent(store.manifest));
    store.other.value = readPlace(store, words.get("other"));
    const [, , queries, keys] = store.map.value?.shape ?? [1, 1, 1, 1];
    const query = number("query", 0, queries - 1, null);
    store.chosen.value = query === null ? null : Math.trunc(query);
    const key = number("key", 0, keys - 1, null);
    store.key.value = key === null ? null : Math.trunc(key);
    store.pinned.value = words.get("pinned") === "true";
    store.direction.value = one("look", ["row", "column"], "row");
    store.spreading.value = one("scale", SPREADINGS, "sqrt");
    store.colours.value = one("colours", TABLE_NAMES, "cividis");
    store.pooling.value = one("cells", ["mean", "max"], "mean");
    store.sinksOff.value = words.get("sinks") === "off";
    store.mass.value = number("mass", 0.1, 1, 1);
    const [from, to] = numbers(words.get("part"));
    const isPart = partsOf(store.queries.value)[from ?? -1] && partsOf(store.keys.value)[to ?? -1];
    store.part.value = isPart ? [from!, to!] : null;
    store.kept.value = numbers(words.get("kept")).filter(
      (one) => one < queries && isListed(store.map.value, one),
    );
    store.sought.value = words.get("find") ?? "";
    store.arcs.value = words.get("arcs") === "true";
    store.sort.value = readSort(store, words.get("sort") ?? "");
    const bound = words.get("bound") ?? "";
    store.bound.value = bound.trim() && Number.isFinite(Number(bound)) ? bound : "";
    store.marked.value = words.get("marked") === "true";
    store.sample(readSampled(words.get("points")));
  });
}

const PAUSE = 400; // milliseconds: Safari throws after 100 changes of the address in 30 seconds, as of a pointer

/** Keep state and address alike; returns what ends that. */
export function keepInAddress(store: Store): () => void {
  take(store, location.hash);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isFirst = true; // what is usual is not written, and to that no way back leads
  let late = false; // whether there is more to be written after the pause
  const write = () => {
    const [state, mayPush] = [written(store), !isFirst];
    isFirst = false;
    const before = location.hash.replace(/^#/, "");
    if (state === before) return;
    const there = state ? `#${state}` : `${location.pathname}${location.search}`;
    const isOtherView = mayPush && viewIn(state) !== viewIn(before); // to which "back" returns
    if (isOtherView) history.pushState(null, "", there);
    else history.replaceState(null, "", there);
  };
  const rest = () => {
    timer = late ? setTimeout(rest, PAUSE) : undefined;
    if (late) write();
    late = false;
  };
  const leave = effect(() => {
    written(store); // what it reads is what is waited for
    if (timer) {
      late = true;
      return;
    }
    write();
    timer = setTimeout(rest, PAUSE);
  });
  const listen = () => take(store, location.hash);
  addEventListener("hashchange", listen);
  return () => {
    leave();
    clearTimeout(timer);
    removeEventListener("hashchange", listen);
  };
}

function viewIn(state: string): string | null {
  return new URLSearchParams(state).get("view");
}

/** "3.5" as numbers from 0; what is none is left out. */
function numbers(text: string | null): number[] {
  return (text ?? "").split(".").flatMap((one) => (/^\d+$/.test(one) ? [Number(one)] : []));
}

/** A measure, behind "-" where the largest comes first. */
function readSort(store: Store, text: string): Sort | null {
  const measure = text.replace(/^-/, "");
  const isThere = store.manifest.measures.some((one) => one.name === measure);
  return isThere ? { measure, rising: measure === text } : null;
}

function sampledAt({ sampling, batch: row, head, query }: Sampled): string {
  return `${sampling}.${row}.${head ?? "all"}.${query}`;
}

function readSampled(text: string | null): Sampled {
  const [sampling, row, head, query] = (text ?? "")
    .split(".")
    .map((one) => (/^\d+$/.test(one) ? Number(one) : null));
  return { sampling: sampling ?? 0, batch: row ?? 0, head: head ?? null, query: query ?? 0 };
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
