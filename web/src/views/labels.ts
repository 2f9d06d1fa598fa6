/** Names of tokens along the sides of a matrix: of all of them, or the numbers of some. */

import type { Axis } from "../protocol";
import { tokenName } from "./naming";

export const WIDEST = 88; // pixels for names
const LEGIBLE = 11; // pixels of a cell from which on its token is named
const GAP = 5; // pixels beside a name
const [LETTER, BROAD] = [6.4, 11]; // pixels of a letter, whatever the font; of Chinese, Japanese and Korean ones
const LOOKED = 4096; // names that are looked at for the longest

/** Every how many tokens are named, and how many pixels names take. */
export interface Labels {
  every: number;
  edge: number;
}

/** Return how tokens are named where so many of them share so many pixels. */
export function labelsOf(axis: Axis, shown: number, pixels: number): Labels {
  const every = roundStep((LEGIBLE * shown) / pixels);
  const letters = every > 1 ? widthOf(String(axis.length)) : longestOf(axis);
  return { every, edge: Math.min(WIDEST, Math.ceil(letters) + 2 * GAP) };
}

/** A side of a matrix: the tokens from `begin` on, in so many pixels, behind the other side's names. */
export interface Side {
  axis: Axis;
  begin: number;
  count: number;
  pixels: number;
  /** Pixels that the other side's names take. */
  offset: number;
  labels: Labels;
  /** The token that is looked at. */
  marked: number | null;
}

/** Write names beside the rows, or above the columns; the marked one in a colour of its own. */
export function writeNames(
  context: CanvasRenderingContext2D,
  { axis, begin, count, pixels, offset, labels, marked }: Side,
  side: "rows" | "columns",
  colours: { usual: string; marked: string },
): void {
  const cell = pixels / count;
  const { every, edge } = labels;
  context.textBaseline = "middle";
  for (let token = Math.ceil(begin / every) * every; token < begin + count; token += every) {
    const at = offset + (token - begin + 0.5) * cell;
    context.save();
    if (side === "rows") {
      context.textAlign = "right";
      context.translate(edge - GAP, at);
    } else {
      context.translate(at, edge - GAP);
      context.rotate(-Math.PI / 2);
    }
    context.fillStyle = token === marked ? colours.marked : colours.usual;
    context.fillText(every > 1 ? String(token) : short(axis, token), 0, 0, edge - GAP - 3);
    context.restore();
  }
}

const longest = new WeakMap<Axis, number>();

function longestOf(axis: Axis): number {
  const known = longest.get(axis);
  if (known) return known;
  let found = 0;
  for (let token = 0; token < Math.min(axis.length, LOOKED); token++)
    found = Math.max(found, widthOf(short(axis, token)));
  longest.set(axis, found);
  return found;
}

function widthOf(text: string): number {
  let width = 0;
  for (const letter of text) width += letter.codePointAt(0)! > 0x2e7f ? BROAD : LETTER;
  return width;
}

/** "token 5, “cat”" without what is said by the place. */
function short(axis: Axis, token: number): string {
  const text = tokenName(axis, token)
    .replace(/^token \d+, “(.*)”$/, "$1")
    .replace(/^(token|cell) /, "");
  return text.length > 14 ? `${text.slice(0, 13)}…` : text;
}

/** The next of 1, 2, 5, 10, 20, … */
function roundStep(least: number): number {
  const ten = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  return [1, 2, 5, 10].map((one) => one * ten).find((one) => one >= least) ?? 10 * ten;
}
