/** Maps of which the rows of some queries alone are in the page. */

import type { MapInfo } from "../protocol";

/** Return the queries whose rows are there, in order; null: all are. */
export function listedOf(map: MapInfo | undefined): number[] | null {
  return map?.rows.kind === "dense" ? (map.rows.queries ?? null) : null;
}

/** Tell whether the row of a query is there. */
export function isListed(map: MapInfo | undefined, query: number): boolean {
  return listedOf(map)?.includes(query) ?? true;
}

/** Return the nearest query whose row is there. */
export function nearest(map: MapInfo | undefined, query: number): number {
  const listed = listedOf(map);
  if (!listed?.length) return query;
  return listed.reduce((best, one) => (Math.abs(one - query) < Math.abs(best - query) ? one : best));
}

/** Return the query that is some steps further, among those whose rows are there. */
export function stepped(map: MapInfo, query: number, by: number): number {
  const listed = listedOf(map);
  const [at, count] = listed ? [listed.indexOf(query), listed.length] : [query, map.shape[2]];
  const next = Math.max(0, Math.min(count - 1, at + by));
  return listed ? (listed[next] ?? query) : next;
}
