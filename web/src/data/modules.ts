/** Maps by module: a run of very many calls has few modules. */

import type { MapInfo } from "../protocol";

export interface Module {
  run: number;
  path: string;
  /** Its maps in the order of its calls. */
  calls: MapInfo[];
}

/** Modules whose maps are drawn at once. */
export const AT_ONCE = 128;

const known = new WeakMap<MapInfo[], Map<string, Module>>();

/** Return the modules of a run, or of all runs, in the order of the model. */
export function modulesOf(maps: MapInfo[], run?: number): Module[] {
  return [...byName(maps).values()].filter((one) => run === undefined || one.run === run);
}

/** Return the maps of one module, in the order of its calls. */
export function callsOf(maps: MapInfo[], run: number, path: string): MapInfo[] {
  return byName(maps).get(nameOf(run, path))?.calls ?? [];
}

/** Some modules of a run, the one of a map among them. */
export interface Block {
  /** Of each module the map that is its nth as the one that is looked at is of its own, or else its last. */
  maps: MapInfo[];
  /** Which of all modules the first is. */
  begin: number;
  all: Module[];
}

/** Return the modules around a map that are drawn at once. */
export function blockOf(maps: MapInfo[], at: number): Block {
  const here = maps[at];
  if (!here) return { maps: [], begin: 0, all: [] };
  const all = modulesOf(maps, here.run);
  const place = all.findIndex((one) => one.path === here.path);
  const begin = place - (place % AT_ONCE);
  const nth = placeOf(maps, here);
  const drawn = all.slice(begin, begin + AT_ONCE).map((one) => callNear(one, nth));
  return { maps: drawn, begin, all };
}

/** Return which of its module's maps one is: a generation is one map, of as many calls as it has steps. */
export function placeOf(maps: MapInfo[], map: MapInfo): number {
  return callsOf(maps, map.run, map.path).indexOf(map);
}

/** Return the nth map of a module, or else its last. */
export function callNear({ calls }: Module, nth: number): MapInfo {
  return calls[nth] ?? calls[calls.length - 1]!;
}

/** Return the nth map of the module of the same name in another run, or else of the one that is as far on. */
export function likeIn(maps: MapInfo[], map: MapInfo, run: number): MapInfo | null {
  const there = modulesOf(maps, run);
  const layer = modulesOf(maps, map.run).findIndex((one) => one.path === map.path);
  const like = there.find((one) => one.path === map.path) ?? there[layer] ?? there.at(-1);
  return like ? callNear(like, placeOf(maps, map)) : null;
}

/** Tell whether two runs have a module of the same name. */
export function haveCommon(maps: MapInfo[], a: number, b: number): boolean {
  return modulesOf(maps, a).some(({ path }) => callsOf(maps, b, path).length > 0);
}

function byName(maps: MapInfo[]): Map<string, Module> {
  let modules = known.get(maps);
  if (!modules) {
    modules = new Map();
    for (const map of maps) {
      const name = nameOf(map.run, map.path);
      const module = modules.get(name) ?? { run: map.run, path: map.path, calls: [] };
      module.calls.push(map);
      modules.set(name, module);
    }
    known.set(maps, modules);
  }
  return modules;
}

function nameOf(run: number, path: string): string {
  return `${run} ${path}`;
}
