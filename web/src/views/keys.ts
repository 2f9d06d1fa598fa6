/** What keys do, wherever the pointer is. */

import { stepped } from "../data/listed";
import { callsOf } from "../data/modules";
import { SPREADINGS, type Store, VIEWS } from "../state";

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
      store.view.value = view;
    },
  })),
  { keys: ["j", "ArrowDown"], does: "next query, or key", act: (store) => step(store, 1) },
  { keys: ["k", "ArrowUp"], does: "query before, or key", act: (store) => step(store, -1) },
  { keys: ["l", "ArrowRight"], does: "next head", act: (store) => stepHead(store, 1) },
  { keys: ["h", "ArrowLeft"], does: "head before", act: (store) => stepHead(store, -1) },
  { keys: ["]"], does: "next layer", act: (store) => stepLayer(store, 1) },
  { keys: ["["], does: "layer before", act: (store) => stepLayer(store, -1) },
  { keys: ["."], does: "next call", act: (store) => stepCall(store, 1) },
  { keys: [","], does: "call before", act: (store) => stepCall(store, -1) },
  { keys: ["p"], does: "pin the query, or let go", act: (store) => store.pin(store.query.value) },
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

export function onKey(event: KeyboardEvent, store: Store): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target instanceof Element && event.target.closest("input, select, textarea")) return;
  if (event.key === "Escape") store.help.value = false;
  const found = KEYS.find((one) => one.keys.includes(event.key));
  if (!found) return;
  found.act(store);
  event.preventDefault();
}

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
  const layers = store.manifest.maps.filter((one) => one.run === map.run && one.call === map.call);
  const next = layers[layers.indexOf(map) + by];
  if (next) store.moveTo(next.id);
}

function stepCall(store: Store, by: number): void {
  const map = store.map.value;
  if (!map) return;
  const calls = callsOf(store.manifest.maps, map.run, map.path);
  const next = calls[calls.indexOf(map) + by];
  if (next) store.moveTo(next.id);
}
