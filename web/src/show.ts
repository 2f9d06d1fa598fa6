/** What the page shows of a run. */

import type { Reader } from "./data/reader";

/** Show a run in an element; returns what takes it away again. */
export function show(reader: Reader, el: HTMLElement): () => void {
  const { title, maps } = reader.host.manifest;
  el.classList.add("visualizer");
  const add = (tag: string, text: string) => {
    const made = document.createElement(tag);
    made.textContent = text;
    el.append(made);
    return made;
  };
  add("h1", title);
  add("p", `${maps.length} maps`);
  const row = add("output", "");
  const [first] = maps;
  if (first) {
    reader.row(first, 0, 0, 0).then(
      (weights) => row.append(Array.from(weights).join(" ")),
      (error: Error) => row.append(error.message),
    );
  }
  return () => el.replaceChildren();
}
