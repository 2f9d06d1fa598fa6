import { describe, expect, test } from "vitest";
import { isInside, nearestPoint, partOf, pointsOf } from "../src/data/sampling";
import type { BlobRef, SamplingInfo } from "../src/protocol";

const ref = (name: string): BlobRef => ({ name, dtype: "f4", shape: [2, 2, 4, 3] });
const info = {
  shape: [2, 3, 2, 4],
  levels: [
    [4, 6],
    [2, 3],
  ],
  counts: [1, 3],
  each: 2,
  points: [
    [ref("a"), ref("b")],
    [ref("c"), null],
  ],
} as unknown as SamplingInfo;
const values = Float32Array.from({ length: 2 * 2 * 4 * 3 }, (_, i) => (i % 3 === 2 ? (i * 7) % 5 : i / 10));

describe("points of a query", () => {
  test("are in the array of the queries around it", () => {
    expect(partOf(info, 0, 2)).toEqual([ref("b"), 0]);
    expect(partOf(info, 1, 1)).toEqual([ref("c"), 1]);
    expect(partOf(info, 1, 2)).toEqual([null, 0]);
  });

  test("are those of one head or of all, the lightest first, and know their level", () => {
    const all = pointsOf(info, values, 1, null);
    expect(all.length).toBe(8);
    expect(all.map(({ weight }) => weight)).toEqual(all.map(({ weight }) => weight).sort());
    const own = pointsOf(info, values, 1, 1);
    expect(new Set(own.map(({ head }) => head))).toEqual(new Set([1]));
    const third = own.find(({ level, number }) => level === 1 && number === 1)!;
    expect([third.x, third.y, third.weight]).toEqual(Array.from(values.slice(42, 45)));
  });
});

test("the nearest point within reach is found, of several on one place the heaviest", () => {
  const point = { weight: 1, head: 0, level: 0, number: 0 };
  const points = [
    { ...point, x: 0.5, y: 0.5 },
    { ...point, x: 0.5, y: 0.5, number: 1 },
    { ...point, x: 1.2, y: 0.5, number: 2 },
  ];
  expect(nearestPoint(points, 0.52, 0.5, [0.05, 0.05])?.number).toBe(1);
  expect(nearestPoint(points, 0.6, 0.5, [0.05, 0.05])).toBe(null);
  expect(points.map(isInside)).toEqual([true, true, false]);
});
