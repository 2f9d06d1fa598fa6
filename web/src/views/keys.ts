/** What keys do, wherever the pointer is. */

import { stepped } from "../data/listed";
import { callNear, callsOf, modulesOf, placeOf } from "../data/modules";
import { VIEWS_OF_ROWS } from "../following";
import { SPREADINGS, type Store, VIEWS, type View, viewsOf } from "../state";

export interface Key {
  keys: string[];
  does: string;
  act: (store: Store) => void;
}

export const KEYS: Key[] = [
  ...VIEWS.map((view, i) => ({
    keys: [String(i + 1)],
    does: `view: ${view === "heads" ? "all heads" : view}`,
    act: (store: Store) => {
      if (viewsOf(store.manifest).includes(view)) store.view.value = view;
    },
  })),
  { keys: ["j", "ArrowDown"], does: "next query, or key", act: (store) => move(store, "query", 1) },
  { keys: ["k", "ArrowUp"], does: "query before, or key", act: (store) => move(store, "query", -1) },
  { keys: ["l", "ArrowRight"], does: "next head", act: (store) => move(store, "head", 1) },
  { keys: ["h", "ArrowLeft"], does: "head before", act: (store) => move(store, "head", -1) },
  { keys: ["]"], does: "next layer", act: (store) => move(store, "layer", 1) },
  { keys: ["["], does: "layer before", act: (store) => move(store, "layer", -1) },
  { keys: ["."], does: "next call", act: (store) => stepCall(store, 1) },
  { keys: [","], does: "call before", act: (store) => stepCall(store, -1) },
  { keys: ["p"], does: "pin the query, or let go", act: (store) => store.pinQuery() },
  {
    keys: ["r"],
    does: "rows or columns",
    act: (store) => store.turn(store.direction.value === "row" ? "column" : "row"),
  },
  {
    keys: ["s"],
    does: "next scale",
    act: (store) => {
      store.spreading.value =
        SPREADINGS[(SPREADINGS.indexOf(store.spreading.value) + 1) % SPREADINGS.length]!;
    },
  },
  {
    keys: ["x"],
    does: "with or without sinks",
    act: (store) => {
      store.sinksOff.value = !store.sinksOff.value;
    },
  },
  {
    keys: ["c"],
    does: "compare with this head",
    act: (store) => {
      store.other.value = store.place.value;
    },
  },
  {
    keys: ["?"],
    does: "this list",
    act: (store) => {
      store.help.value = !store.help.value;
    },
  },
];

const SCROLLS = ["ArrowDown", "ArrowUp"]; // the page, where no query is looked at
const OF_ONE_QUERY: View[] = [...VIEWS_OF_ROWS, "points"];

export function onKey(event: KeyboardEvent, store: Store): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target instanceof Element && keepsKey(event.target, event.key)) return;
  if (event.key === "Escape") store.help.value = false;
  const found = KEYS.find((one) => one.keys.includes(event.key));
  if (!found || (store.help.value && event.key !== "?")) return;
  if (SCROLLS.includes(event.key) && !OF_ONE_QUERY.includes(store.view.value)) return;
  found.act(store);
  event.preventDefault();
}

/** Take the focus from lists once something was chosen; who steps through one by keys goes on. Returns what ends it. */
export function leaveLists(root: HTMLElement): () => void {
  const ending = new AbortController();
  let stepping = false;
  const on = <K extends "pointerdown" | "keydown" | "change">(
    type: K,
    act: (event: HTMLElementEventMap[K]) => void,
  ) => root.addEventListener(type, act, { signal: ending.signal });
  on("pointerdown", () => {
    stepping = false;
  });
  on("keydown", ({ key }) => {
    stepping = key !== " " && key !== "Enter"; // these open a list, whose keys are its own
  });
  on("change", ({ target }) => {
    if (!stepping && target instanceof HTMLSelectElement) target.blur();
  });
  return () => ending.abort();
}

const BUTTONS = ["checkbox", "radio", "button", "file"]; // inputs that no letter is written into

/** Whether a key is for what has the focus: text boxes and lists keep all, a slider what moves it. */
function keepsKey(target: Element, key: string): boolean {
  const { type = "" } = target.matches("input") ? (target as HTMLInputElement) : {};
  if (type === "range") return key.startsWith("Arrow");
  return target.matches("input, select, textarea") && !BUTTONS.includes(type);
}

type Steps = Record<"query" | "head" | "layer", (store: Store, by: number) => void>;

function move(store: Store, what: keyof Steps, by: number): void {
  (store.view.value === "points" ? OF_POINTS : OF_MAPS)[what](store, by);
}

const OF_MAPS: Steps = { query: step, head: stepHead, layer: stepLayer };

/** Of deformable attention all heads together come before the first. */
const OF_POINTS: Steps = {
  query: (store, by) =>
    store.sample({ ...store.sampled.value, query: Math.max(0, store.sampled.value.query + by) }),
  head: (store, by) => {
    const at = store.sampled.value;
    const count = 1 + (store.manifest.samplings[at.sampling]?.shape[2] ?? 0);
    const next = ((at.head ?? -1) + 1 + by + count) % count;
    store.sample({ ...at, head: next ? next - 1 : null });
  },
  layer: (store, by) => store.sample({ ...store.sampled.value, sampling: store.sampled.value.sampling + by }),
};

function step(store: Store, by: number): void {
  const map = store.map.value;
  if (!map) return;
  if (store.direction.value === "row") store.query.value = stepped(map, store.query.value, by);
  else store.key.value = Math.max(0, Math.min(map.shape[3] - 1, (store.key.value ?? 0) + by));
}

function stepHead(store: Store, by: number): void {
  const place = store.place.value;
  const heads = store.map.value?.shape[1] ?? 1;
  store.select({ ...place, head: (place.head + by + heads) % heads });
}

function stepLayer(store: Store, by: number): void {
  const map = store.map.value;
  if (!map) return;
  const { maps } = store.manifest;
  const layers = modulesOf(maps, map.run);
  const next = layers[layers.findIndex((one) => one.path === map.path) + by];
  if (next) store.moveTo(callNear(next, placeOf(maps, map)).id);
}

function stepCall(store: Store, by: number): void {
  const map = store.map.value;
  if (!map) return;
  const calls = callsOf(store.manifest.maps, map.run, map.path);
  const next = calls[calls.indexOf(map) + by];
  if (next) store.moveTo(next.id);
}
