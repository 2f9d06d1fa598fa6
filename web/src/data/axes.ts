/** What tokens are: the names and places that `visualizer.axes` gives them. */

import type { Axis, Segment } from "../protocol";

/** A segment and a token's number in it. */
export interface Found {
  segment: Segment;
  inner: number;
}

type Kind<K extends Segment["kind"]> = Extract<Segment, { kind: K }>;
export type Lattice = Kind<"grid" | "frames" | "volume">;
export type Text = Kind<"text">;

/** Return the segment that a token is in. */
export function segmentOf(axis: Axis, token: number): Found {
  let [low, high] = [0, axis.segments.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (axis.segments[middle]!.begin <= token) low = middle;
    else high = middle - 1;
  }
  const segment = axis.segments[low];
  const inner = token - (segment?.begin ?? 0);
  if (!segment || !(inner >= 0 && inner < segment.length)) {
    throw new Error(`token ${token} was asked for, but there are ${axis.length}, counted from 0`);
  }
  return { segment, inner };
}

/** Return what a token is in words. */
export function nameOf(axis: Axis, token: number): string {
  const { segment, inner } = segmentOf(axis, token);
  switch (segment.kind) {
    case "special":
      return segment.text;
    case "text":
      return segment.tokens[inner]!;
    case "ids":
      return `id ${segment.ids[inner]}`;
    case "time":
      return `${general((inner * segment.seconds) / segment.length)} s`;
    case "unknown":
      return `token ${inner}`;
    case "grid":
      return `${imagePrefix(axis, segment)}${cellName(segment, inner)}`;
    default:
      return cellName(segment, inner);
  }
}

/** Return a token's cell: (row, column), or step or slice first; null for one that has none. */
export function cellOf(segment: Lattice, inner: number): number[] | null {
  let flat = segment.cells ? segment.cells[inner]! : inner;
  if (flat < 0) return null;
  const cell: number[] = [];
  for (const count of [...sidesOf(segment)].reverse()) {
    cell.unshift(flat % count);
    flat = Math.floor(flat / count);
  }
  return cell;
}

/** Return which token of a segment lies at a cell, counted in the segment; -1 if none does. */
export function tokenAt(segment: Lattice, cell: number[]): number {
  const sides = sidesOf(segment);
  if (cell.length !== sides.length || cell.some((place, i) => place < 0 || place >= sides[i]!)) return -1;
  const flat = cell.reduce((sum, place, i) => sum * sides[i]! + place, 0);
  return segment.cells ? segment.cells.indexOf(flat) : flat;
}

/** Return how many cells there are along each side. */
export function sidesOf(segment: Lattice): number[] {
  if (segment.kind === "grid") return [segment.h, segment.w];
  return [segment.kind === "frames" ? segment.t : segment.d, segment.h, segment.w];
}

/** Tell whether a segment's tokens are cells. */
export function isLattice(segment: Segment): segment is Lattice {
  return segment.kind === "grid" || segment.kind === "frames" || segment.kind === "volume";
}

/**
 * Return a token's place in the input, null where it has none. Of cells it is where the box begins, x first, then
 * how large it is, in an input of `size` (height, width; frames or depth first), or in shares of it. Of text it is
 * (begin, end) in UTF-16 units, as JavaScript slices; of time (begin, end) in seconds.
 */
export function placeOf(axis: Axis, token: number, size?: number[]): number[] | null {
  const { segment, inner } = segmentOf(axis, token);
  if (segment.kind === "text") return spansOf(segment)[inner]!;
  if (segment.kind === "time") return [inner, inner + 1].map((at) => (at * segment.seconds) / segment.length);
  return isLattice(segment) ? boxOf(segment, inner, size) : null;
}

function boxOf(segment: Lattice, inner: number, size?: number[]): number[] | null {
  const cell = cellOf(segment, inner);
  const span = segment.kind === "grid" ? segment.span : [];
  const steps = sidesOf(segment).map((count, i) => ((size?.[i] ?? 1) * (span[i] ?? 1)) / count);
  return cell && [...cell.map((place, i) => place * steps[i]!).reverse(), ...[...steps].reverse()];
}

function cellName(segment: Lattice, inner: number): string {
  const cell = cellOf(segment, inner);
  return cell ? `cell (${cell.join(", ")})` : "no cell";
}

/** All but the first of an axis's images are named. */
function imagePrefix(axis: Axis, segment: Kind<"grid">): string {
  const images = axis.segments.flatMap((one) => (one.kind === "grid" ? [one.image] : []));
  const number = [...new Set(images)].indexOf(segment.image);
  return number > 0 ? `image ${number}, ` : "";
}

const spans = new WeakMap<Text, [number, number][]>();

/** Return where each token of a text is, in UTF-16 units; the protocol counts characters as Python does. */
export function spansOf(segment: Text): [number, number][] {
  const known = spans.get(segment);
  if (known) return known;
  const offsets = unitsBefore(textOf(segment));
  const told = segment.spans ?? inARow(segment.tokens);
  const found = told.map(([begin, end]): [number, number] => [offsets[begin]!, offsets[end]!]);
  spans.set(segment, found);
  return found;
}

/** Return the text that spans count in. */
export function textOf(segment: Text): string {
  return segment.text ?? segment.tokens.join("");
}

/** Return how many units come before each character, and before the end. */
function unitsBefore(text: string): number[] {
  const offsets = [0];
  for (const character of text) offsets.push(offsets.at(-1)! + character.length);
  return offsets;
}

function inARow(tokens: string[]): [number, number][] {
  let end = 0;
  return tokens.map((token) => {
    const begin = end;
    end += [...token].length;
    return [begin, end];
  });
}

/** Return a number with six digits, as Python's `:g` writes it. */
export function general(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const [digits, exponent] = value.toExponential(5).split("e") as [string, string];
  if (+exponent >= -4 && +exponent < 6) return String(Number(value.toPrecision(6)));
  const sign = exponent.startsWith("-") ? "-" : "+";
  return `${Number(digits)}e${sign}${exponent.replace(/^[+-]/, "").padStart(2, "0")}`;
}
