/** B − A, token by token: signed, so on a diverging scale around 0. */

import { useMemo } from "preact/hooks";
import type { Axis } from "../protocol";
import { printed, tokenName } from "./naming";

const MOST = 12;

export function Difference({ axis, a, b }: { axis: Axis; a: Float32Array; b: Float32Array }) {
  const order = useMemo(() => {
    const gaps = a.map((value, i) => (b[i] || 0) - (value || 0));
    return Array.from(gaps.keys())
      .sort((i, j) => Math.abs(gaps[j]!) - Math.abs(gaps[i]!))
      .slice(0, MOST)
      .map((token) => ({ token, gap: gaps[token]! }));
  }, [a, b]);
  const most = Math.max(...order.map(({ gap }) => Math.abs(gap)), Number.MIN_VALUE);
  return (
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
                  width: `${(50 * Math.abs(gap)) / most}%`,
                  marginLeft: gap < 0 ? `${50 - (50 * -gap) / most}%` : "50%",
                }}
              />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
