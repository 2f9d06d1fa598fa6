import { expect, test } from "vitest";
import { Kept } from "../src/data/kept";

test("what was used longest ago goes first", () => {
  const dropped: string[] = [];
  const kept = new Kept<number>(10, (name) => dropped.push(name));
  kept.set("a", 1, 4);
  kept.set("b", 2, 4);
  kept.get("a");
  kept.set("c", 3, 4);
  expect(dropped).toEqual(["b"]);
  expect([kept.get("a"), kept.get("b"), kept.get("c"), kept.bytes]).toEqual([1, undefined, 3, 8]);
});

test("one thing that is larger than the budget stays until the next comes", () => {
  const kept = new Kept<number>(10);
  kept.set("large", 1, 20);
  expect([kept.get("large"), kept.bytes]).toEqual([1, 20]);
  kept.set("small", 2, 1);
  expect([kept.get("large"), kept.bytes]).toEqual([undefined, 1]);
});

test("what is set anew counts once", () => {
  const kept = new Kept<number>(10);
  kept.set("a", 1, 4);
  kept.set("a", 2, 6);
  expect([kept.get("a"), kept.bytes]).toEqual([2, 6]);
});
