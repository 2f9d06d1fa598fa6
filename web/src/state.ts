/** What is looked at: one store for each page, read and written by every view. */

import { computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { firstPresent } from "./data/absent";
import { isListed, nearest } from "./data/listed";
import { partner } from "./data/partner";
import { isIn, type Part, partsOf } from "./data/parts";
import type { Reader } from "./data/reader";
import type { Sampled } from "./data/sampling";
import { laterThan, type Shown, shownOf, sinksOf } from "./data/shown";
import type { Spot } from "./data/windows";
import type { Spreading, TableName } from "./draw/colours";
import { follow } from "./following";
import type { Axis, Manifest, MapInfo, Pooling } from "./protocol";

export const VIEWS = ["atlas", "head", "heads", "finder", "compare", "about", "points"] as const;
export type View = (typeof VIEWS)[number];

/** Return the views that there is something for, the first of which a page begins with. */
export function viewsOf({ maps, samplings }: Manifest): View[] {
  if (!samplings.length) return VIEWS.filter((view) => view !== "points");
  return maps.length ? [...VIEWS] : ["points", "about"];
}

export const SPREADINGS: Spreading[] = ["linear", "sqrt", "log"];
export const TABLE_NAMES: TableName[] = ["cividis", "viridis", "inferno", "grey"];

const MOST_KEPT = 6;

/** One head: the place of its map in the manifest, the row of the batch and the head. */
export interface Place {
  map: number;
  batch: number;
  head: number;
}

/** The name that a head has among others, as in an address. */
export function placed({ map, batch: row, head }: Place): string {
  return `${map}.${row}.${head}`;
}

/** A measure of heads, and whether the least comes first. */
export interface Sort {
  measure: string;
  rising: boolean;
}

/** The weights of one query over the keys, or those that one key is given by all queries. */
export interface Row {
  place: Place;
  token: number;
  direction: "row" | "column";
  values: Float32Array;
}

/** What was chosen, or the usual where nothing was; to set it is to choose. */
class OrUsual {
  constructor(
    readonly chosen: Signal<number | null>,
    readonly usual: ReadonlySignal<number>,
  ) {}

  get value(): number {
    return this.chosen.value ?? this.usual.value;
  }

  set value(value: number) {
    this.chosen.value = value;
  }
}

export class Store {
  readonly manifest: Manifest;
  readonly view: Signal<View>;
  readonly place: Signal<Place>;
  /** The head that was chosen to be compared with it. */
  readonly other = signal<Place | null>(null);
  /** The query that was chosen; null: none yet, and the usual one is looked at. */
  readonly chosen = signal<number | null>(null);
  readonly query: OrUsual;
  readonly key = signal<number | null>(null);
  /** Whether the query stays where it is while the pointer moves. */
  readonly pinned = signal(false);
  readonly direction = signal<"row" | "column">("row");
  readonly spreading = signal<Spreading>("sqrt");
  readonly colours = signal<TableName>("cividis");
  readonly pooling = signal<Pooling>("mean");
  /** Whether cells of the matrix are of several weights, as it is zoomed. */
  readonly pooled = signal(true);
  /** Whether special tokens and the first key are left out and the rest renormalised. */
  readonly sinksOff = signal(false);
  /** The share of a row's mass that is shown, the largest weights first. */
  readonly mass = signal(1);
  readonly row = signal<Row | null>(null);
  readonly trouble = signal<string | null>(null);
  /** What heads are in order of; null: the first measure that they have. */
  readonly sort = signal<Sort | null>(null);
  /** The measure that heads have at least, or at most, as it was written; "": any. */
  readonly bound = signal("");
  /** Whether the heads within the bound alone are shown in the atlas. */
  readonly marked = signal(false);
  readonly help = signal(false);
  /** Which part of the queries and which of the keys are looked at alone; see `partsOf`. */
  readonly part = signal<[number, number] | null>(null);
  /** Queries that stay beside the one that is looked at. */
  readonly kept = signal<number[]>([]);
  /** A piece of text that is looked for, and how often a place of it was gone to. */
  readonly sought = signal("");
  readonly gone = signal(0);
  readonly arcs = signal(false);
  /** What is looked at of deformable attention. */
  readonly sampled = signal<Sampled>({ sampling: 0, batch: 0, head: null, query: 0 });

  /** The head that stands beside it in a comparison: the one that was chosen, or its partner. */
  readonly beside: ReadonlySignal<Place>;
  readonly map: ReadonlySignal<MapInfo | undefined>;
  readonly queries: ReadonlySignal<Axis>;
  readonly keys: ReadonlySignal<Axis>;
  /** What is drawn of the row: without sinks and what lies beyond the mass, if that is asked for. */
  readonly shown: ReadonlySignal<Shown | null>;
  /** The query that is looked at where none was chosen: the first, or the last where that sees itself alone. */
  readonly usual: ReadonlySignal<number>;
  /** The first of the keys that come after the query, which it cannot see; null where there are no such. */
  readonly later: ReadonlySignal<number | null>;

  #leave: (() => void)[] = [];

  constructor(readonly reader: Reader) {
    this.manifest = reader.host.manifest;
    this.view = signal(viewsOf(this.manifest)[0]!);
    this.place = signal(firstPresent(this.manifest));
    this.map = computed(() => this.manifest.maps[this.place.value.map]);
    this.beside = computed(() => this.other.value ?? partner(this.manifest, this.place.value));
    this.queries = computed(() => this.axisOf(this.place.value, "queries"));
    this.keys = computed(() => this.axisOf(this.place.value, "keys"));
    this.shown = computed(() => (this.row.value ? this.look(this.row.value) : null));
    this.usual = computed(() => {
      const map = this.map.value;
      return nearest(map, map && this.laterThan(0) === 1 ? map.shape[2] - 1 : 0);
    });
    this.query = new OrUsual(this.chosen, this.usual);
    this.later = computed(() => (this.direction.value === "row" ? this.laterThan(this.query.value) : null));
    this.#leave.push(
      effect(() => {
        if (this.chosen.value !== null) this.chosen.value = nearest(this.map.value, this.chosen.value);
      }),
      follow(this),
    );
  }

  /** The axis of a head's queries or keys. */
  axisOf(place: Place, side: "queries" | "keys"): Axis {
    const map = this.manifest.maps[place.map];
    const of = map?.[side] ?? [];
    const axis = this.manifest.axes[of[of.length > 1 ? place.batch : 0] ?? -1];
    return axis ?? { length: 0, segments: [] };
  }

  /** Look at a head; the query stays where there is such a one. */
  select(place: Place): void {
    this.place.value = place;
    const count = this.map.value?.shape[2] ?? 1;
    if ((this.chosen.value ?? 0) >= count) this.chosen.value = count - 1;
    if ((this.key.value ?? 0) >= (this.map.value?.shape[3] ?? 0)) this.key.value = null;
    this.kept.value = this.kept.value.filter((one) => one < count && isListed(this.map.value, one));
    const [from, to] = this.part.value ?? [0, 0];
    if (!partsOf(this.queries.value)[from] || !partsOf(this.keys.value)[to]) this.part.value = null;
  }

  /** Look at another map: the row of the batch and the head stay where there are such. */
  moveTo(map: number): void {
    const { batch, head } = this.place.value;
    const [batches, heads] = this.manifest.maps[map]!.shape;
    this.select({ map, batch: Math.min(batch, batches - 1), head: Math.min(head, heads - 1) });
  }

  /** The first of the keys that come after a query, which it cannot see; null where there are no such. */
  laterThan(query: number): number | null {
    const map = this.reader.details.told.value >= 0 ? this.map.value : undefined; // which what is told changes
    return map ? laterThan(map, query) : null;
  }

  /** A row without what is not to be drawn of it. */
  look({ place, direction, values }: Row): Shown {
    const axis = this.axisOf(place, direction === "row" ? "keys" : "queries");
    const part = this.partOf(axis, direction);
    const signed = this.manifest.maps[place.map]?.signed ?? false;
    return shownOf(
      values,
      this.leavesSinksOf(direction) ? sinksOf(axis) : [],
      this.mass.value,
      signed,
      part ?? undefined,
    );
  }

  /** The part that is looked at alone of the keys of a row, or of the queries of a column; null: all. */
  partOf(axis: Axis, direction: Row["direction"]): Part | null {
    const part = this.part.value;
    return (part && partsOf(axis)[part[direction === "row" ? 1 : 0]]) ?? null;
  }

  /** Whether sinks are left out of what is looked at. */
  get leavesSinks(): boolean {
    return this.leavesSinksOf(this.direction.value);
  }

  /** Whether cells of what is on screen are of several weights, which have a mean and a maximum. */
  get pools(): boolean {
    return this.view.value === "atlas" ? this.manifest.maps.some(isPooled) : this.pooled.value;
  }

  /** Whether sinks are left out: of rows alone, as weights of a column are of different rows. */
  leavesSinksOf(direction: Row["direction"]): boolean {
    return this.sinksOff.value && direction === "row";
  }

  /** Look at a part of the queries and one of the keys alone; the same again, at all. */
  lookAtPart(part: [number, number]): void {
    const same = this.part.value?.every((one, i) => one === part[i]);
    this.part.value = same ? null : part;
    this.#enter();
  }

  /** Look at a query, and at a key if it is one that is looked at, of the part that is looked at alone. */
  #enter(): void {
    const [from, to] = this.part.value ?? [-1, -1];
    const [queries, keys] = [partsOf(this.queries.value)[from], partsOf(this.keys.value)[to]];
    if (queries && !isIn(queries, this.query.value)) this.query.value = queries.begin;
    if (keys && this.key.value !== null && !isIn(keys, this.key.value)) this.key.value = keys.begin;
  }

  /** Keep a query beside the others, or no longer. */
  keep(token: number): void {
    const query = nearest(this.map.value, token);
    const kept = this.kept.value;
    this.kept.value = kept.includes(query)
      ? kept.filter((one) => one !== query)
      : [...kept, query].slice(-MOST_KEPT);
  }

  /** Look at a token of another row of the batch, as of the window beside. */
  go({ batch, token }: Spot, pinned = this.pinned.value): void {
    this.place.value = { ...this.place.value, batch };
    if (this.direction.value === "row") this.query.value = token;
    else this.key.value = token;
    this.pinned.value = pinned;
  }

  /** Follow the pointer, unless a query is pinned. */
  hover(query: number): void {
    if (!this.pinned.value) this.query.value = query;
  }

  /** Pin a query; the pinned one again lets go. */
  pin(query: number): void {
    this.pinned.value = !(this.pinned.value && this.query.value === query);
    this.query.value = query;
  }

  hoverKey(key: number): void {
    if (!this.pinned.value) this.key.value = key;
  }

  /** Pin a key; the pinned one again lets go. */
  lookAtKey(key: number): void {
    this.pinned.value = !(this.pinned.value && this.key.value === key);
    this.key.value = key;
  }

  /** Look at points of deformable attention; what is not there stays as it can be. */
  sample(to: Sampled): void {
    const found = this.manifest.samplings[to.sampling];
    if (!found) return;
    const [batches, queries, heads] = found.shape;
    this.sampled.value = {
      sampling: to.sampling,
      batch: Math.min(to.batch, batches - 1),
      head: to.head === null || to.head >= heads ? null : to.head,
      query: Math.min(to.query, queries - 1),
    };
  }

  /** Pin what is looked at, or let go. */
  pinQuery(): void {
    if (this.view.value === "points") this.pinned.value = !this.pinned.value;
    else this.pin(this.query.value);
  }

  /** Look along rows, what a query looks at, or along columns, who looks at a key. */
  turn(direction: "row" | "column"): void {
    this.key.value ??= this.query.value < (this.map.value?.shape[3] ?? 0) ? this.query.value : 0;
    this.direction.value = direction;
    this.#enter();
  }

  close(): void {
    for (const leave of this.#leave) leave();
  }
}

/** Whether a map's cells in the atlas are of several weights. */
function isPooled({ overview, shape }: MapInfo): boolean {
  return overview?.mean.shape.some((length, side) => length < shape[side]!) ?? false;
}
