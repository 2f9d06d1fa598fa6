/** Exact rows and columns of a head. */

import type { Tensor } from "./arrays";
import { type Head, weights } from "./heads";

/** Return rows (row, key), one for each query. */
export function rowsOf(head: Head, queries: number[]): Tensor {
  const values = new Float32Array(queries.length * head.keys);
  queries.forEach((query, row) => {
    check("query", query, head.queries);
    weights(head, query, 0, head.keys, values, row * head.keys);
  });
  return { values, shape: [queries.length, head.keys] };
}

/** Return the weights (query) that all queries give to a key. */
export function columnOf(head: Head, key: number): Tensor {
  check("key", key, head.keys);
  const values = new Float32Array(head.queries);
  for (let query = 0; query < head.queries; query++) weights(head, query, key, key + 1, values, query);
  return { values, shape: [head.queries] };
}

/** Throw unless there is such a token. */
function check(side: string, token: number, count: number): void {
  if (!(Number.isInteger(token) && token >= 0 && token < count)) {
    throw new Error(`${side} ${token} was asked for, but there are ${count}, counted from 0`);
  }
}
