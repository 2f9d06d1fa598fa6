/** Keys that queries cannot see, hatched: no weight could be there, which a weight of 0 does not say. */

import { firstSeen, laterThan } from "../data/shown";
import type { MapInfo } from "../protocol";
import type { Looked } from "./looked";

const GAP = 6; // pixels between the lines of the hatching

/** Take the colours from keys that a map says its queries cannot see, and hatch them. */
export function hatchUnseen(
  context: CanvasRenderingContext2D,
  map: MapInfo,
  looked: Looked,
  [width, height]: [number, number],
  colour: string,
): void {
  const unseen = new Path2D();
  for (const box of unseenIn(map, looked, [width, height])) {
    unseen.rect(...box);
    context.clearRect(...box);
  }
  context.save();
  context.clip(unseen);
  context.globalAlpha = 0.25;
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.beginPath();
  for (let x = -height; x < width; x += GAP) {
    context.moveTo(x, height);
    context.lineTo(x + height, 0);
  }
  context.stroke();
  context.restore();
}

type Box = [left: number, top: number, width: number, height: number];

/** Boxes of keys that cannot be seen, in pixels: by each query, or by none of those that share a line of pixels. */
export function unseenIn(map: MapInfo, looked: Looked, [width, height]: [number, number]): Box[] {
  const boxes: Box[] = [];
  const [across, down] = [width / looked.columns, height / looked.rows];
  const every = Math.max(1, Math.ceil(1 / down));
  const place = (key: number) => Math.max(0, Math.min(width, (key - looked.left) * across));
  for (let query = Math.floor(looked.top); query < looked.top + looked.rows; query += every) {
    const last = Math.min(query + every, map.shape[2]) - 1;
    const top = (query - looked.top) * down;
    const before = place(Math.min(firstSeen(map, query), firstSeen(map, last)));
    const after = place(
      Math.max(laterThan(map, query) ?? map.shape[3], laterThan(map, last) ?? map.shape[3]),
    );
    if (before > 0) boxes.push([0, top, before, every * down]);
    if (after < width) boxes.push([after, top, width - after, every * down]);
  }
  return boxes;
}
