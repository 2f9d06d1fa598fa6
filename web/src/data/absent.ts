/** Heads whose rows are not in the page, as they were left out of its file. */

import type { Manifest, MapInfo } from "../protocol";

/** Return why the rows of a head are not here, and what to do, in one sentence; null: they are. */
export function whyAbsent({ rows, shape }: MapInfo, batch: number, head: number): string | null {
  if (rows.kind === "none") return said(rows.why);
  if (rows.kind !== "factors" && rows.kind !== "dense") return null;
  return rows.heads[batch * shape[1] + head] ? null : said("they were left out of this file");
}

/** Return the first head whose rows are here, or else the first. */
export function firstPresent({ maps }: Manifest): { map: number; batch: number; head: number } {
  for (const [map, one] of maps.entries())
    for (let place = 0; place < one.shape[0] * one.shape[1]; place++) {
      const at = { map, batch: Math.floor(place / one.shape[1]), head: place % one.shape[1] };
      if (whyAbsent(one, at.batch, at.head) === null) return at;
    }
  return { map: 0, batch: 0, head: 0 };
}

function said(why: string): string {
  return `no rows are here, as ${why}: visualizer view RUN shows them, and heads=, queries= or a larger max_mb= choose others`;
}
