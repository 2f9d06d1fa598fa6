/** A head, made of the arrays that its map names. */

import type { Factored, Formed, MapInfo } from "../protocol";
import { whyAbsent } from "./absent";
import type { Numbers, Tensor } from "./arrays";
import type { Blobs } from "./blobs";
import type { FactoredHead, FormedHead, Head, Spread } from "./heads";

/** Return a head of a map whose rows are in the page. */
export async function loadHead(
  blobs: Blobs,
  map: MapInfo,
  batch: number,
  head: number,
  signal?: AbortSignal,
): Promise<Head> {
  const { rows, shape } = map;
  const why = whyAbsent(map, batch, head);
  if (why) throw new Error(why);
  if (rows.kind !== "factors" && rows.kind !== "dense")
    throw new Error(`rows of map ${map.id} are with the server`);
  const [found, all] = await Promise.all([
    rows.kind === "dense"
      ? formed(blobs, rows, map, batch * shape[1] + head, signal)
      : factored(blobs, rows, map, batch, head, signal),
    map.padding?.queries ? blobs.get<Uint8Array>(map.padding.queries, signal) : null,
  ]);
  return all ? { ...found, padding: all.values.slice(batch * shape[2], (batch + 1) * shape[2]) } : found;
}

async function formed(
  blobs: Blobs,
  rows: Formed,
  map: MapInfo,
  place: number,
  signal?: AbortSignal,
): Promise<FormedHead> {
  const { values } = await blobs.get(rows.heads[place]!, signal);
  return {
    kind: "dense",
    queries: map.shape[2],
    keys: map.shape[3],
    weights: values,
    listed: rows.queries ?? null,
  };
}

async function factored(
  blobs: Blobs,
  rows: Factored,
  map: MapInfo,
  batch: number,
  head: number,
  signal?: AbortSignal,
): Promise<FactoredHead> {
  const [, heads, queries, keys] = map.shape;
  const refs = rows.heads[batch * heads + head]!;
  const [q, k, bias, mask] = await Promise.all([
    blobs.get(refs.q, signal),
    blobs.get(refs.k, signal),
    rows.bias && blobs.get(rows.bias, signal),
    rows.mask && blobs.get<Uint8Array>(rows.mask, signal),
  ]);
  const { left, right, diagonal } = rows.band ?? { left: null, right: null, diagonal: 0 };
  return {
    kind: "factors",
    ...{ queries, keys, depth: refs.q.shape[1]!, q: q.values, k: k.values, softcap: rows.softcap },
    ...{ left, right, diagonal, sink: rows.sinks?.[head] ?? null },
    bias: bias && spread(bias, batch, head),
    mask: mask && spread(mask, batch, head),
  };
}

/** Return the part of (batch, head, query, key) that is of a head; 1 along an axis stands for all. */
function spread({ values, shape }: Tensor<Numbers>, batch: number, head: number): Spread {
  const [batches, heads, queries, keys] = shape as [number, number, number, number];
  const size = queries * keys;
  const begin = ((batches > 1 ? batch : 0) * heads + (heads > 1 ? head : 0)) * size;
  const own = size === values.length ? values : values.slice(begin, begin + size);
  return { values: own, perQuery: queries > 1 ? keys : 0, perKey: keys > 1 ? 1 : 0 };
}
