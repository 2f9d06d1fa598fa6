import { describe, expect, test } from "vitest";
import { clipped, colourOf, paint, placer, type Scale, tableOf, weightAt } from "../src/draw/colours";

const linear: Scale = { spreading: "linear", low: 0, high: 0.5 };
const sqrt: Scale = { ...linear, spreading: "sqrt" };
const log: Scale = { spreading: "log", low: 0.001, high: 1 };

describe("a place on a scale", () => {
  test("is by weight, by square root or by logarithm", () => {
    expect(placer(linear)(0.125)).toBe(0.25);
    expect(placer(sqrt)(0.125)).toBe(0.5);
    expect(placer(log)(0.1)).toBeCloseTo(2 / 3, 12);
  });

  test("is at an end for what is beyond it", () => {
    expect([linear, sqrt, log].map((scale) => [placer(scale)(-1), placer(scale)(2)])).toEqual([
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
    expect([placer(log)(0), clipped(log, 0), clipped(log, 0.5), clipped(log, 1.5)]).toEqual([0, -1, 0, 1]);
  });

  test("of what is no number is none", () => {
    expect(placer(sqrt)(Number.NaN)).toBeNaN();
  });

  test("has the weight that lies there", () => {
    for (const scale of [linear, sqrt, log]) expect(placer(scale)(weightAt(scale, 0.3))).toBeCloseTo(0.3, 12);
  });

  test("of a scale that is one weight is an end", () => {
    expect([0.5, 0.6].map((weight) => placer({ ...linear, low: 0.5 })(weight))).toEqual([0, 1]);
  });
});

test("a signed scale has 0 in the middle, and as much below it", () => {
  for (const scale of [linear, sqrt, log]) {
    const signed = { ...scale, signed: true };
    expect([0, -scale.high, scale.high].map(placer(signed))).toEqual([0.5, 0, 1]);
    expect(placer(signed)(-0.1) + placer(signed)(0.1)).toBeCloseTo(1, 12);
    for (const place of [0.2, 0.9]) expect(placer(signed)(weightAt(signed, place))).toBeCloseTo(place, 12);
  }
  expect([clipped({ ...linear, signed: true }, -0.6), clipped({ ...log, signed: true }, -0.5)]).toEqual([
    1, 0,
  ]);
});

test("pixels have the table's colours, and are transparent where there is no number", () => {
  const pixels = new Uint8ClampedArray(16);
  paint([0, 0.25, 0.5, Number.NaN], tableOf("grey"), linear, pixels);
  expect(Array.from(pixels)).toEqual([0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 255, 0, 0, 0, 0]);
});

test("a colour is that of the pixels", () => {
  const pixels = new Uint8ClampedArray(4);
  paint([0.1], tableOf("viridis"), sqrt, pixels);
  expect(colourOf(tableOf("viridis"), sqrt, 0.1)).toBe(`rgb(${pixels[0]} ${pixels[1]} ${pixels[2]})`);
  expect(colourOf(tableOf("viridis"), sqrt, Number.NaN)).toBeNull();
});
