import { expect, test } from "vitest";
import { floatsOfHalves } from "../src/data/half";

test("halves are the numbers that IEEE 754 says", () => {
  const bits = new Uint16Array([0x3c00, 0xc000, 0x3555, 0x7bff, 0x0001, 0x0400, 0x7c00, 0xfc00, 0x0000]);
  const wanted = [1, -2, 0.333251953125, 65504, 2 ** -24, 2 ** -14, Infinity, -Infinity, 0];
  expect(Array.from(floatsOfHalves(bits))).toEqual(wanted);
});

test("what is no number stays none, and zero keeps its sign", () => {
  const [none, zero] = floatsOfHalves(new Uint16Array([0x7e00, 0x8000]));
  expect(none).toBeNaN();
  expect(Object.is(zero, -0)).toBe(true);
});
