/** What the page is told of a run, and what it may ask: `src/visualizer/viewer/protocol.py`, field by field. */

export interface Manifest {
  protocol: 1;
  title: string;
  /** One; two to compare. */
  runs: RunInfo[];
  /** Maps refer to them by their place here. */
  axes: Axis[];
  images: ImageInfo[];
  /** In the order of the model. */
  maps: MapInfo[];
  /** Calls of deformable attention, whose keys are points. */
  samplings: SamplingInfo[];
  /** Columns of metrics. */
  measures: Measure[];
  /** What was left out and how to get it, in sentences. */
  omitted: string[];
  remarks: string[];
  /** Whether rows, columns and tiles can be asked for beside blobs. */
  served: boolean;
}

export interface RunInfo {
  name: string;
  path: string | null;
  facts: [string, string][];
  checks: string;
}

export type Dtype = "f2" | "f4" | "u1" | "i2";

/**
 * An array that can be asked for: little-endian, the last axis running fastest. `scales`, one for each place of the
 * last axis, are what whole numbers ("i2") are to be multiplied by.
 */
export interface BlobRef {
  name: string;
  dtype: Dtype;
  shape: number[];
  scales?: number[] | null;
}

export interface Axis {
  length: number;
  segments: Segment[];
}

/** Tokens of one kind that follow one another; `cells` has the flat cell of each token, -1 for none. */
export type Segment = { begin: number; length: number } & (
  | { kind: "special"; text: string }
  | { kind: "text"; tokens: string[]; spans: [number, number][] | null; text: string | null }
  | { kind: "ids"; ids: number[] }
  | ({ kind: "grid"; h: number; w: number; image: number | null; cells: number[] | null } & {
      /** How many rows of the batch are windows of one item; null: each row has all of its grid. */
      windows: number | null;
      /** How much of the image's height and width the cells cover: more than 1 of one that was filled up. */
      span: readonly [number, number];
    })
  | ({ kind: "frames"; t: number; h: number; w: number; cells: number[] | null } & Film)
  | ({ kind: "volume"; d: number; h: number; w: number; cells: number[] | null } & Film)
  | { kind: "time"; seconds: number }
  | { kind: "unknown"; note: string }
);

export interface Film {
  /** Which frames or slices each step stands for. */
  names: string[];
  /** The places of the frame or slice of each step in the list of images. */
  images: number[] | null;
}

export interface ImageInfo {
  /** u1 (height, width, 3), which may be smaller than the original. */
  blob: BlobRef;
  /** Of the original. */
  width: number;
  height: number;
  /** The part that the model saw: left, top, width, height, in pixels of the image as it is shown. */
  box: [number, number, number, number];
  note: string;
}

export interface MapInfo {
  id: number;
  run: number;
  path: string;
  /** Its module's place among those of the run. */
  layer: number;
  call: number;
  order: number;
  step: number;
  item: string | null;
  /** Names of the rows of the batch, where they were given. */
  ids: string[] | null;
  /** The first query of each of the calls that continue one sequence; null of one call. */
  steps: number[] | null;
  /** Whether their queries are keys of the next, as in a generation. */
  grows: boolean;
  /** Batch, head, query, key. */
  shape: [number, number, number, number];
  how: string;
  note: string;
  error: number | null;
  /** The axis of each row of the batch; of length 1: of all. */
  queries: number[];
  keys: number[];
  /** The place in the sequence of each query, where it is told. */
  places: number[] | null;
  /** Whether its rows are no shares of one, but numbers of any sign, as a gradient's are. */
  signed: boolean;
  padding: Padding | null;
  rows: Rows;
  overview: Overview | null;
  /** f4 (batch, head, measure); NaN where a measure has no meaning; null of what is signed. */
  metrics: BlobRef | null;
  /** What names it for `visualizer.plots`. */
  options: Record<string, string | number>;
}

/** Queries (batch, query) that are padding and keys (batch, key) that no query may see, as 1 in u1; or null. */
export interface Padding {
  queries: BlobRef | null;
  keys: BlobRef | null;
}

/** Every head in few cells, (batch, head, h, w); `sampled`: of how many rows a bin, null: of all. */
export interface Overview {
  mean: BlobRef;
  max: BlobRef;
  sampled: number | null;
}

/** "later": how rows come is asked for when the map is looked at, see `Details`. */
export type Rows = Factored | Formed | { kind: "served" } | { kind: "none"; why: string } | { kind: "later" };

/** What of a map takes reading it; as JSON in the bytes of an answer. */
export type Details = Pick<MapInfo, "rows" | "padding">;

/** Rows are computed in the page: softmax of q·k, soft cap, plus bias, where mask and band allow. */
export interface Factored {
  kind: "factors";
  /** In the order of rows of the batch, then heads; q (query, d) times the scale, k (key, d); null: left out. */
  heads: ({ q: BlobRef; k: BlobRef } | null)[];
  softcap: number | null;
  /** f4, with (batch, head, query, key) or 1 along each axis. */
  bias: BlobRef | null;
  /** u1, likewise; 0: forbidden. */
  mask: BlobRef | null;
  band: Band | null;
  /** A logit of each head that takes part in the denominator alone; null for one of minus infinity. */
  sinks: (number | null)[] | null;
}

/** Query i sees key j if `i + diagonal - left <= j <= i + diagonal + right`; null: no bound. */
export interface Band {
  left: number | null;
  right: number | null;
  /** One number, or one for each query. */
  diagonal: number | number[];
}

/** Rows are in the page, (query, key) for each head; of some queries only, where `queries` lists them. */
export interface Formed {
  kind: "dense";
  heads: (BlobRef | null)[];
  queries?: number[] | null;
  /** The keys that queries see, where that is known. */
  band?: Band | null;
}

/**
 * One call of deformable attention: its queries read the levels (height, width) of a feature map at points, which are
 * in the order of the levels.
 */
export interface SamplingInfo {
  id: number;
  run: number;
  path: string;
  call: number;
  item: string | null;
  ids: string[] | null;
  how: string;
  note: string;
  /** Batch, query, head, point. */
  shape: [number, number, number, number];
  levels: [number, number][];
  /** How many points of each head are on each level. */
  counts: number[];
  /** The axis of each row of the batch; of length 1: of all. */
  queries: number[];
  /** The image of each row of the batch. */
  images: (number | null)[];
  /** Of how many queries an array of `points` is. */
  each: number;
  /** Of each row of the batch f4 (query, head, point, 3): x and y in shares of the image, weight; null: left out. */
  points: (BlobRef | null)[][];
  /** What names it for `visualizer.plots`. */
  options: Record<string, string | number>;
}

export interface Measure {
  name: string;
  unit: string;
  about: string;
}

export type Pooling = "mean" | "max";

export type Request =
  | { kind: "blob"; name: string }
  | { kind: "details"; map: number }
  | { kind: "rows"; map: number; batch: number; head: number; queries: number[] }
  | { kind: "column"; map: number; batch: number; head: number; key: number }
  | ({ kind: "figure" } & FigureAt)
  | ({ kind: "tile"; map: number; batch: number; head: number } & TileAt);

/** At most 256 × 256 cells of 2^level × 2^level weights each; `row` and `column` count tiles. */
export interface TileAt {
  level: number;
  row: number;
  column: number;
  how: Pooling;
}

/** A picture that Python draws; `of` has a map and its options, or two to compare, and is JSON, as `options` is. */
export interface FigureAt {
  picture: string;
  of: string;
  options: string;
  format: "pdf" | "svg" | "png";
}

/** An array that was sent. */
export interface Blob_ {
  dtype: Dtype;
  shape: number[];
  bytes: Uint8Array;
  /** Of how many rows each of its cells is, where not of all. */
  sampled?: number | null;
}
