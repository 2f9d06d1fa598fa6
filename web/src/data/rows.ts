/** Exact rows and columns of a head. */

import { costOfRow, type Head, weights } from "./heads";
import { each, type Steps } from "./steps";

/** Return rows (row, key), one for each query. */
export function* rowsOf(head: Head, queries: number[]): Steps {
  for (const query of queries) check("query", query, head.queries);
  const values = new Float32Array(queries.length * head.keys);
  const step = each(costOfRow(head));
  for (const [row, query] of queries.entries()) {
    if (row && row % step === 0) yield;
    weights(head, query, 0, head.keys, values, row * head.keys);
  }
  return { values, shape: [queries.length, head.keys] };
}

/** Return the weights (query) that all queries give to a key. */
export function* columnOf(head: Head, key: number): Steps {
  check("key", key, head.keys);
  const values = new Float32Array(head.queries);
  const step = each(costOfRow(head)); // that a row was read before is cheaper, and not counted on
  for (let query = 0; query < head.queries; query++) {
    if (query && query % step === 0) yield;
    weights(head, query, key, key + 1, values, query);
  }
  return { values, shape: [head.queries] };
}

/** Throw unless there is such a token. */
function check(side: string, token: number, count: number): void {
  if (!(Number.isInteger(token) && token >= 0 && token < count)) {
    throw new Error(`${side} ${token} was asked for, but there are ${count}, counted from 0`);
  }
}
