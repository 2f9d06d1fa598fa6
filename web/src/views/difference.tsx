/** B − A, token by token: signed, so on a diverging scale around 0. */

import { useMemo } from "preact/hooks";
import type { Axis } from "../protocol";
import { Legend } from "./legend";
import { printed, tokenName } from "./naming";
import { Surface } from "./surface";

const MOST = 12;

interface DifferenceProps {
  axis: Axis;
  a: Float32Array;
  b: Float32Array;
  /** The size of a weight below which it has no digits. */
  least: number;
  marked: number | null;
}

export function Difference({ axis, a, b, least, marked }: DifferenceProps) {
  const gaps = useMemo(() => a.map((value, i) => b[i]! - value), [a, b]); // NaN where one is left out
  const order = useMemo(
    () =>
      Array.from(gaps.keys())
        .filter((i) => Math.abs(gaps[i]!) > least)
        .sort((i, j) => Math.abs(gaps[j]!) - Math.abs(gaps[i]!))
        .slice(0, MOST)
        .map((token) => ({ token, gap: gaps[token]! })),
    [gaps, least],
  );
  const most = Math.max(0, ...order.map(({ gap }) => Math.abs(gap)));
  const half = (gap: number) => (most ? (50 * Math.abs(gap)) / most : 0);
  return (
    <section class="difference-surface columns" aria-label="Difference">
      <div>
        <div class="bar">
          <h3>B − A</h3>
          <Legend max={most} signed axis={axis} />
        </div>
        <Surface
          axis={axis}
          values={gaps}
          max={most}
          least={least}
          marked={marked}
          label="Difference"
          signed
        />
      </div>
      {order.length > 0 && (
        <table class="difference">
          <caption>
            Largest differences, B − A; bars from −{printed(most)} to {printed(most)}
          </caption>
          <tbody>
            {order.map(({ token, gap }) => (
              <tr key={token}>
                <th scope="row">{tokenName(axis, token)}</th>
                <td>{`${gap > 0 ? "+" : ""}${printed(gap)}`}</td>
                <td class="bars">
                  <span
                    class={gap < 0 ? "less" : "more"}
                    style={{
                      width: `${half(gap)}%`,
                      marginLeft: gap < 0 ? `${50 - half(gap)}%` : "50%",
                    }}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
