import { expect, test, vi } from "vitest";
import { Engine } from "../src/data/engine";
import { Reader } from "../src/data/reader";
import type { Host } from "../src/hosts/host";
import type { Blob_, Dtype, Manifest, MapInfo, Pooling, Request } from "../src/protocol";
import fixtures from "./fixtures/rows.json";

interface Sent {
  dtype: Dtype;
  shape: number[];
  base64: string;
}

interface Case {
  manifest: Manifest;
  blobs: Record<string, Sent>;
  rows: Sent;
  /** All of the second head of the first row of the batch in cells of 4 × 4. */
  tiles: Record<Pooling, Sent>;
  atol: number;
}

const cases = fixtures as unknown as Record<string, Case>;

function blobOf({ dtype, shape, base64 }: Sent): Blob_ {
  return { dtype, shape, bytes: Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)) };
}

/** A reader of a case that tells which arrays it asked for. */
function opened({ manifest, blobs }: Case): { reader: Reader; map: MapInfo; asked: string[] } {
  const asked: string[] = [];
  const ask = async (request: Request) => {
    if (request.kind !== "blob") throw new Error(`${request.kind} was asked for`);
    asked.push(request.name);
    return blobOf(blobs[request.name]!);
  };
  const host: Host = { manifest, kind: "file", canServe: false, ask };
  return { reader: new Reader(host, new Engine(null)), map: manifest.maps[0]!, asked };
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

test.each(Object.entries(cases))("rows and columns of %s are those of Python", async (_, one) => {
  const { reader, map } = opened(one);
  const wanted = new Float32Array(blobOf(one.rows).bytes.buffer);
  const [batches, heads, queries, keys] = map.shape;
  for (const [batch, head] of range(batches).flatMap((b) => range(heads).map((h) => [b, h] as const))) {
    const mine = wanted.subarray((batch * heads + head) * queries * keys);
    const { values } = await reader.rows(map, batch, head, range(queries));
    const errors = Array.from(values, (value, i) => Math.abs(value - mine[i]!));
    expect(Math.max(...errors)).toBeLessThan(one.atol);
    const column = await reader.column(map, batch, head, keys - 1);
    expect(Array.from(column.values)).toEqual(range(queries).map((query) => values[(query + 1) * keys - 1]));
  }
});

test.each(Object.entries(cases))("tiles of %s are those of Python", async (_, one) => {
  const { reader, map } = opened(one);
  for (const how of ["mean", "max"] as const) {
    const { values, shape } = await reader.tile(map, 0, 1, { level: 2, row: 0, column: 0, how });
    const wanted = new Float32Array(blobOf(one.tiles[how]).bytes.buffer);
    expect(shape).toEqual(one.tiles[how].shape);
    expect(Array.from(values, Number.isNaN)).toEqual(Array.from(wanted, Number.isNaN));
    const errors = Array.from(values, (value, i) => (Number.isNaN(value) ? 0 : Math.abs(value - wanted[i]!)));
    expect(Math.max(...errors)).toBeLessThan(one.atol);
  }
});

test("a cell of padding alone is no number, and only that", () => {
  const { bytes } = blobOf(cases.padding!.tiles.mean);
  const none = Array.from(new Float32Array(bytes.buffer), Number.isNaN);
  expect(none).toEqual(range(25).map((cell) => cell >= 20));
});

test("the cases are of every kind that a page is sent", () => {
  const dtypes = Object.values(cases).flatMap(({ blobs }) => Object.values(blobs).map(({ dtype }) => dtype));
  expect([...new Set(dtypes)].sort()).toEqual(["f2", "f4", "i2", "u1"]);
});

test("keys that heads share are asked for once", async () => {
  const { reader, map, asked } = opened(cases["keys of groups"]!);
  await Promise.all(range(4).map((head) => reader.row(map, 0, head, 0)));
  expect(asked.sort()).toEqual(["0.0.0.k", "0.0.0.q", "0.0.1.k", "0.0.1.q", "0.0.2.q", "0.0.3.q"]);
});

test("what is too much for the page is asked of a server", async () => {
  const { map } = opened(cases["keys of groups"]!);
  const requests: Request[] = [];
  const ask = async (request: Request) => {
    requests.push(request);
    return { dtype: "f4" as const, shape: [1], bytes: new Uint8Array(4) };
  };
  const host: Host = { manifest: {} as Manifest, kind: "server", canServe: true, ask };
  const large = { ...map, shape: [2, 4, 65536, 65536] } as MapInfo;
  await new Reader(host, new Engine(null)).column(large, 1, 2, 3);
  expect(requests).toEqual([{ kind: "column", map: 0, batch: 1, head: 2, key: 3 }]);
});

test("how rows come is asked for again where there was no answer, after a while", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const { map } = opened(cases.padding!);
  const { rows, padding } = map;
  const bytes = new TextEncoder().encode(JSON.stringify({ rows, padding }));
  let [asked, busy] = [0, true];
  const ask = async (): Promise<Blob_> => {
    asked++;
    if (busy) throw new Error("busy");
    return { dtype: "u1", shape: [bytes.length], bytes };
  };
  const host: Host = { manifest: {} as Manifest, kind: "server", canServe: true, ask };
  const { details } = new Reader(host, new Engine(null));
  const later: MapInfo = { ...map, rows: { kind: "later" }, padding: null };
  for (const _ of range(3)) await details.ask(later);
  expect([asked, [...details.failed.value]]).toEqual([1, [map.id]]);
  busy = false;
  vi.advanceTimersByTime(60_000);
  await Promise.all(range(3).map(() => details.ask(later)));
  expect([asked, details.told.value, later.rows.kind]).toEqual([2, 1, "factors"]);
  vi.useRealTimers();
});

test("a head that was left out says so", async () => {
  const { reader, map } = opened(cases["keys of groups"]!);
  const without = { ...map, rows: { ...map.rows, heads: [null] } } as MapInfo;
  await expect(reader.row(without, 0, 0, 0)).rejects.toThrow(
    "no rows are here, as they were left out of this file",
  );
});

/** A reader of a server's run: how rows come is told when `answer` is called. */
function served(one: Case) {
  const [map] = structuredClone(one.manifest.maps) as [MapInfo];
  const { rows, padding } = map;
  const asked: string[] = [];
  let tell = (_: Blob_) => {};
  const details = new Promise<Blob_>((resolve) => (tell = resolve));
  const zeros = (count: number): Blob_ => ({
    dtype: "f4",
    shape: [1, count],
    bytes: new Uint8Array(4 * count),
  });
  const ask = async (request: Request) => {
    asked.push(request.kind);
    if (request.kind === "details") return details;
    return request.kind === "blob" ? blobOf(one.blobs[request.name]!) : zeros(map.shape[3]);
  };
  const later: MapInfo = { ...map, rows: { kind: "later" }, padding: null };
  const manifest = { ...one.manifest, maps: [later] };
  const host: Host = { manifest, kind: "server", canServe: true, ask };
  const bytes = new TextEncoder().encode(JSON.stringify({ rows, padding }));
  const answer = () => tell({ dtype: "u1", shape: [bytes.length], bytes });
  return { reader: new Reader(host, new Engine(null)), map: later, asked, answer };
}

test("a server is asked for rows until the page can compute them, and once how they come", async () => {
  const one = cases.padding!;
  const { reader, map, asked, answer } = served(one);
  expect(Array.from(await reader.row(map, 0, 1, 2))).toEqual(Array(map.shape[3]).fill(0));
  await reader.row(map, 0, 1, 3);
  expect(asked).toEqual(["details", "rows", "rows"]);
  answer();
  await expect.poll(() => reader.details.told.value).toBe(1);
  expect([map.rows.kind, map.padding?.queries?.name]).toEqual(["factors", "0.queries"]);
  await reader.row(map, 0, 1, 2);
  await expect.poll(() => asked.slice(3)).toEqual(["blob", "blob", "blob", "blob", "rows"]);
  const wanted = new Float32Array(blobOf(one.rows).bytes.buffer);
  const [, , queries, keys] = map.shape;
  const mine = wanted.subarray((queries + 2) * keys, (queries + 3) * keys);
  const row = async () => {
    const values = await reader.row(map, 0, 1, 2);
    return Math.max(...Array.from(values, (value, i) => Math.abs(value - mine[i]!)));
  };
  await expect.poll(row).toBeLessThan(1e-3);
});
