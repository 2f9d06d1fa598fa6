import { describe, expect, test } from "vitest";
import type { FactoredHead, FormedHead, Head } from "../src/data/heads";
import { isListed, nearest, stepped } from "../src/data/listed";
import * as inSteps from "../src/data/rows";
import { finished } from "../src/data/steps";
import * as tiles from "../src/data/tiles";
import type { MapInfo, TileAt } from "../src/protocol";

const rowsOf = (head: Head, queries: number[]) => finished(inSteps.rowsOf(head, queries));
const columnOf = (head: Head, key: number) => finished(inSteps.columnOf(head, key));
const tileOf = (head: Head, at: TileAt) => finished(tiles.tileOf(head, at));

/** A head whose scores are given: q is the identity. */
function scored(scores: number[][], more: Partial<FactoredHead> = {}): FactoredHead {
  const [queries, keys] = [scores.length, scores[0]!.length];
  const q = Float32Array.from({ length: queries * queries }, (_, i) => (i % (queries + 1) ? 0 : 1));
  const k = Float32Array.from(
    { length: keys * queries },
    (_, i) => scores[i % queries]![Math.floor(i / queries)]!,
  );
  const nothing = { softcap: null, bias: null, mask: null, left: null, right: null, diagonal: 0, sink: null };
  return { kind: "factors", queries, keys, depth: queries, q, k, ...nothing, ...more };
}

const flat = [
  [0, 0, 0],
  [0, 0, 0],
  [0, 0, 0],
];

function rows(head: FactoredHead | FormedHead): number[][] {
  const every = Array.from({ length: head.queries }, (_, query) => query);
  const { values, shape } = rowsOf(head, every);
  return every.map((row) => Array.from(values.subarray(row * shape[1]!, (row + 1) * shape[1]!), rounded));
}

const rounded = (x: number) => Math.round(x * 1e6) / 1e6;

describe("a row", () => {
  test("is the softmax of its scores", () => {
    const [e1, e3] = [Math.E, Math.E ** 3];
    const sum = 1 + e1 + e3;
    expect(rows(scored([[0, 1, 3]]))[0]).toEqual([1 / sum, e1 / sum, e3 / sum].map(rounded));
  });

  test("of large scores does not overflow", () => {
    expect(rows(scored([[1000, 1000, -1000]]))[0]).toEqual([0.5, 0.5, 0]);
  });

  test("sees the keys of the band alone", () => {
    expect(rows(scored(flat, { left: 1, right: 0 }))).toEqual([
      [1, 0, 0],
      [0.5, 0.5, 0],
      [0, 0.5, 0.5],
    ]);
  });

  test("has a diagonal of its own where each query has one", () => {
    expect(rows(scored(flat, { left: 0, right: 0, diagonal: [2, -1, 7] }))).toEqual([
      [0, 0, 1],
      [1, 0, 0],
      [0, 0, 0],
    ]);
  });

  test("that sees no key is zeros, with a sink too", () => {
    const mask = { values: new Uint8Array([1, 1, 0, 0, 0, 0, 0, 1, 0]), perQuery: 3, perKey: 1 };
    expect(rows(scored(flat, { mask }))[1]).toEqual([0, 0, 0]);
    expect(rows(scored(flat, { mask, sink: 0 }))).toEqual([
      [0.333333, 0.333333, 0],
      [0, 0, 0],
      [0, 0.5, 0],
    ]);
  });

  test("is capped before the bias is added", () => {
    const bias = { values: new Float32Array([0, Math.log(3)]), perQuery: 0, perKey: 1 };
    expect(rows(scored([[1e9, 1e9]], { softcap: 2, bias }))[0]).toEqual([0.25, 0.75]);
  });

  test("that does not exist is an error in a sentence", () => {
    expect(() => rowsOf(scored(flat), [3])).toThrow("query 3 was asked for, but there are 3, counted from 0");
  });
});

test("a column has the weights of the rows", () => {
  const head = scored(
    [
      [0, 1, 3],
      [2, 2, 2],
      [5, 0, 0],
    ],
    { right: 1, sink: 0.5 },
  );
  expect(Array.from(columnOf(head, 1).values, rounded)).toEqual(rows(head).map((row) => row[1]));
});

test("rows that were left out are no numbers", () => {
  const head: FormedHead = {
    kind: "dense",
    queries: 3,
    keys: 2,
    weights: new Float32Array([0.25, 0.75]),
    listed: [1],
  };
  expect(rows(head)).toEqual([
    [NaN, NaN],
    [0.25, 0.75],
    [NaN, NaN],
  ]);
  const told = { shape: [1, 1, 3, 2], rows: { kind: "dense", queries: [1] } } as unknown as MapInfo;
  expect([isListed(told, 0), isListed(told, 1)]).toEqual([false, true]);
  const mean = tileOf(head, { level: 2, row: 0, column: 0, how: "mean" });
  expect(Array.from(mean.values)).toEqual([0.5]);
  const each = tileOf(head, { level: 0, row: 0, column: 0, how: "mean" });
  expect(Array.from(each.values)).toEqual([NaN, NaN, 0.25, 0.75, NaN, NaN]);
});

test("queries whose rows were left out are stepped over", () => {
  const told = { shape: [1, 1, 9, 2], rows: { kind: "dense", queries: [2, 3, 7] } } as unknown as MapInfo;
  expect([0, 4, 6, 8].map((query) => nearest(told, query))).toEqual([2, 3, 7, 7]);
  expect([stepped(told, 3, 1), stepped(told, 2, -1), stepped(told, 7, 1)]).toEqual([7, 2, 7]);
  const whole = { ...told, rows: { kind: "served" } } as MapInfo;
  expect([nearest(whole, 4), stepped(whole, 3, 1), stepped(whole, 8, 1)]).toEqual([4, 4, 8]);
});

describe("a tile", () => {
  const length = 600;
  const weights = Float32Array.from({ length: length * length }, (_, i) => i);
  const head: FormedHead = { kind: "dense", queries: length, keys: length, weights, listed: null };

  test("of level 0 is the map", () => {
    const { values, shape } = tileOf(head, { level: 0, row: 1, column: 2, how: "mean" });
    expect(shape).toEqual([256, 88]);
    expect(values[88]).toBe(257 * length + 512);
  });

  test("pools cells, and at the edge what there is", () => {
    const mean = tileOf(head, { level: 1, row: 1, column: 1, how: "mean" });
    const max = tileOf(head, { level: 1, row: 1, column: 1, how: "max" });
    expect(mean.shape).toEqual([44, 44]);
    expect(mean.values[0]).toBe(512 * length + 512 + (length + 1) / 2);
    expect(max.values[0]).toBe(513 * length + 513);
    const deep = tileOf(head, { level: 8, row: 0, column: 0, how: "mean" });
    expect(deep.shape).toEqual([3, 3]);
    expect(deep.values[8]).toBeCloseTo(555.5 * length + 555.5, 0);
  });

  test("has no padding: a cell of padding alone is no number", () => {
    const padding = Uint8Array.from({ length }, (_, query) => Number(query % 4 > 0 && query !== 597));
    const { values, shape } = tileOf({ ...head, padding }, { level: 1, row: 1, column: 1, how: "mean" });
    expect(values[0]).toBe(512 * length + 512.5);
    expect(values[shape[1]!]).toBeNaN();
    expect(values[42 * shape[1]!]).toBe(596.5 * length + 512.5);
  });

  test("outside of the map is an error in a sentence", () => {
    const outside = { level: 0, row: 3, column: 0, how: "max" as const };
    expect(() => tileOf(head, outside)).toThrow(
      "tile (3, 0) of level 0 was asked for, but the map is 600 × 600",
    );
  });
});
