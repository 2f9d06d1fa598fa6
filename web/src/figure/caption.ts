/** What is to be known of a picture, in the words that stand above it on screen. */

import type { Store } from "../state";
import { checkedWords, percent } from "../views/naming";

/** Return the caption of a view: its own words, and what they leave out. */
export function captionOf(store: Store, element: HTMLElement): string {
  const said = [...element.querySelectorAll(".strip")].map((one) => (one.textContent ?? "").trim());
  const own = { head: ["row = query, column = key"], points: [levelsSaid(element)] };
  const more = own[store.view.value as keyof typeof own] ?? usual(store);
  return [store.manifest.title, ...said, ...more]
    .map((one) => one.replace(/\s+/g, " ").replace(/\.$/, ""))
    .filter(Boolean)
    .join(" · ");
}

function levelsSaid(element: HTMLElement): string {
  return [...element.querySelectorAll(".levels li")].map((one) => one.textContent).join("; ");
}

function usual(store: Store): string[] {
  const errors = store.manifest.maps.map((map) => map.error);
  const known = errors.filter((error) => error !== null);
  const worst = known.length === errors.length ? Math.max(...known) : null;
  const rows = store.view.value !== "atlas";
  return [
    `${store.spreading.value} scale`,
    ...(rows && store.mass.value < 1
      ? [`the largest weights that make ${percent(store.mass.value)} of the mass`]
      : []),
    ...(rows && store.sinksOff.value ? ["without sinks, the rest renormalised"] : []),
    checkedWords(worst),
  ];
}
