/** Points on an image: shape and colour tell the level, area and opacity grow with the weight. */

import type { Point } from "../data/sampling";
import type { Frame } from "./sheet";

/** Told apart by those who see no red or green too, and by their shapes: the order is that of plots.sampling. */
const COLOURS = ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#cc79a7", "#d55e00", "#0072b2", "#ffffff"];
const CORNERS: [number, number][][] = [
  [],
  turned([0, -1], 3),
  turned([0.75, 0.75], 4),
  turned([0, -1], 4),
  turned([0, 1], 3),
  turned([0, -1], 5),
  turned([0, -1], 6),
  turned([0.4, 0.9], 8),
];
const [LEAST, MOST] = [6, 40]; // area of a point in square pixels of the page, as matplotlib counts it in points

/** Draw a level's sign around a place, so many pixels large. */
export function sign(
  context: CanvasRenderingContext2D,
  level: number,
  [x, y]: [number, number],
  radius: number,
): void {
  const corners = CORNERS[level % CORNERS.length]!;
  context.beginPath();
  if (!corners.length) context.arc(x, y, radius, 0, 2 * Math.PI);
  for (const [right, down] of corners) context.lineTo(x + 1.2 * radius * right, y + 1.2 * radius * down);
  context.closePath();
  context.fillStyle = COLOURS[level % COLOURS.length]!;
  context.fill();
  context.globalAlpha = 1;
  context.strokeStyle = "#000";
  context.lineWidth = Math.max(1, radius / 6);
  context.stroke();
}

/** Draw points, the heaviest last; a point that is pointed at has a ring. */
export function drawPoints(
  canvas: HTMLCanvasElement,
  { box, width }: Frame,
  points: Point[],
  pointed: Point | null,
): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const fine = width / (canvas.clientWidth || width);
  const top = points.at(-1)?.weight || 1;
  const place = ({ x, y }: Point): [number, number] => [box[0] + x * box[2], box[1] + y * box[3]];
  for (const one of points) {
    const share = Math.max(0, one.weight / top);
    context.globalAlpha = 0.35 + 0.65 * share;
    sign(context, one.level, place(one), 1.6 * fine * Math.sqrt((LEAST + (MOST - LEAST) * share) / Math.PI));
  }
  if (pointed) ring(context, place(pointed), 9 * fine);
}

/** Draw the cross of a reference point. */
export function drawCross(canvas: HTMLCanvasElement, { box }: Frame, [x, y]: [number, number]): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const [across, down] = [box[0] + x * box[2], box[1] + y * box[3]];
  const size = canvas.width / 48;
  for (const [colour, line] of RIM) {
    context.strokeStyle = colour;
    context.lineWidth = (line * canvas.width) / 600;
    context.beginPath();
    context.moveTo(across - size, down);
    context.lineTo(across + size, down);
    context.moveTo(across, down - size);
    context.lineTo(across, down + size);
    context.stroke();
  }
}

const RIM = [
  ["#fff", 5],
  ["#d00", 2],
] as const;

function ring(context: CanvasRenderingContext2D, [x, y]: [number, number], radius: number): void {
  for (const [colour, line] of RIM) {
    context.strokeStyle = colour;
    context.lineWidth = (line * radius) / 9;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.stroke();
  }
}

/** The corners of a regular shape, the first given. */
function turned([x, y]: [number, number], count: number): [number, number][] {
  return Array.from({ length: count }, (_, i) => {
    const [cos, sin] = [Math.cos((2 * Math.PI * i) / count), Math.sin((2 * Math.PI * i) / count)];
    return [x * cos - y * sin, x * sin + y * cos];
  });
}
