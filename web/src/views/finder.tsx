/** Which heads do what: a table of metrics that sorts, filters, and marks heads in the atlas. */

import { useMemo } from "preact/hooks";
import { blockOf } from "../data/modules";
import { placed } from "../state";
import { Blocks } from "./blocks";
import { useStore } from "./context";
import { type Finding, type Measured, useFinding } from "./finding";
import { printed, rowWords, shortPaths } from "./naming";

const MOST = 400; // rows that are shown
const NOTHING = 1e-6; // what is less is left from rounding

export function Finder() {
  const store = useStore();
  const finding = useFinding(store);
  const { all, found } = finding;
  if (finding.trouble) return <p class="trouble">{finding.trouble}</p>;
  return (
    <section class="finder">
      <div class="bar">
        <Bound finding={finding} />
        <button
          type="button"
          aria-pressed={store.marked.value}
          disabled={!store.marked.value && found.length === all.length}
          title="In the atlas the others are pale"
          onClick={() => {
            store.marked.value = !store.marked.value;
          }}
        >
          {store.marked.value ? "show all in the atlas" : "mark these in the atlas"}
        </button>
        <span>
          {found.length} of {all.length} heads
        </span>
      </div>
      <Blocks />
      <div class="scroll">
        <table>
          <Columns finding={finding} />
          <Heads found={found.slice(0, MOST)} there={finding.there} />
        </table>
      </div>
      {found.length > MOST && (
        <p class="strip">
          The first {MOST} are listed; {finding.rising ? "at most" : "at least"} some {nameOf(store, finding)}{" "}
          leaves fewer.
        </p>
      )}
    </section>
  );
}

function nameOf(store: ReturnType<typeof useStore>, { column }: Finding): string {
  return store.manifest.measures[column]?.name.replaceAll("_", " ") ?? "";
}

/** What heads have at least or, where the least come first, at most. */
function Bound({ finding }: { finding: Finding }) {
  const store = useStore();
  const name = nameOf(store, finding);
  return (
    <label>
      {name} at {finding.rising ? "most" : "least"}{" "}
      <input
        type="number"
        step="any"
        value={store.bound.value}
        aria-label={`${finding.rising ? "Most" : "Least"} ${name}`}
        onInput={(event) => {
          store.bound.value = event.currentTarget.value;
        }}
      />
    </label>
  );
}

function Columns({ finding: { there, column, rising } }: { finding: Finding }) {
  const store = useStore();
  return (
    <thead>
      <tr>
        <th scope="col">head</th>
        {store.manifest.measures.map((one, i) =>
          there[i] ? (
            <th
              key={one.name}
              scope="col"
              title={one.about}
              aria-sort={column === i ? (rising ? "ascending" : "descending") : "none"}
            >
              <button
                type="button"
                onClick={() => {
                  store.sort.value = { measure: one.name, rising: column === i && !rising };
                }}
              >
                {one.name.replaceAll("_", " ")} <small>{one.unit}</small>
              </button>
            </th>
          ) : null,
        )}
      </tr>
    </thead>
  );
}

function Heads({ found, there }: { found: Measured[]; there: boolean[] }) {
  const store = useStore();
  const { maps, measures } = store.manifest;
  const here = store.place.value.map;
  const names = useMemo(() => {
    const shown = blockOf(maps, here).maps;
    const short = shortPaths(shown.map((one) => one.path));
    return new Map(shown.map((one, i) => [one.id, short[i]!]));
  }, [here]);
  return (
    <tbody>
      {found.map(({ place, values }) => (
        <tr key={placed(place)}>
          <th scope="row">
            <button
              type="button"
              onClick={() => {
                store.select(place);
                store.view.value = "head";
              }}
            >
              {[
                names.get(place.map),
                `head ${place.head}`,
                ...rowWords(maps[place.map]!, place.batch, store.axisOf(place, "queries")),
              ].join(" · ")}
            </button>
          </th>
          {measures.map((one, i) => (there[i] ? <td key={one.name}>{measuredWords(values[i]!)}</td> : null))}
        </tr>
      ))}
    </tbody>
  );
}

function measuredWords(value: number): string {
  return value !== 0 && Math.abs(value) < NOTHING ? "≈ 0" : printed(value);
}
