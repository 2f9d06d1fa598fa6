import { expect, test } from "vitest";
import { finding, type Measured } from "../src/views/finding";

const MEASURES = ["first", "second", "third"].map((name) => ({ name, unit: "share", about: "" }));
const VALUES = [
  [Number.NaN, 0.3, 1],
  [Number.NaN, Number.NaN, 2],
  [Number.NaN, 0.1, 3],
  [Number.NaN, 0.2, 0],
];
const HEADS: Measured[] = VALUES.map((values, head) => ({
  place: { map: 0, batch: 0, head },
  values: Float32Array.from(values),
}));

function heads(measure: string | null, rising: boolean, bound = ""): number[] {
  const sort = measure === null ? null : { measure, rising };
  return finding(HEADS, MEASURES, sort, bound).found.map((one) => one.place.head);
}

test("heads are in order of the first measure that is shown, until another is asked for", () => {
  expect(finding(HEADS, MEASURES, null, "")).toMatchObject({
    there: [false, true, true],
    column: 1,
    rising: true,
  });
  expect(finding(HEADS, MEASURES, { measure: "first", rising: false }, "")).toMatchObject({ column: 1 });
  expect(heads(null, true)).toEqual([2, 3, 0, 1]);
  expect(heads("second", false)).toEqual([0, 3, 2, 1]);
  expect(heads("third", false)).toEqual([2, 1, 0, 3]);
});

test("where the least come first a bound is the most that heads have, else the least", () => {
  expect(heads("second", true, "0.2")).toEqual([2, 3]);
  expect(heads("second", false, "0.2")).toEqual([0, 3]);
  expect(heads("third", false, "-1")).toEqual([2, 1, 0, 3]);
});
