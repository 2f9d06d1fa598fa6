/** What made the runs, what was recorded, and what was left out. */

import { useStore } from "./context";
import { Path } from "./path";

export function About() {
  const { manifest } = useStore();
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
              <th scope="col">shape</th>
              <th scope="col">recorded from</th>
              <th scope="col">note</th>
            </tr>
          </thead>
          <tbody>
            {manifest.maps.map((map) => (
              <tr key={map.id}>
                <th scope="row">
                  <Path path={map.path || "model"} />
                </th>
                <td>{map.shape.join(" × ")}</td>
                <td>{map.how}</td>
                <td>{map.note}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
