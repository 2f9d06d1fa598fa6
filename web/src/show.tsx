/** Shows a run in an element. */

import { render } from "preact";
import { keepInAddress } from "./address";
import type { Reader } from "./data/reader";
import { Store } from "./state";
import { App } from "./views/app";

/** Show a run in an element; returns what takes it away again. `alone`: the page is its own, and so is its address. */
export function show(reader: Reader, el: HTMLElement, alone = false): () => void {
  const store = new Store(reader);
  const leave = alone ? keepInAddress(store) : () => {};
  el.classList.add("visualizer");
  render(<App store={store} />, el);
  return () => {
    leave();
    render(null, el);
    store.close();
  };
}
