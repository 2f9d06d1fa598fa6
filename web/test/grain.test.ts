import { expect, test } from "vitest";
import { folded, grainOf } from "../src/draw/grain";

const whole = (rows: number, columns: number) => ({ top: 0, left: 0, rows, columns });

test("each side has cells of about a pixel, however long the other is", () => {
  expect(grainOf(whole(100, 100), [400, 400], 1)).toEqual({ level: 0, down: 1, across: 1 });
  expect(grainOf(whole(1600, 1600), [400, 400], 1)).toEqual({ level: 2, down: 1, across: 1 });
  expect(grainOf(whole(1600, 1600), [400, 400], 2)).toEqual({ level: 1, down: 1, across: 1 });
  expect(grainOf(whole(1600, 9), [400, 400], 1)).toEqual({ level: 0, down: 4, across: 1 });
  expect(grainOf(whole(9, 1600), [400, 400], 1)).toEqual({ level: 0, down: 1, across: 4 });
});

test("not where that would be very many cells", () => {
  expect(grainOf(whole(60000, 1000), [500, 500], 1)).toEqual({ level: 4, down: 8, across: 1 });
});

test("cells that are drawn as one are pooled, without those that are no numbers", () => {
  const values = Float32Array.from([1, 2, 3, 4, Number.NaN, 6, Number.NaN, 8, Number.NaN]);
  const grain = { level: 0, down: 2, across: 1 };
  expect(folded(values, [3, 3], grain, "mean")).toEqual({
    values: Float32Array.from([2.5, 2, 4.5, Number.NaN, 8, Number.NaN]),
    shape: [2, 3],
  });
  expect([...folded(values, [3, 3], { ...grain, down: 4, across: 2 }, "max").values]).toEqual([8, 6]);
});
