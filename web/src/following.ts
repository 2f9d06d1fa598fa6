/** The row, or column, of what is looked at: read when that changes, and let go of when it is another's. */

import { effect } from "@preact/signals";
import type { Place, Row, Store, View } from "./state";

/** Views of the row of one query. */
export const VIEWS_OF_ROWS: View[] = ["head", "heads", "compare"];
const SOON = 150; // milliseconds that the row of another head may stay, under its own name

/** Keep the store's row that of what is looked at; returns what ends it. */
export function follow(store: Store): () => void {
  const leaving = new Leaving(store);
  let stop = new AbortController();
  const end = effect(() => {
    const { value: place } = store.place;
    const { value: direction } = store.direction;
    stop.abort();
    leaving.other(place, direction);
    const reading = VIEWS_OF_ROWS.includes(store.view.value) ? readingOf(store) : null;
    if (!reading) return;
    stop = new AbortController();
    const { signal } = stop;
    const settle = (row: Row | null, trouble: string | null) => {
      if (signal.aborted) return;
      leaving.show(row);
      store.trouble.value = trouble;
    };
    reading(signal).then(
      (row) => settle(row, null),
      (error: Error) => settle(null, error.message),
    );
  });
  return () => {
    stop.abort();
    leaving.stay();
    end();
  };
}

/** What reads the row or column that is looked at; null where there is no map. */
function readingOf(store: Store): ((signal: AbortSignal) => Promise<Row>) | null {
  const { reader } = store;
  const map = store.map.value;
  const place = store.place.value;
  const direction = store.direction.value;
  const token = direction === "row" ? store.query.value : (store.key.value ?? 0);
  if (!map) return null;
  const of = [map, place.batch, place.head, token] as const;
  return async (signal) => {
    const values =
      direction === "row" ? await reader.row(...of, signal) : (await reader.column(...of, signal)).values;
    return { place, token, direction, values };
  };
}

/** Lets go of a row that is not of what is looked at now. */
class Leaving {
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly store: Store) {}

  /** At once where its tokens are other ones, of another head unless the next comes soon: what is gone for a moment flickers. */
  other(place: Place, direction: Row["direction"]): void {
    const row = this.store.row.peek();
    const { map, batch, head } = row?.place ?? place;
    if (map !== place.map || batch !== place.batch || direction !== row?.direction) this.show(null);
    else if (head !== place.head) this.#timer ??= setTimeout(() => this.show(null), SOON);
    else this.stay();
  }

  stay(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  show(row: Row | null): void {
    this.stay();
    this.store.row.value = row;
  }
}
