/** Deformable attention: where a query reads the image, with which weights. */

import { useMemo } from "preact/hooks";
import { isLattice, placeOf } from "../data/axes";
import { isInside, type Point, partOf, pointsOf, type Sampled } from "../data/sampling";
import type { SamplingInfo } from "../protocol";
import type { Store } from "../state";
import { useStore } from "./context";
import { usePromised } from "./hooks";
import { minused, pointName, printed, tokenName } from "./naming";
import { Levels, PointImage } from "./point_image";
import { Surface } from "./surface";
import { Whole } from "./whole";

const MANY = 2000; // queries of which nothing is known are chosen by number alone
const LISTED = 8;

export function Points() {
  const store = useStore();
  const at = store.sampled.value;
  const info = store.manifest.samplings[at.sampling]!;
  const axis = store.manifest.axes[info.queries[info.queries.length > 1 ? at.batch : 0]!]!;
  const [ref, inner] = partOf(info, at.batch, at.query);
  const { value, trouble } = usePromised(
    async (signal) => (ref ? (await store.reader.blob(ref, signal)).values : null),
    [ref],
  );
  const points = useMemo(
    () => (value ? pointsOf(info, value, inner, at.head) : null),
    [value, info, inner, at.head],
  );
  const place = placeOf(axis, at.query);
  const reference = useMemo(
    (): [number, number] | null =>
      place?.length === 4 ? [place[0]! + place[2]! / 2, place[1]! + place[3]! / 2] : null,
    [axis, at.query],
  );
  const look = (query: number) => {
    if (!store.pinned.value) store.sampled.value = { ...at, query };
  };
  const pin = (query: number) => {
    store.pinned.value = !(store.pinned.value && at.query === query);
    store.sampled.value = { ...at, query };
  };
  const pictured = axis.segments.some(isLattice);
  return (
    <section class="points">
      <Which store={store} info={info} at={at} />
      <p class="strip" data-strip>
        {[whence(info, at), `query: ${tokenName(axis, at.query)}`, ...said(points)].join(" · ")}
      </p>
      {(trouble || !ref) && (
        <p class="trouble">{trouble ?? "The points of this query are not in this file."}</p>
      )}
      <div class="columns">
        <div>
          <Levels info={info} />
          <PointImage info={info} at={at} points={points ?? []} reference={reference} />
          <Largest points={points ?? []} />
        </div>
        <div class="surfaces">
          {(pictured || axis.length <= MANY) && (
            <>
              <h3>
                Queries<span data-unprinted>: choose one</span>
              </h3>
              <Surface
                axis={axis}
                values={null}
                max={1}
                marked={at.query}
                label="Queries"
                onHover={look}
                onPick={pin}
                signed={false}
              />
            </>
          )}
        </div>
      </div>
    </section>
  );
}

function Which({ store, info, at }: { store: Store; info: SamplingInfo; at: Sampled }) {
  const [batches, queries, heads] = info.shape;
  const go = (change: Partial<Sampled>) => store.sample({ ...at, ...change });
  return (
    <div class="bar controls">
      <label>
        Layer
        <select value={at.sampling} onChange={(event) => go({ sampling: Number(event.currentTarget.value) })}>
          {store.manifest.samplings.map((one) => (
            <option key={one.id} value={one.id}>
              {whence(one, null)}
            </option>
          ))}
        </select>
      </label>
      <label>
        Head
        <select
          value={at.head ?? "all"}
          onChange={(event) => {
            const { value } = event.currentTarget;
            go({ head: value === "all" ? null : Number(value) });
          }}
        >
          <option value="all">all {heads}</option>
          {Array.from({ length: heads }, (_, head) => (
            <option key={head} value={head}>
              {head}
            </option>
          ))}
        </select>
      </label>
      <Whole label="Query" count={queries} value={at.query} take={(query) => go({ query })} />
      {batches > 1 && (
        <Whole label="Row of the batch" count={batches} value={at.batch} take={(batch) => go({ batch })} />
      )}
      <button type="button" aria-pressed={store.pinned.value} title="p" onClick={() => store.pinQuery()}>
        {store.pinned.value ? "pinned" : "pin"}
      </button>
    </div>
  );
}

function Largest({ points }: { points: Point[] }) {
  return (
    <table class="top">
      <caption>Largest weights</caption>
      <thead>
        <tr>
          <th scope="col">point</th>
          <th scope="col">x</th>
          <th scope="col">y</th>
          <th scope="col">weight</th>
        </tr>
      </thead>
      <tbody>
        {points
          .slice(-LISTED)
          .reverse()
          .map((one) => (
            <tr key={pointName(one)}>
              <th scope="row">{pointName(one)}</th>
              <td>{minused(one.x.toFixed(3))}</td>
              <td>{minused(one.y.toFixed(3))}</td>
              <td>{printed(one.weight)}</td>
            </tr>
          ))}
      </tbody>
    </table>
  );
}

/** What names a call, and which head and row of the batch of it are looked at. */
function whence(info: SamplingInfo, at: Sampled | null): string {
  const [batches, , heads] = info.shape;
  const id = at && info.ids ? `, “${info.ids[at.batch]}”` : "";
  return [
    info.path || "model",
    ...(info.item !== null ? [`item ${info.item}`] : []),
    ...(info.call > 0 ? [`call ${info.call}`] : []),
    ...(at ? [at.head === null ? `all ${heads} heads` : `head ${at.head} of ${heads}`] : []),
    ...(at && batches > 1 ? [`row ${at.batch} of the batch${id}`] : []),
  ].join(" · ");
}

function said(points: Point[] | null): string[] {
  if (!points) return [];
  const sum = (of: Point[]) => printed(of.reduce((total, { weight }) => total + weight, 0));
  const inside = points.filter(isInside);
  const beyond = points.filter((one) => !isInside(one));
  return [
    `${points.length} points, of weight ${sum(points)}`,
    ...(beyond.length ? [`${beyond.length} beyond the image, of weight ${sum(beyond)}`] : []),
    `areas grow with weights, up to ${printed(inside.at(-1)?.weight ?? 0)}`,
    "the model's own array",
  ];
}
