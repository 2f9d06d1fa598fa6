/** How maps, heads, tokens and numbers are written. */

import { nameOf } from "../data/axes";
import type { Point } from "../data/sampling";
import { windowsIn } from "../data/windows";
import type { Scale } from "../draw/colours";
import type { Axis, MapInfo, RunInfo } from "../protocol";
import type { Place } from "../state";

/** Names of runs: of a class without the modules that it is in. */
export function runNames(runs: RunInfo[]): string[] {
  return runs.map(({ name }) => name.replace(/^(?:\w+\.)+(?=[A-Z]\w*(?: · |$))/, ""));
}

/** Paths without the parts that all of them begin or end with; a number keeps what it is a number of. */
export function shortPaths(paths: string[]): string[] {
  if (new Set(paths).size < 2) return paths.map((one) => one || "model");
  const parts = paths.map((one) => one.split("."));
  const first = parts[0]!;
  const shared = (at: (one: string[], i: number) => string | undefined) => {
    let count = 0;
    while (parts.every((one) => count < one.length - 1 && at(one, count) === at(first, count))) count++;
    return count;
  };
  const same = shared((one, i) => one[i]);
  const begin = same && parts.some((one) => /^\d/.test(one[same]!)) ? same - 1 : same;
  const end = shared((one, i) => one[one.length - 1 - i]);
  return parts.map((one) => one.slice(begin, Math.max(one.length - end, begin + 1)).join(".") || "model");
}

/** "layer.3 · head 5 of 12 · row 2 of the batch"; the axis is that of its queries. */
export function placeName(map: MapInfo, place: Place, axis?: Axis): string {
  const head = `head ${place.head} of ${map.shape[1]}`;
  return [map.path || "model", head, ...rowWords(map, place.batch, axis)].join(" · ");
}

/** Which row of the batch, told as a window where it is one, and which call. */
export function rowWords(map: MapInfo, batch: number, axis?: Axis): string[] {
  const parts: string[] = [];
  const windows = axis ? windowsIn(axis) : 0;
  const id = map.ids ? `, “${map.ids[batch]}”` : "";
  if (windows)
    parts.push(`window ${batch % windows} of ${windows} of item ${Math.floor(batch / windows)}${id}`);
  else if (map.shape[0] > 1) parts.push(`row ${batch} of the batch${id}`);
  if (map.item !== null) parts.push(`item ${map.item}`);
  const sequence = map.options["sequence"];
  if (sequence !== undefined) parts.push(`sequence ${sequence}`);
  if (map.call > 0 && !map.steps) parts.push(`call ${map.call}`);
  return parts;
}

/** "token 5, “cat”"; `at` is its number, where it is not that of the axis. */
export function tokenName(axis: Axis, token: number, at = token): string {
  if (token >= axis.length) return `token ${at}`;
  const name = nameOf(axis, token);
  return name.startsWith("token ") ? `token ${at}` : `token ${at}, “${visible(name).trim()}”`;
}

/** "level 1, head 2, point 3" */
export function pointName({ level, head, number }: Point): string {
  return `level ${level}, head ${head}, point ${number}`;
}

const LONGEST = 40; // characters of a token that are shown
const CODE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A token as it is shown: what cannot be seen, or turns other text around, by its number. */
export function visible(text: string): string {
  const letters = [...text];
  const cut = letters.length > LONGEST ? `${letters.slice(0, LONGEST).join("")}…` : text;
  const shown = cut
    .replaceAll("\n", "⏎")
    .replaceAll("\t", "⇥")
    .replace(CODE, (one) => `⟨${one.codePointAt(0)!.toString(16)}⟩`);
  if (!letters.length) return "∅";
  return shown.trim() ? shown : "␣".repeat(Math.min(letters.length, 4));
}

/** A weight in four digits; below `least` it has none. */
export function printed(value: number, least = 0): string {
  if (Number.isNaN(value)) return "–";
  if (Number.isInteger(value)) return minused(String(value));
  if (Math.abs(value) < least) return `< ${least.toExponential(0)}`;
  if (value !== 0 && Math.abs(value) < 1e-4) return minused(value.toExponential(2));
  return minused(value.toFixed(Math.abs(value) < 0.009995 ? 5 : 4));
}

/** A number with a minus in the place of a hyphen. */
export function minused(digits: string): string {
  return digits.replace(/^-/, "−");
}

export function percent(share: number, digits = digitsOf([share])): string {
  return `${(100 * share).toFixed(digits)} %`;
}

/** How many digits behind the point tell shares that stand together from none and from all. */
export function digitsOf(shares: number[]): number {
  const near = (one: number) => one > 0.00005 && one < 0.005;
  return shares.some((one) => near(one) || near(1 - one)) ? 2 : 1;
}

/** "1 token", "2 tokens" */
export function countOf(tokens: number): string {
  return `${tokens} ${tokens === 1 ? "token" : "tokens"}`;
}

/** What the first and the last colour of a scale stand for. */
export function endsOf({ low, high, signed }: Scale): [string, string] {
  const first = signed ? `−${printed(high)}` : low > 0 ? `≤ ${printed(low)}` : "0";
  return [first, printed(high)];
}

/** How a map compared with what the model itself gave. */
export function checkedWords(error: number | null): string {
  if (error === null) return "not compared with the model's output";
  const found = error === 0 ? "the same" : `largest error ${error.toExponential(0)}`;
  return `compared with the model's output: ${found}`;
}
