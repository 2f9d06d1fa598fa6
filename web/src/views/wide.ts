import { useEffect, useState } from "preact/hooks";

const WIDE = "(min-width: 861px)"; // the style sheet has the same

/** Whether the page is wider than a phone. */
export function useWide(): boolean {
  const [wide, setWide] = useState(() => matchMedia(WIDE).matches);
  useEffect(() => {
    const query = matchMedia(WIDE);
    const listen = () => setWide(query.matches);
    query.addEventListener("change", listen);
    return () => query.removeEventListener("change", listen);
  }, []);
  return wide;
}
