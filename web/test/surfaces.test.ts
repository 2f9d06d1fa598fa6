import { describe, expect, test } from "vitest";
import { massOf, partsOf } from "../src/data/parts";
import { seek } from "../src/data/seeking";
import { firstSeen, laterThan, shownOf, sinksOf, stepOf } from "../src/data/shown";
import { spotOf, windowsOf } from "../src/data/windows";
import { unseenIn } from "../src/draw/unseen";
import type { Axis, Manifest, MapInfo, Segment } from "../src/protocol";

function axis(...segments: Record<string, unknown>[]): Axis {
  let begin = 0;
  const placed = segments.map((one) => {
    const segment = { begin, ...one } as Segment;
    begin += segment.length;
    return segment;
  });
  return { length: begin, segments: placed };
}

const special = (text: string) => ({ kind: "special", length: 1, text });
const text = (tokens: string[], spans: [number, number][] | null = null, whole: string | null = null) => ({
  ...{ kind: "text", length: tokens.length, tokens, spans, text: whole },
});
const pair = axis(special("[CLS]"), text(["a", " b"]), special("[SEP]"), text(["c"]), special("[SEP]"));

describe("parts of an axis", () => {
  test("are its texts and what stands between them", () => {
    expect(partsOf(pair).map(({ name, begin, end }) => [name, begin, end])).toEqual([
      ["[CLS]", 0, 1],
      ["“a b”", 1, 3],
      ["[SEP]", 3, 4],
      ["“c”", 4, 5],
      ["[SEP]", 5, 6],
    ]);
  });

  test("count tokens of one name as one", () => {
    const queries = axis(special("object query"), special("object query"), special("register"));
    expect(partsOf(queries).map(({ name }) => name)).toEqual(["2 × object query", "register"]);
  });

  test("of which texts of a token each are one, as they were written step by step", () => {
    const written = axis(text(["a", " cat"]), text([" sat"]), text([" on"]), special("[SEP]"), text(["!"]));
    expect(partsOf(written)).toEqual([
      { name: "“a cat”", begin: 0, end: 2 },
      { name: "“sat on”", begin: 2, end: 4 },
      { name: "[SEP]", begin: 4, end: 5 },
      { name: "“!”", begin: 5, end: 6 },
    ]);
  });

  test("have the mass of their keys, numbers or not", () => {
    const weights = [0.1, 0.2, 0.3, Number.NaN, 0.4, 0];
    const rounded = massOf(weights, partsOf(pair)).map((mass) => Math.round(mass * 10) / 10);
    expect(rounded).toEqual([0.1, 0.5, 0, 0.4, 0]);
  });
});

describe("a piece of text", () => {
  const words = axis(
    special("BOS"),
    text(
      ["Un", "##able", " to", " table"],
      [
        [0, 2],
        [2, 6],
        [6, 9],
        [9, 15],
      ],
      "Unable to table",
    ),
  );

  test("is found by characters across tokens, whatever the case", () => {
    expect(seek(words, "NABLE T")).toEqual([{ begin: 1, end: 4 }]);
    expect(seek(words, "able")).toEqual([
      { begin: 2, end: 3 },
      { begin: 4, end: 5 },
    ]);
  });

  test("may be nowhere, or nothing", () => {
    expect([seek(words, "##"), seek(words, "")]).toEqual([[], []]);
  });

  test("is found behind letters that are longer when they are small, and behind wide characters", () => {
    expect(seek(axis(text(["İ👩‍🚀", "cat"])), "CAT")).toEqual([{ begin: 1, end: 2 }]);
  });
});

describe("windows of a grid", () => {
  const grid = (cells: number[]) =>
    axis(special("CLS"), {
      kind: "grid",
      length: 2,
      h: 2,
      w: 2,
      image: null,
      cells,
      windows: 2,
      span: [1, 1],
    });
  const axes = [grid([0, 2]), grid([1, 3])];
  const manifest = { axes } as unknown as Manifest;
  const map = { shape: [4, 1, 3, 3], queries: [0, 1, 0, 1] } as unknown as MapInfo;

  test("are those of the item", () => {
    expect(windowsOf(manifest, map, "queries", 3).map(({ batch }) => batch)).toEqual([2, 3]);
  });

  test("have the cells that are outside of one of them", () => {
    const windows = windowsOf(manifest, map, "queries", 2);
    expect(spotOf(windows, 1, 3)).toEqual({ batch: 3, token: 2 });
    expect(spotOf(windows, 1, 2)).toEqual({ batch: 2, token: 2 });
    expect(spotOf(windows, 1, 4)).toBeNull();
  });

  test("are none where each row of the batch has all of its grid", () => {
    expect(
      windowsOf({ axes: [pair] } as unknown as Manifest, { ...map, queries: [0] }, "queries", 0),
    ).toEqual([]);
  });
});

describe("a row as it is drawn", () => {
  const row = new Float32Array([0.5, 0.25, 0.25, 0]);

  test("has the rest renormalised without sinks", () => {
    const { values, removed } = shownOf(row, [0], 1);
    expect([...values]).toEqual([Number.NaN, 0.5, 0.5, 0]);
    expect(removed).toBe(0.5);
  });

  test("says how many weights are no numbers, sinks apart", () => {
    expect(shownOf(row, [0], 1).missing).toBe(0);
    expect(shownOf(new Float32Array([0.5, Number.NaN, 0.5, Number.NaN]), [0], 1).missing).toBe(2);
  });

  test("of one part has that alone, and says its share", () => {
    const { values, share } = shownOf(row, [], 1, false, { begin: 0, end: 2 });
    expect([[...values], share]).toEqual([[0.5, 0.25, Number.NaN, Number.NaN], 0.75]);
  });

  test("that is signed keeps its numbers, and is measured by sizes", () => {
    const { values, max, removed, mass } = shownOf(new Float32Array([-4, 2, -1, 1]), [3], 0.5, true);
    expect([...values]).toEqual([-4, 0, 0, Number.NaN]);
    expect([max, removed]).toEqual([4, 1 / 8]);
    expect(mass).toBeCloseTo(4 / 7);
  });
});

test("a query is of the step that began last", () => {
  expect([0, 3, 4, 6].map((query) => stepOf([0, 4, 5, 6], query))).toEqual([0, 0, 1, 3]);
});

test("keys that come later are told by a band, or by the sequence", () => {
  const map = (rows: object, more: object = {}) =>
    ({ shape: [1, 1, 4, 6], rows, grows: false, places: null, ...more }) as unknown as MapInfo;
  const band = (right: number | null, diagonal: number | number[]) => ({
    kind: "factors",
    band: { left: 2, right, diagonal },
  });
  expect(laterThan(map(band(0, 2)), 1)).toBe(4);
  expect(laterThan(map(band(0, [0, 3, 0, 0])), 1)).toBe(5);
  expect(laterThan(map(band(null, 0)), 1)).toBeNull();
  expect(laterThan(map(band(0, 2)), 3)).toBeNull();
  expect(laterThan(map({ kind: "dense" }), 1)).toBeNull();
  expect(laterThan(map({ kind: "dense" }, { grows: true, places: [2, 3, 4, 5] }), 1)).toBe(4);
});

test("keys that a query cannot see are boxes before and behind those of its band, and none where nothing is known", () => {
  const map = (rows: object) =>
    ({ shape: [1, 1, 4, 4], rows, grows: false, places: null }) as unknown as MapInfo;
  const band = { kind: "factors", band: { left: 1, right: 0, diagonal: 0 } };
  const all = { top: 0, left: 0, rows: 4, columns: 4 };
  expect([0, 1, 2, 3].map((query) => firstSeen(map(band), query))).toEqual([0, 0, 1, 2]);
  expect(unseenIn(map(band), all, [40, 40])).toEqual([
    [10, 0, 30, 10],
    [20, 10, 20, 10],
    [0, 20, 10, 10],
    [30, 20, 10, 10],
    [0, 30, 20, 10],
  ]);
  expect(unseenIn(map(band), { top: 2, left: 1, rows: 2, columns: 2 }, [40, 40])).toEqual([[0, 20, 20, 20]]);
  expect(unseenIn(map(band), all, [40, 2])).toEqual([
    [20, 0, 20, 1],
    [0, 1, 10, 1],
  ]); // as far as both queries of a pixel
  expect(unseenIn(map({ kind: "dense" }), all, [40, 40])).toEqual([]);
});

test("special tokens and the first are sinks, but none where all are special", () => {
  const axis = (...kinds: string[]) =>
    ({
      length: kinds.length,
      segments: kinds.map((kind, begin) => ({ kind, begin, length: 1, text: "x" })),
    }) as unknown as Axis;
  expect(sinksOf(axis("text", "text", "special"))).toEqual([0, 2]);
  expect(sinksOf(axis("special", "special"))).toEqual([]);
});
