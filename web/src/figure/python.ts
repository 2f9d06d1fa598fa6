/** The Python call that draws what is on screen: as text, and as what a server is asked for. */

import { isLattice } from "../data/axes";
import { listedOf } from "../data/listed";
import { blockOf } from "../data/modules";
import type { FigureAt } from "../protocol";
import type { Place, Store } from "../state";

/** A pair is written as a tuple. */
type Value = string | number | boolean | [number, number] | [string, string];
type Options = Record<string, Value>;

/** One call of `visualizer.plots`. */
export interface Drawing {
  picture: "atlas" | "head" | "heads" | "row" | "column" | "compare" | "sampling";
  /** Maps, or calls of deformable attention, by number, each with options of its own. */
  of: [number, Options][];
  options: Options;
}

/** Return the pictures of a view, none of those without any. */
export function drawingsOf(store: Store): Drawing[] {
  const place = store.place.value;
  const { scale, ...colours } = coloursOf(store);
  const query = placeOf(store, store.query.value);
  const batch = place.batch ? { batch: place.batch } : {};
  switch (store.view.value) {
    case "atlas":
      return [
        {
          picture: "atlas",
          of: [[place.map, { ...callOfAll(store), ...batch }]],
          options: { scale, ...colours },
        },
      ];
    case "heads": {
      const all = { ...named(store, place), head: "all" };
      const options = { query, scale, ...colours, ...keptOf(store, store.sinksOff.value) };
      return [{ picture: "row", of: [[place.map, all]], options }];
    }
    case "head":
      return [
        { picture: "head", of: [[place.map, named(store, place)]], options: { scale, ...colours } },
        lineOf(store),
      ];
    case "compare":
      return [
        {
          picture: "compare",
          of: [store.beside.value, place].map((one) => [one.map, named(store, one)]),
          options: { names: ["B", "A"], query, scale, ...keptOf(store, store.sinksOff.value) },
        },
      ];
    case "points": {
      const { sampling, batch: row, head, query: of } = store.sampled.value;
      const options = store.manifest.samplings[sampling]?.options ?? {};
      const which = { ...(head === null ? {} : { head }), ...(row ? { batch: row } : {}) };
      return [{ picture: "sampling", of: [[sampling, { ...options, ...which }]], options: { query: of } }];
    }
    default:
      return [];
  }
}

/** Which call of every layer is looked at, or which sequence, if some layer has several. */
function callOfAll(store: Store): Options {
  const drawn = blockOf(store.manifest.maps, store.place.value.map).maps;
  const sequence = drawn.find((one) => one.options["sequence"] !== undefined)?.options["sequence"];
  const call = store.map.value?.options["call"];
  if (sequence !== undefined) return { sequence };
  return call === undefined ? {} : { call };
}

/** The row of the query, or the column of the key. */
function lineOf(store: Store): Drawing {
  const place = store.place.value;
  const byRow = store.direction.value === "row";
  const token: Options = byRow ? { query: placeOf(store, store.query.value) } : { key: store.key.value ?? 0 };
  const axis = byRow ? store.keys.value : store.queries.value;
  const part = store.partOf(axis, store.direction.value);
  const inside = (one: { begin: number; length: number }) =>
    !part || (one.begin < part.end && one.begin + one.length > part.begin);
  const { scale, ...colours } = coloursOf(store);
  return {
    picture: byRow ? "row" : "column",
    of: [[place.map, named(store, place)]],
    options: {
      ...token,
      scale,
      ...(axis.segments.filter(inside).some(isLattice) ? colours : {}),
      ...keptOf(store, store.leavesSinks),
      ...(part ? { part: byRow ? [part.begin, part.end] : placesOf(store, part) } : {}),
    },
  };
}

/** Where in the sequence a query is. */
function placeOf(store: Store, query: number): number {
  return store.map.value?.places?.[query] ?? query;
}

function placesOf(store: Store, { begin, end }: { begin: number; end: number }): [number, number] {
  return [placeOf(store, begin), placeOf(store, end - 1) + 1];
}

/** Signed maps have colours of their own. */
function coloursOf(store: Store): { scale: string; cmap?: string } {
  const scale = store.spreading.value;
  return store.map.value?.signed ? { scale } : { scale, cmap: store.colours.value.replace("grey", "gray") };
}

/** What is left out of rows. */
function keptOf(store: Store, sinksOff: boolean): Options {
  const mass = store.mass.value;
  return { ...(mass < 1 ? { mass } : {}), ...(sinksOff ? { sinks: false } : {}) };
}

/** What names a head in Python. */
function named(store: Store, { map, batch, head }: Place): Options {
  const options = store.manifest.maps[map]?.options ?? {};
  return { ...options, head, ...(batch ? { batch } : {}) };
}

/** What a server is asked for. */
export function asked({ picture, of, options }: Drawing, format: FigureAt["format"]): FigureAt {
  return { picture, of: JSON.stringify(of), options: JSON.stringify(options), format };
}

/** Return the calls as Python has them, with where the runs come from. */
export function pythonOf(store: Store): string {
  const drawings = drawingsOf(store);
  const { runs, maps, samplings } = store.manifest;
  const listed = store.view.value === "points" ? samplings : maps;
  const runOf = (number: number) => listed[number]?.run ?? 0;
  const used = [...new Set(drawings.flatMap(({ of }) => of.map(([number]) => runOf(number))))].sort();
  const loaded = used.filter((run) => runs[run]?.path);
  return [
    ...(loaded.length ? ["import visualizer as viz"] : []),
    "from visualizer import plots",
    "",
    ...loaded.map((run) => `${nameOf(run)} = viz.load(${literal(runs[run]!.path!)})`),
    ...unlike(store),
    ...drawings.map((one) => callOf(one, (number) => nameOf(runOf(number)))),
    "",
  ].join("\n");
}

function nameOf(run: number): string {
  return run ? "other" : "run";
}

/** What is on screen and no call draws. */
function unlike(store: Store): string[] {
  const view = store.view.value;
  if (view !== "head" && view !== "atlas") return [];
  const maxima =
    store.pooling.value === "max" && store.pools
      ? ["# cells of several weights are means here, not maxima"]
      : [];
  if (view === "atlas") return maxima;
  const listed = store.direction.value === "column" ? listedOf(store.map.value) : null;
  const kept = store.kept.value.map((query) => placeOf(store, query));
  return [
    ...maxima,
    ...(listed ? [`# the page has ${listed.length} queries; the column is of all`] : []),
    ...(kept.length
      ? [`# queries that are kept below have rows of their own: query= ${kept.join(", ")}`]
      : []),
  ];
}

function callOf({ picture, of, options }: Drawing, name: (map: number) => string): string {
  const words = (one: Options) => Object.entries(one).map(([key, value]) => `${key}=${literal(value)}`);
  const pair = ([map, own]: [number, Options]) =>
    `(${name(map)}, {${Object.entries(own)
      .map(([key, value]) => `${literal(key)}: ${literal(value)}`)
      .join(", ")}})`;
  const parts =
    picture === "compare"
      ? [...of.map(pair), ...words(options)]
      : [name(of[0]![0]), ...words(of[0]![1]), ...words(options)];
  return `plots.${picture}(${parts.join(", ")})`;
}

/** JSON's numbers and texts are Python's; what turns text around is written as numbers. */
function literal(value: Value): string {
  if (Array.isArray(value)) return `(${value.map(literal).join(", ")})`;
  if (typeof value === "boolean") return value ? "True" : "False";
  return JSON.stringify(value).replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (one) =>
    Array.from(
      { length: one.length },
      (_, i) => `\\u${one.charCodeAt(i).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}
