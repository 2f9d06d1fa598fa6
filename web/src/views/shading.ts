/** How the tokens of a text look: their shade, and what is marked. By hand, as a text has thousands of them. */

import { clipped, placer, type Scale, weightAt } from "../draw/colours";

/** What tells how each token looks. */
export interface Look {
  values: Float32Array | null;
  scale: Scale;
  padding: Uint8Array | null;
  /** The first of the tokens that come after the query. */
  later: number | null;
  /** What is looked at alone. */
  part: { begin: number; end: number } | null;
  hits: Set<number>;
}

const SHADES = 100; // so that a token whose shade hardly changes is left alone
const STEPS = 64; // of a legend

/** Return what tells how a token looks: its shade from 0 to 1, then classes, such as "0.25 below". */
export function looker(look: Look): (token: number) => string {
  const { values, scale, padding, later, part, hits } = look;
  const place = placer(scale);
  return (token) => {
    const weight = values?.[token] ?? 0;
    const at = scale.signed ? Math.abs(2 * place(weight) - 1) : place(weight);
    const classes = [
      Number.isNaN(weight) && "gone",
      weight < 0 && "below",
      scale.signed && weight > 0 && "above",
      weight !== 0 && clipped(scale, weight) !== 0 && "clipped",
      padding?.[token] === 1 && "padding",
      later !== null && token >= later && "later",
      part && (token < part.begin || token >= part.end) && "outside",
      hits.has(token) && "hit",
    ];
    return [Math.round((at || 0) * SHADES) / SHADES, ...classes.filter(Boolean)].join(" ");
  };
}

/** Return the shades along a scale, each with the side of 0 that it is on. */
export function shadesOf(scale: Scale): [string, string][] {
  const values = Float32Array.from({ length: STEPS }, (_, i) => weightAt(scale, i / (STEPS - 1)));
  const lookOf = looker({ values, scale, padding: null, later: null, part: null, hits: new Set() });
  return Array.from(values, (_, i) => {
    const [weight, ...classes] = lookOf(i).split(" ");
    return [weight!, classes.filter((one) => one !== "clipped").join(" ")];
  });
}

/** Make the tokens look so that can be seen; the others wait until they are scrolled to. */
export function shade(box: HTMLElement, lookOf: (token: number) => string): void {
  const elements = box.children as HTMLCollectionOf<HTMLElement>;
  const first = firstOf(box);
  const [begin, end] = inSight(elements, box.parentElement!);
  for (let i = begin; i < end; i++) {
    const element = elements[i]!;
    const state = lookOf(first + i);
    if (element.dataset["state"] === state) continue;
    const [weight, ...classes] = state.split(" ");
    element.dataset["state"] = state;
    element.style.setProperty("--weight", weight!);
    element.className = ["token", element.dataset["kind"], ...classes].join(" ");
  }
}

/** The element of a token. */
export function elementOf(box: HTMLElement | null, token: number | null): HTMLElement | undefined {
  return box && token !== null ? (box.children[token - firstOf(box)] as HTMLElement | undefined) : undefined;
}

function firstOf(box: HTMLElement): number {
  return Number((box.firstElementChild as HTMLElement | null)?.dataset["token"] ?? 0);
}

/** Return which elements are in sight, from the first to below the second; they lie below one another. */
function inSight(elements: HTMLCollectionOf<HTMLElement>, scroller: HTMLElement): [number, number] {
  const top = scroller.scrollTop;
  const bottom = top + scroller.clientHeight;
  const above = search(elements.length, (i) => elements[i]!.offsetTop + elements[i]!.offsetHeight < top);
  return [above, search(elements.length, (i) => elements[i]!.offsetTop <= bottom)];
}

/** Return how many of the first numbers something holds for. */
function search(count: number, holds: (i: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
