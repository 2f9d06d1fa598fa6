/** The part of a matrix that is looked at. */

/** Which queries and keys are looked at. */
export interface Looked {
  top: number;
  left: number;
  rows: number;
  columns: number;
}

/** Return what is looked at with so many times as many rows and columns; a place in it, in shares, stays. */
export function zoomed(
  looked: Looked,
  by: number,
  x: number,
  y: number,
  queries: number,
  keys: number,
): Looked {
  const rows = Math.min(queries, Math.max(Math.min(8, queries), looked.rows * by));
  const columns = Math.min(keys, Math.max(Math.min(8, keys), looked.columns * by));
  const top = looked.top + y * (looked.rows - rows);
  const left = looked.left + x * (looked.columns - columns);
  return inside({ top, left, rows, columns }, queries, keys);
}

/** Return what is looked at moved into the map. */
export function inside(looked: Looked, queries: number, keys: number): Looked {
  const top = Math.max(0, Math.min(queries - looked.rows, looked.top));
  const left = Math.max(0, Math.min(keys - looked.columns, looked.left));
  return { ...looked, top, left };
}
