/** What is to be known of a picture: head, query, scale, mass shown, sinks, and how exact it is. */

import { listedOf } from "../data/listed";
import type { Shown } from "../data/shown";
import { scaleTo } from "../draw/canvas";
import type { MapInfo } from "../protocol";
import type { Store } from "../state";
import { useStore } from "./context";
import { checkedWords, countOf, endsOf, percent, placeName, printed, tokenName } from "./naming";

export function TruthStrip() {
  const store = useStore();
  const map = store.map.value;
  if (!map) return null;
  return (
    <p class="strip" data-strip>
      {store.trouble.value ??
        [
          placeName(map, store.row.value?.place ?? store.place.value, store.queries.value),
          ...rowSaid(store),
          ...listedSaid(map),
          checkedWords(map.error),
        ].join(" · ")}
    </p>
  );
}

function rowSaid(store: Store): string[] {
  const row = store.row.value;
  const shown = store.shown.value;
  if (!row || !shown) return [];
  const map = store.map.value;
  const missing = row.direction === "row" ? shown.missing : 0; // of columns also rows that are not here
  const side = row.direction === "row" ? "query" : "key";
  const axis = store.axisOf(row.place, side === "query" ? "queries" : "keys");
  const at = side === "query" ? (map?.places?.[row.token] ?? row.token) : row.token;
  const token = `${side}: ${tokenName(axis, row.token, at)}`;
  if (missing === row.values.length) return [token, "none of its weights is a number"];
  return [
    token,
    ...(missing ? [`${missing} of its weights are no numbers`] : []),
    scaleSaid(store, shown.max, map?.signed),
    ...(store.part.value
      ? [`${percent(shown.share)} of the ${row.direction} is in the part that is looked at`]
      : []),
    ...(row.direction === "row"
      ? drawnSaid(store, shown, map?.signed ?? false, store.leavesSinks)
      : columnSaid(store, shown)),
  ];
}

/** The scale of colours up to a weight, and what its ends stand for. */
export function scaleSaid(store: Store, max: number, signed?: boolean): string {
  const spreading = store.spreading.value;
  return `${spreading} scale, ${endsOf(scaleTo(max, spreading, signed)).join(" to ")}`;
}

/** How much of a row is drawn. */
export function drawnSaid(store: Store, shown: Shown, signed: boolean, withoutSinks: boolean): string[] {
  const part = store.view.value === "head" && store.part.value !== null;
  const whole = part ? "all of that" : withoutSinks ? "all but the sinks" : "the whole row";
  const cut = store.mass.value < 1;
  return [
    `mass shown: ${cut ? `${percent(shown.mass)} on ${countOf(shown.tokens)}` : whole}`,
    ...(withoutSinks
      ? [`sinks removed: ${percent(shown.removed)}${signed ? "" : ", the rest renormalised"}`]
      : []),
  ];
}

/** Of a column, which adds up to no number that is known. */
function columnSaid(store: Store, { sum, tokens, max }: Shown): string[] {
  const drawn = store.mass.value < 1 ? ` of the ${countOf(tokens)} shown` : "";
  const sizes = store.map.value?.signed ? " of sizes" : "";
  return [`sum${sizes}${drawn}: ${printed(sum)}, largest: ${printed(max)}`];
}

function listedSaid(map: MapInfo): string[] {
  const listed = listedOf(map);
  return listed ? [`rows of ${listed.length} of ${map.shape[2]} queries are here`] : [];
}
