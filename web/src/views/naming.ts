/** How maps, heads, tokens and numbers are written. */

import { nameOf } from "../data/axes";
import { windowsIn } from "../data/windows";
import type { Axis, MapInfo } from "../protocol";
import type { Place } from "../state";

/** The maps of one module, in the order of its calls. */
export function callsOf(maps: MapInfo[], run: number, path: string): MapInfo[] {
  return maps.filter((one) => one.run === run && one.path === path);
}

/** Paths without the parts that all of them begin or end with. */
export function shortPaths(paths: string[]): string[] {
  if (new Set(paths).size < 2) return paths.map((one) => one || "model");
  const parts = paths.map((one) => one.split("."));
  const first = parts[0]!;
  const shared = (at: (one: string[], i: number) => string | undefined) => {
    let count = 0;
    while (parts.every((one) => count < one.length - 1 && at(one, count) === at(first, count))) count++;
    return count;
  };
  const begin = shared((one, i) => one[i]);
  const end = shared((one, i) => one[one.length - 1 - i]);
  return parts.map((one) => one.slice(begin, Math.max(one.length - end, begin + 1)).join(".") || "model");
}

/** "layer.3 · head 5 of 12 · row 2 of the batch"; by the axis of its queries a row that is a window is told as one. */
export function placeName(map: MapInfo, place: Place, axis?: Axis): string {
  const [batches, heads] = map.shape;
  const parts = [map.path || "model", `head ${place.head} of ${heads}`];
  const windows = axis ? windowsIn(axis) : 0;
  const id = map.ids ? `, “${map.ids[place.batch]}”` : "";
  if (windows)
    parts.push(
      `window ${place.batch % windows} of ${windows} of item ${Math.floor(place.batch / windows)}${id}`,
    );
  else if (batches > 1) parts.push(`row ${place.batch} of the batch${id}`);
  if (map.item !== null) parts.push(`item ${map.item}`);
  if (map.call > 0 && !map.continues) parts.push(`call ${map.call}`);
  return parts.join(" · ");
}

/** "token 5, “cat”"; `at` is its number, where it is not that of the axis. */
export function tokenName(axis: Axis, token: number, at = token): string {
  if (token >= axis.length) return `token ${at}`;
  const name = nameOf(axis, token);
  return name.startsWith("token ") ? `token ${at}` : `token ${at}, “${visible(name).trim()}”`;
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

/** A weight in four digits. */
export function printed(value: number): string {
  if (Number.isNaN(value)) return "–";
  if (Number.isInteger(value)) return String(value);
  if (value !== 0 && Math.abs(value) < 1e-4) return value.toExponential(2);
  return value.toFixed(Math.abs(value) < 0.01 ? 5 : 4);
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0.995 && share < 1 ? 2 : 1)} %`;
}

/** How a map compared with what the model itself gave. */
export function checkedWords(error: number | null): string {
  return error === null
    ? "not compared with the model's output"
    : `compared with the model's output: largest error ${error.toExponential(0)}`;
}
