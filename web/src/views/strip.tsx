/** What is to be known of a picture: head, query, scale, mass shown, sinks, and how exact it is. */

import { listedOf } from "../data/listed";
import type { MapInfo } from "../protocol";
import { useStore } from "./context";
import { checkedWords, percent, placeName, printed, tokenName } from "./naming";

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

function rowSaid(store: ReturnType<typeof useStore>): string[] {
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
    `${store.spreading.value} scale, ${map?.signed ? `−${printed(shown.max)}` : 0} to ${printed(shown.max)}`,
    ...(store.part.value
      ? [`${percent(shown.share)} of the ${row.direction} is in the part that is looked at`]
      : []),
    `mass shown: ${percent(shown.mass)} on ${shown.tokens} tokens`,
    ...(store.leavesSinks
      ? [`sinks removed: ${percent(shown.removed)}${map?.signed ? "" : ", the rest renormalised"}`]
      : []),
  ];
}

function listedSaid(map: MapInfo): string[] {
  const listed = listedOf(map);
  return listed ? [`rows of ${listed.length} of ${map.shape[2]} queries are here`] : [];
}
