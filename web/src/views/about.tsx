/** What made the runs, what was recorded, and what was left out. */

import { useMemo } from "preact/hooks";
import { whyAbsent } from "../data/absent";
import type { MapInfo, SamplingInfo } from "../protocol";
import { useStore } from "./context";
import { Path } from "./path";

type Listed = MapInfo | SamplingInfo;

const MOST = 500; // rows of the table of maps

export function About() {
  const { manifest } = useStore();
  const alike = useMemo(() => alikeOf([...manifest.maps, ...manifest.samplings]), [manifest]);
  const lacking = alike.some(({ heads }) => heads !== "all");
  return (
    <section class="about">
      {manifest.runs.map((run) => (
        <article key={run.name}>
          <h2>
            <Path path={run.name} />
          </h2>
          <p>{run.checks || "No call was compared with the model's own output."}</p>
          <table>
            <tbody>
              {run.facts.map(([name, value]) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{value}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </article>
      ))}
      {manifest.remarks.length > 0 && (
        <ul>
          {manifest.remarks.map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ul>
      )}
      <div class="scroll">
        <table>
          <caption>Maps</caption>
          <thead>
            <tr>
              <th scope="col">module</th>
              <th scope="col">calls</th>
              <th scope="col">shape</th>
              <th scope="col">recorded from</th>
              <th scope="col">note</th>
              {lacking && <th scope="col">heads whose rows are here</th>}
            </tr>
          </thead>
          <tbody>
            {alike.slice(0, MOST).map(({ map, count, heads }) => (
              <tr key={`${map.run} ${map.path} ${map.call}`}>
                <th scope="row">{map.path || "model"}</th>
                <td>{count}</td>
                <td>{map.shape.join(" × ")}</td>
                <td>{map.how}</td>
                <td>{map.note}</td>
                {lacking && <td>{heads}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {alike.length > MOST && <p class="strip">{alike.length - MOST} more are not listed.</p>}
    </section>
  );
}

/** Return which heads of a map can be looked at row by row, in any row of the batch. */
function headsSaid(map: Listed): string {
  if (!("rows" in map)) return "all";
  const [batches, heads] = map.shape;
  const places = Array.from({ length: batches * heads }, (_, place) => place);
  const here = places.filter((place) => !whyAbsent(map, Math.floor(place / heads), place % heads));
  if (here.length === places.length) return "all";
  return [...new Set(here.map((place) => place % heads))].sort((a, b) => a - b).join(", ") || "none";
}

/** Return one map of each module, shape, way to record and heads, and how many there are. */
function alikeOf(maps: Listed[]): { map: Listed; count: number; heads: string }[] {
  const found = new Map<string, { map: Listed; count: number; heads: string }>();
  for (const map of maps) {
    const heads = headsSaid(map);
    const name = JSON.stringify([map.run, map.path, map.shape, map.how, map.note, heads]);
    const one = found.get(name) ?? { map, count: 0, heads };
    one.count++;
    found.set(name, one);
  }
  return [...found.values()];
}
