/** What made the runs, what was recorded, and what was left out. */

import { useMemo } from "preact/hooks";
import type { MapInfo, SamplingInfo } from "../protocol";
import { useStore } from "./context";
import { Path } from "./path";

type Listed = MapInfo | SamplingInfo;

const MOST = 500; // rows of the table of maps

export function About() {
  const { manifest } = useStore();
  const alike = useMemo(() => alikeOf([...manifest.maps, ...manifest.samplings]), [manifest]);
  const lacking = alike.some(({ map }) => headsSaid(map) !== "all");
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
            {alike.slice(0, MOST).map(({ map, count }) => (
              <tr key={`${map.run} ${map.path} ${map.call}`}>
                <th scope="row">{map.path || "model"}</th>
                <td>{count}</td>
                <td>{map.shape.join(" × ")}</td>
                <td>{map.how}</td>
                <td>{map.note}</td>
                {lacking && <td>{headsSaid(map)}</td>}
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
  if (map.rows.kind === "none") return "none";
  if (map.rows.kind !== "factors" && map.rows.kind !== "dense") return "all";
  const { heads } = map.rows;
  const here = heads.flatMap((head, place) => (head ? [place % map.shape[1]] : []));
  if (here.length === heads.length) return "all";
  return [...new Set(here)].sort((a, b) => a - b).join(", ") || "none";
}

/** Return one map of each module, shape, way to record and heads, and how many there are. */
function alikeOf(maps: Listed[]): { map: Listed; count: number }[] {
  const found = new Map<string, { map: Listed; count: number }>();
  for (const map of maps) {
    const name = JSON.stringify([map.run, map.path, map.shape, map.how, map.note, headsSaid(map)]);
    const one = found.get(name) ?? { map, count: 0 };
    one.count++;
    found.set(name, one);
  }
  return [...found.values()];
}
