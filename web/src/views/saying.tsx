/** For screen readers: which head and query are looked at, once they stay so. */

import { useEffect, useState } from "preact/hooks";
import { useStore } from "./context";
import { placeName, printed, tokenName } from "./naming";

const STILL = 400; // milliseconds

export function Saying() {
  const store = useStore();
  const [said, say] = useState("");
  const now = wordsOf(store);
  useEffect(() => {
    const wait = setTimeout(() => say(now), STILL);
    return () => clearTimeout(wait);
  }, [now]);
  return (
    <p class="unseen" role="status" aria-live="polite" data-said>
      {said}
    </p>
  );
}

function wordsOf(store: ReturnType<typeof useStore>): string {
  const map = store.map.value;
  const row = store.row.value;
  if (!map || !row) return "";
  const [side, other] =
    row.direction === "row" ? (["queries", "keys"] as const) : (["keys", "queries"] as const);
  const most = row.values.reduce((top, value, i) => (value > (row.values[top] ?? 0) ? i : top), 0);
  const at = side === "queries" ? map.places?.[row.token] : row.token;
  const token = tokenName(store.axisOf(row.place, side), row.token, at);
  const to = tokenName(store.axisOf(row.place, other), most, other === "queries" ? map.places?.[most] : most);
  const looks = row.direction === "row" ? "looks most at" : "is looked at most by";
  return `${placeName(map, row.place, store.axisOf(row.place, "queries"))}: ${token} ${looks} ${to}, ${printed(row.values[most] ?? 0)}`;
}
