import { expect, test } from "vitest";
import { leastOf } from "../src/data/shown";
import type { MapInfo } from "../src/protocol";
import { digitsOf, percent, printed } from "../src/views/naming";

test("weights that were sent in 16 bits have no digits below 1e-5, others have them all", () => {
  const blob = (dtype: string) => ({ name: "0", dtype, shape: [4, 4] });
  const least = (rows: unknown) => leastOf({ shape: [1, 2, 4, 4], rows } as MapInfo, { batch: 0, head: 1 });
  const dense = (dtype: string) => least({ kind: "dense", heads: [null, blob(dtype)] });
  expect([dense("f2"), dense("f4"), least({ kind: "served" })]).toEqual([1e-5, 0, 0]);
  const factors = { kind: "factors", heads: [null, { q: blob("i2"), k: blob("i2") }] };
  expect(least(factors)).toBe(0); // their rounding is a share of each weight
  expect([printed(5.96e-8, 1e-5), printed(1.5e-5, 1e-5), printed(0, 1e-5)]).toEqual([
    "< 1e-5",
    "1.50e-5",
    "0",
  ]);
  expect(printed(4.77e-8)).toBe("4.77e-8");
});

test("numbers have a minus, and shares as many digits as tell them from none and from all", () => {
  expect([printed(-0.25), printed(-3), printed(-1.5e-5)]).toEqual(["−0.2500", "−3", "−1.50e-5"]);
  expect([0.9987, 0.0013, 0.5, 0, 1].map((one) => percent(one))).toEqual([
    ...["99.87 %", "0.13 %", "50.0 %", "0.0 %", "100.0 %"],
  ]);
  const digits = digitsOf([0.0013, 0.1, 0.8987]);
  expect(percent(0.1, digits)).toBe("10.00 %");
});
