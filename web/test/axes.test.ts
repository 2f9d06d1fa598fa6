import { expect, test } from "vitest";
import {
  cellOf,
  general,
  isLattice,
  nameOf,
  placeOf,
  segmentOf,
  spansOf,
  textOf,
  tokenAt,
} from "../src/data/axes";
import type { Axis } from "../src/protocol";
import fixtures from "./fixtures/axes.json";

type Told = { axis: Axis; names: string[]; places: (number[] | null)[] };

const told = Object.entries(fixtures as unknown as Record<string, Told>);
const tokens = (axis: Axis) => Array.from({ length: axis.length }, (_, token) => token);

test.each(told)("tokens of %s have the names that Python gives them", (_, { axis, names }) => {
  const newline = (name: string) => (name === "newline" ? "no cell" : name); // the protocol does not tell why
  expect(tokens(axis).map((token) => nameOf(axis, token))).toEqual(names.map(newline));
});

test.each(told)("tokens of %s have the places that Python gives them", (_, { axis, places }) => {
  for (const token of tokens(axis)) {
    const { segment } = segmentOf(axis, token);
    const [found, place] = [placeOf(axis, token), places[token]!];
    if (segment.kind === "text" && found) {
      const characters = [...textOf(segment)].slice(place![0], place![1]);
      expect(textOf(segment).slice(found[0], found[1])).toBe(characters.join(""));
    } else if (place === null) {
      expect(found).toBeNull();
    } else {
      for (const [i, at] of place.entries()) expect(found![i]).toBeCloseTo(at, 9);
    }
  }
});

test.each(told)("the cell of a token of %s has that token", (_, { axis }) => {
  for (const token of tokens(axis)) {
    const { segment, inner } = segmentOf(axis, token);
    const cell = isLattice(segment) ? cellOf(segment, inner) : null;
    if (isLattice(segment) && cell) expect(tokenAt(segment, cell)).toBe(inner);
  }
});

test("a box is in pixels where a size is given", () => {
  const axis: Axis = {
    length: 6,
    segments: [
      { kind: "grid", begin: 0, length: 6, h: 2, w: 3, image: 0, cells: null, windows: null, span: [1, 1] },
    ],
  };
  expect(placeOf(axis, 5, [40, 60])).toEqual([40, 20, 20, 20]);
});

test("a cell outside of the lattice has no token", () => {
  const grid = {
    kind: "grid",
    begin: 0,
    length: 6,
    h: 2,
    w: 3,
    image: 0,
    cells: null,
    windows: null,
    span: [1, 1],
  } as const;
  expect([tokenAt(grid, [2, 0]), tokenAt(grid, [0, -1]), tokenAt(grid, [0])]).toEqual([-1, -1, -1]);
});

test("a token that does not exist is an error in a sentence", () => {
  const axis: Axis = { length: 1, segments: [{ kind: "special", begin: 0, length: 1, text: "CLS" }] };
  expect(() => segmentOf(axis, 1)).toThrow("token 1 was asked for, but there are 1, counted from 0");
});

test("tokens without spans follow one another", () => {
  const text = { kind: "text", begin: 0, length: 2, tokens: ["👍a", "b"], spans: null, text: null } as const;
  expect(spansOf({ ...text, tokens: [...text.tokens] })).toEqual([
    [0, 3],
    [3, 4],
  ]);
});

test("numbers are written as Python's :g writes them", () => {
  expect([0, 1.5, 1 / 3, 123456.7, 1234567, 0.00001234, 0.0001].map(general)).toEqual([
    "0",
    "1.5",
    "0.333333",
    "123457",
    "1.23457e+06",
    "1.234e-05",
    "0.0001",
  ]);
});
