/** What is to be known of a picture, in the words that stand above it on screen. */

import type { MapInfo } from "../protocol";
import type { Store } from "../state";
import { checkedWords } from "../views/naming";

/** Return the caption of a view: its own words, and what they leave out. */
export function captionOf(store: Store, element: HTMLElement): string {
  const said = [...element.querySelectorAll(".strip")].map((one) => (one.textContent ?? "").trim());
  const scale = `${store.spreading.value} scale`;
  const own = {
    atlas: [scale, checkedWords(worst(store.manifest.maps))],
    head: ["row = query, column = key"],
    points: [levelsSaid(element)],
  };
  const more = own[store.view.value as keyof typeof own] ?? [scale];
  return [store.manifest.title, ...said, ...more]
    .map((one) => one.replace(/\s+/g, " ").replace(/\.$/, ""))
    .filter(Boolean)
    .join(" · ");
}

function levelsSaid(element: HTMLElement): string {
  return [...element.querySelectorAll(".levels li")].map((one) => one.textContent).join("; ");
}

/** The largest error of all; null where some were not compared. */
function worst(maps: MapInfo[]): number | null {
  const errors = maps.map((map) => map.error).filter((error) => error !== null);
  return errors.length === maps.length ? Math.max(...errors) : null;
}
