/** One head: its matrix, and one query on everything that its tokens are. */

import { useMemo } from "preact/hooks";
import { whyAbsent } from "../data/absent";
import { leastOf } from "../data/shown";
import { type Spot, windowsOf } from "../data/windows";
import { useStore } from "./context";
import { Flow } from "./flow";
import { usePadding } from "./hooks";
import { Legend } from "./legend";
import { Matrix } from "./matrix";
import { printed, tokenName } from "./naming";
import { Overview } from "./overview";
import { Pins } from "./pins";
import { Scrubber } from "./scrubber";
import { Seek } from "./seek";
import { TruthStrip } from "./strip";
import { Surface } from "./surface";

export function HeadView() {
  const store = useStore();
  const place = store.place.value;
  return (
    <section class="head">
      <TruthStrip />
      {whyAbsent(store.map.value!, place.batch, place.head) ? <Overview place={place} /> : <Rows />}
    </section>
  );
}

function Rows() {
  const store = useStore();
  const shown = store.shown.value;
  const max = shown?.max ?? 0;
  const byRow = store.direction.value === "row";
  const oneAxis = store.queries.value === store.keys.value;
  const query = store.query.value;
  const choosing = byRow ? store.queries.value : store.keys.value;
  const { batch } = store.place.value;
  const map = store.map.value!;
  const windows = useMemo(
    () => windowsOf(store.manifest, map, byRow ? "queries" : "keys", batch),
    [map, byRow, batch],
  );
  const [queryPadding, keyPadding] = [usePadding("queries").tokens, usePadding("keys").tokens];
  const part = store.part.value;
  const shownAxis = byRow ? store.keys.value : store.queries.value;
  const shownPart = useMemo(() => store.partOf(shownAxis, store.direction.value), [part, shownAxis, byRow]);
  const go = (spot: Spot, picked: boolean) => {
    if (picked) store.go(spot, true);
    else if (!store.pinned.value) store.go(spot);
  };
  const pick = (token: number) => (byRow ? store.pin(token) : store.lookAtKey(token));
  const hover = (token: number) => (byRow ? store.hover(token) : store.hoverKey(token));
  return (
    <>
      <div class="columns">
        <Matrix />
        <div class="surfaces">
          <div class="bar">
            <span class="switch">
              {(["row", "column"] as const).map((way) => (
                <button
                  key={way}
                  type="button"
                  aria-pressed={store.direction.value === way}
                  onClick={() => store.turn(way)}
                  title={`The map's ${way}s (r)`}
                >
                  {way === "row" ? "what a query looks at" : "who looks at a key"}
                </button>
              ))}
            </span>
            <button
              type="button"
              aria-pressed={store.pinned.value}
              onClick={() => store.pin(query)}
              title="Stay at this query while the pointer moves (p)"
            >
              {store.pinned.value ? "pinned" : "pin"}
            </button>
            {byRow && (
              <button
                type="button"
                aria-pressed={store.kept.value.includes(query)}
                onClick={() => store.keep(query)}
                title="Keep this query below, beside up to five others"
              >
                keep below
              </button>
            )}
          </div>
          <Scrubber />
          <Seek axis={choosing} />
          {!oneAxis && (
            <>
              <h3>
                {byRow ? "Queries" : "Keys"}
                <span data-unprinted>: choose one</span>
              </h3>
              <Surface
                axis={choosing}
                values={null}
                max={1}
                marked={byRow ? query : store.key.value}
                label={byRow ? "Queries" : "Keys"}
                onHover={hover}
                onPick={pick}
                padding={byRow ? queryPadding : keyPadding}
                windows={windows}
                onGo={go}
              />
            </>
          )}
          <div class="bar">
            <h3>
              {byRow ? "Keys" : "Queries"}, by the weight they {byRow ? "get" : "give"}
            </h3>
            {!store.trouble.value && <Legend max={max} axis={shownAxis} />}
          </div>
          <Surface
            axis={shownAxis}
            values={shown?.values ?? null}
            max={max}
            least={leastOf(map, store.place.value)}
            marked={oneAxis && byRow ? query : oneAxis || byRow ? store.key.value : null}
            origin={oneAxis}
            label={byRow ? "Keys by weight" : "Queries by weight"}
            padding={byRow ? keyPadding : queryPadding}
            later={store.later.value}
            part={shownPart}
            {...(oneAxis ? { onHover: hover, onPick: pick, windows, onGo: go } : {})}
          />
          <Top />
          <Flow />
        </div>
      </div>
      <Pins />
    </>
  );
}

/** The largest weights in numbers. */
function Top() {
  const store = useStore();
  const row = store.row.value;
  const shown = store.shown.value;
  if (!row || !shown) return null;
  const axis = store.axisOf(row.place, row.direction === "row" ? "keys" : "queries");
  const order = Array.from(shown.values.keys())
    .filter((i) => Math.abs(shown.values[i]!) > 0)
    .sort((a, b) => Math.abs(shown.values[b]!) - Math.abs(shown.values[a]!))
    .slice(0, 8);
  if (!order.length) return null;
  return (
    <table class="top">
      <caption>Largest weights</caption>
      <tbody>
        {order.map((token) => (
          <tr key={token}>
            <th scope="row">{tokenName(axis, token)}</th>
            <td>{printed(shown.values[token]!, leastOf(store.map.value!, store.place.value))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
