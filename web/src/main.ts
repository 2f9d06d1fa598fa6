/** The page's entry: anywidget's pair for notebooks; files and servers have an element with the id "visualizer". */

import workerText from "worker:./data/worker_main.ts";
import { Engine, workerOf } from "./data/engine";
import { Reader } from "./data/reader";
import { carriesRun, fileHost } from "./hosts/file";
import type { Host } from "./hosts/host";
import { notebookHost, type WidgetModel } from "./hosts/notebook";
import { serverHost } from "./hosts/server";
import { showWhileSilent } from "./hosts/silence";
import { followTheme } from "./hosts/theme";
import { show } from "./show";

interface Widget {
  model: WidgetModel;
  el: HTMLElement;
}

/** Called once for each widget; nothing is to be prepared. */
export function initialize(_: { model: WidgetModel }): void {}

/** Show a widget's run in an element; returns what takes it away again. */
export function render({ model, el }: Widget): () => void {
  const { host, close, answered } = notebookHost(model);
  el.dataset["lmSuppressShortcuts"] = "true"; // or JupyterLab cuts the cell that "x" is pressed in
  const unfollow = followTheme(el);
  const leave = start(host, el);
  const end = showWhileSilent(el, String(model.get("picture") ?? ""), answered);
  return () => {
    end();
    leave();
    unfollow();
    close();
  };
}

/** Show the run that the document carries, else that of the server which it came from. */
export async function boot(el: HTMLElement): Promise<void> {
  try {
    const host = carriesRun(document) ? fileHost(document) : await serverHost(new URL(".", location.href));
    start(host, el, true);
  } catch (error) {
    el.textContent = error instanceof Error ? error.message : String(error);
    el.setAttribute("role", "alert");
  }
}

function start(host: Host, el: HTMLElement, alone = false): () => void {
  const engine = new Engine(() => workerOf(workerText));
  const leave = show(new Reader(host, engine), el, alone);
  return () => {
    leave();
    engine.close();
  };
}

// a notebook may have a heading of this name
const root = document.querySelector<HTMLElement>("body > div#visualizer");
if (root) void boot(root);

export default { initialize, render };
