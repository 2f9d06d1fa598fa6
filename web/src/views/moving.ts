/** What is looked at of a matrix, zoomed and moved: by wheel, by dragging, by keys. */

import { useEffect, useRef, useState } from "preact/hooks";
import { partsOf } from "../data/parts";
import { inside, type Looked, zoomed } from "../draw/looked";
import type { Store } from "../state";

const STILL = 3; // pixels that a click may move

/** What is looked at, and what moves it. */
export interface Moving {
  looked: Looked;
  whole: Looked;
  /** Look at so many times as many rows and columns; a place in them stays, in shares: the marked cell unless told. */
  zoom: (by: number, x?: number, y?: number) => void;
  showAll: () => void;
  grab: (event: PointerEvent) => void;
  /** Move what was grabbed; tells whether it is held. */
  drag: (event: PointerEvent, width: number, height: number) => boolean;
  /** Whether what was grabbed was moved: it was no click. */
  wasDragged: () => boolean;
}

/** Follow what is looked at of the store's map: all of it, or its part, until it is zoomed. */
export function useMoving(store: Store): Moving {
  const [, , queries, keys] = store.map.value!.shape;
  const part = store.part.value;
  const whole = { top: 0, left: 0, rows: queries, columns: keys };
  const [looked, look] = useState<Looked>(whole);
  const held = useRef<{ x: number; y: number; from: Looked; moved: boolean } | null>(null);
  useEffect(() => look(part ? partLooked(store, part, whole) : whole), [queries, keys, part]);
  return {
    looked,
    whole,
    zoom: (
      by,
      x = within(
        store.key.value ?? (queries === keys ? store.query.value : null),
        looked.left,
        looked.columns,
      ),
      y = within(store.query.value, looked.top, looked.rows),
    ) => look(zoomed(looked, by, x, y, queries, keys)),
    showAll: () => look(whole),
    grab: ({ clientX: x, clientY: y }) => {
      held.current = { x, y, from: looked, moved: false };
    },
    drag: ({ clientX, clientY, buttons }, width, height) => {
      if (!held.current || !buttons) return false;
      const { from } = held.current;
      const [right, down] = [clientX - held.current.x, clientY - held.current.y];
      held.current.moved ||= Math.abs(right) + Math.abs(down) > STILL;
      const left = from.left - (right / width) * from.columns;
      const top = from.top - (down / height) * from.rows;
      look(inside({ ...from, left, top }, queries, keys));
      return true;
    },
    wasDragged: () => held.current?.moved ?? false,
  };
}

/** Where a token is in what is looked at, as a share; the middle where it is not in it. */
function within(token: number | null, begin: number, count: number): number {
  const share = token === null ? 0.5 : (token + 0.5 - begin) / count;
  return share >= 0 && share <= 1 ? share : 0.5;
}

/** What is looked at of a part of the queries and one of the keys. */
function partLooked(store: Store, [from, to]: [number, number], whole: Looked): Looked {
  const [a, b] = [partsOf(store.queries.value)[from], partsOf(store.keys.value)[to]];
  if (!a || !b) return whole;
  return { top: a.begin, left: b.begin, rows: a.end - a.begin, columns: b.end - b.begin };
}
