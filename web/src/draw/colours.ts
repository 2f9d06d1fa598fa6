/** Weights as colours: one scale for all that is compared, and which cells it clips. */

import { TABLES } from "./tables";

export type TableName = keyof typeof TABLES | "grey";

/** How weights spread over a table: evenly, by their square roots or by their logarithms. */
export type Spreading = "linear" | "sqrt" | "log";

export interface Scale {
  spreading: Spreading;
  /** The weight of the first colour; of a scale by logarithms it is above 0. */
  low: number;
  /** The weight of the last colour. */
  high: number;
  /** Whether it goes as far below 0, which is in the middle; `low` is then where each half begins. */
  signed?: boolean;
}

/** 256 colours, each as the four bytes of a pixel: red, green, blue and no transparency. */
export type Table = Uint32Array;

const made = new Map<TableName, Table>();

/** Return a table by its name. */
export function tableOf(name: TableName): Table {
  const found = made.get(name) ?? (name === "grey" ? packed(greys()) : packed(bytesOf(TABLES[name])));
  made.set(name, found);
  return found;
}

/** Return what tells where a weight lies on a scale, from 0 to 1; NaN stays NaN. */
export function placer({ spreading, low, high, signed }: Scale): (weight: number) => number {
  if (signed) {
    const half = placer({ spreading, low, high });
    return (weight) => 0.5 + 0.5 * Math.sign(weight) * half(Math.abs(weight));
  }
  const by = BY[spreading];
  const from = by(low);
  const range = by(high) - from;
  if (range === 0) return (weight) => (Number.isNaN(weight) ? weight : Number(weight > low));
  return (weight) => Math.min(1, Math.max(0, (by(weight) - from) / range));
}

/** Return the weight at a place on a scale, from 0 to 1. */
export function weightAt({ spreading, low, high, signed }: Scale, place: number): number {
  if (signed) {
    const from = 2 * place - 1;
    return Math.sign(from) * weightAt({ spreading, low, high }, Math.abs(from));
  }
  const [from, to] = [BY[spreading](low), BY[spreading](high)];
  return BACK[spreading](from + place * (to - from));
}

/** Tell whether a scale shows a weight as another one: -1 if it is too low, 1 if too high, else 0. */
export function clipped({ low, high, signed }: Scale, weight: number): -1 | 0 | 1 {
  const size = signed ? Math.abs(weight) : weight;
  return size < low ? -1 : size > high ? 1 : 0;
}

const BY: Record<Spreading, (weight: number) => number> = {
  linear: (weight) => weight,
  sqrt: (weight) => Math.sqrt(Math.max(0, weight)),
  log: (weight) => Math.log(Math.max(0, weight)),
};

const BACK: Record<Spreading, (x: number) => number> = {
  linear: (x) => x,
  sqrt: (x) => x * x,
  log: Math.exp,
};

/** Write weights into pixels; those that are no numbers are transparent. */
export function paint(
  weights: ArrayLike<number>,
  table: Table,
  scale: Scale,
  pixels: Uint8ClampedArray,
): void {
  const whole = new Uint32Array(pixels.buffer, pixels.byteOffset, weights.length);
  const place = placer(scale);
  for (let i = 0; i < weights.length; i++) {
    const at = place(weights[i]!);
    whole[i] = Number.isNaN(at) ? 0 : table[indexOf(at)]!;
  }
}

/** Return the colour of a weight as CSS has it; null of one that is no number. */
export function colourOf(table: Table, scale: Scale, weight: number): string | null {
  const place = placer(scale)(weight);
  if (Number.isNaN(place)) return null;
  const colour = table[indexOf(place)]!;
  return `rgb(${colour & 255} ${(colour >> 8) & 255} ${(colour >> 16) & 255})`;
}

/** As matplotlib: 256 steps of one width, the last of which has its end. */
function indexOf(place: number): number {
  return Math.min(255, Math.floor(place * 256));
}

function greys(): Uint8Array {
  return Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
}

function bytesOf(digits: string): Uint8Array {
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}

/** Every browser's machine puts the lowest byte first. */
function packed(bytes: Uint8Array): Table {
  return Uint32Array.from(
    { length: 256 },
    (_, i) => 0xff000000 + (bytes[3 * i + 2]! << 16) + (bytes[3 * i + 1]! << 8) + bytes[3 * i]!,
  );
}
