import { expect, test } from "vitest";
import { blockOf, callNear, callsOf, likeIn, modulesOf } from "../src/data/modules";
import type { MapInfo } from "../src/protocol";

/** Maps of so many modules, each called as often, in the order of execution. */
function mapsOf(modules: number, calls: number, run = 0): MapInfo[] {
  return Array.from(
    { length: modules * calls },
    (_, id) => ({ id, run, path: `layer.${id % modules}`, call: Math.floor(id / modules) }) as MapInfo,
  );
}

test("maps are found by their module, those of two runs of one name apart", () => {
  const maps = [...mapsOf(3, 2), ...mapsOf(1, 1, 1)];
  expect(modulesOf(maps).map(({ run, path, calls }) => [run, path, calls.length])).toEqual([
    [0, "layer.0", 2],
    [0, "layer.1", 2],
    [0, "layer.2", 2],
    [1, "layer.0", 1],
  ]);
  expect(callsOf(maps, 0, "layer.1").map(({ id }) => id)).toEqual([1, 4]);
  expect(callsOf(maps, 1, "layer.1")).toEqual([]);
});

test("of a model of very many modules those around a map are drawn, of its call", () => {
  const maps = mapsOf(300, 2);
  const { maps: drawn, begin, all } = blockOf(maps, 300 + 130);
  expect([begin, drawn.length, all.length]).toEqual([128, 128, 300]);
  expect([drawn[0]!.path, drawn[0]!.call]).toEqual(["layer.128", 1]);
  expect(blockOf(maps, 299).maps).toHaveLength(44);
  expect(blockOf([], 0)).toEqual({ maps: [], begin: 0, all: [] });
});

test("a map of one call and one of many are both the second of their modules", () => {
  const of = (path: string, ...calls: number[]) => calls.map((call) => ({ run: 0, path, call }) as MapInfo);
  const maps = [...of("encoder", 0, 1, 2), ...of("decoder", 0, 5, 9)];
  expect(blockOf(maps, 4).maps.map(({ call }) => call)).toEqual([1, 5]);
  expect(blockOf(maps, 2).maps.map(({ call }) => call)).toEqual([2, 9]);
});

test("a module that lacks a call gives its last", () => {
  const [module] = modulesOf(mapsOf(1, 3));
  expect([callNear(module!, 1).call, callNear(module!, 7).call]).toEqual([1, 2]);
});

test("what is like a map in another run is of the same name and the same place among its calls, or as far on", () => {
  const of = (run: number, path: string, ...calls: number[]) =>
    calls.map((call) => ({ run, path, call }) as MapInfo);
  const maps = [
    ...of(0, "encoder", 0, 1),
    ...of(0, "decoder", 0, 5),
    ...of(1, "decoder", 0, 7),
    ...of(1, "cross", 0, 7),
  ];
  const like = (at: number) => {
    const found = likeIn(maps, maps[at]!, 1)!;
    return [found.path, found.call];
  };
  expect(like(3)).toEqual(["decoder", 7]); // though another call
  expect(like(1)).toEqual(["decoder", 7]); // the first module of both
  expect(likeIn(maps, maps[0]!, 2)).toBe(null);
});
