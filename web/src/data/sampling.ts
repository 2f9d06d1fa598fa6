/** Deformable attention: the points at which a query reads the levels of a feature map. */

import type { BlobRef, SamplingInfo } from "../protocol";

/** A point: x and y in shares of the image, and which it is. */
export interface Point {
  x: number;
  y: number;
  weight: number;
  head: number;
  level: number;
  /** Its number among those of its head on its level. */
  number: number;
}

/** Which call, row of the batch, head (null: all) and query are looked at. */
export interface Sampled {
  sampling: number;
  batch: number;
  head: number | null;
  query: number;
}

/** Return the array that a query's points are in, null where it was left out, and the query's number in it. */
export function partOf(info: SamplingInfo, batch: number, query: number): [BlobRef | null, number] {
  const part = Math.floor(query / info.each);
  return [info.points[batch]?.[part] ?? null, query - part * info.each];
}

/** Return the points of one query of an array (query, head, point, 3), of one head or of all, lightest first. */
export function pointsOf(
  info: SamplingInfo,
  values: ArrayLike<number>,
  inner: number,
  head: number | null,
): Point[] {
  const [, , heads, each] = info.shape;
  const placed = info.counts.flatMap((count, level) =>
    Array.from({ length: count }, (_, number) => ({ level, number })),
  );
  const found: Point[] = [];
  for (let of = head ?? 0; of < (head === null ? heads : head + 1); of++) {
    for (let i = 0; i < each; i++) {
      const at = 3 * ((inner * heads + of) * each + i);
      const [x, y, weight] = [values[at]!, values[at + 1]!, values[at + 2]!];
      found.push({ x, y, weight, head: of, ...placed[i]! });
    }
  }
  return found.sort((a, b) => a.weight - b.weight);
}

/** Tell whether a point is within the image. */
export function isInside({ x, y }: Point): boolean {
  return x >= 0 && x <= 1 && y >= 0 && y <= 1;
}

/** Return the point that is nearest to a place within `reach` in each direction, null where none is. */
export function nearestPoint(points: Point[], x: number, y: number, reach: [number, number]): Point | null {
  let found: Point | null = null;
  let least = 1;
  for (const one of points) {
    const distance = ((one.x - x) / reach[0]) ** 2 + ((one.y - y) / reach[1]) ** 2;
    if (distance <= least) [found, least] = [one, distance]; // of several on one place the heaviest, on top
  }
  return found;
}
