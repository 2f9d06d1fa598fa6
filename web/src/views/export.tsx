/** What is on screen as a file, or as the Python call that draws it. */

import { useEffect, useState } from "preact/hooks";
import { captionOf } from "../figure/caption";
import { asked, drawingsOf, pythonOf } from "../figure/python";
import { readFigure } from "../figure/reading";
import { copied, fileName, save } from "../figure/saving";
import { toPng, toSvg } from "../figure/writing";
import type { FigureAt } from "../protocol";
import type { Store } from "../state";
import { useStore } from "./context";
import { useClosing } from "./hooks";

export function Export() {
  const store = useStore();
  const box = useClosing();
  const [said, say] = useState("");
  const [code, show] = useState<string | null>(null);
  const drawings = drawingsOf(store);
  const now = pythonOf(store);
  useEffect(() => show(null), [now]);
  if (!drawings.length) return null;
  const act = (what: () => Promise<string>) => async () => {
    try {
      say(await what());
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
    }
  };
  const copy = async () => {
    const done = await copied(now);
    show(now);
    return done ? "copied" : "copy it from here";
  };
  return (
    <details class="export" ref={box}>
      <summary>Figure</summary>
      <div class="menu">
        <div class="bar">
          <button type="button" onClick={act(() => saveScreen(store, box.current!, "png"))}>
            PNG
          </button>
          <button type="button" onClick={act(() => saveScreen(store, box.current!, "svg"))}>
            SVG
          </button>
          {store.reader.host.canServe &&
            drawings.map((one) => (
              <button
                key={one.picture}
                type="button"
                title={`What plots.${one.picture} draws`}
                onClick={act(() => savePrint(store, one, "pdf"))}
              >
                PDF{drawings.length > 1 ? ` of the ${one.picture === "head" ? "matrix" : one.picture}` : ""}
              </button>
            ))}
          <button type="button" onClick={act(copy)}>
            Copy as Python
          </button>
          <output aria-live="polite">{said}</output>
        </div>
        {code !== null && (
          <textarea
            readOnly
            aria-label="The Python call"
            rows={code.split("\n").length}
            value={code}
            onFocus={(event) => event.currentTarget.select()}
          />
        )}
      </div>
    </details>
  );
}

function nameOf(store: Store, ending: string): string {
  const { head } = store.place.value;
  const view = store.view.value;
  const at = store.sampled.value;
  if (view === "points")
    return fileName(
      [view, store.manifest.samplings[at.sampling]?.path ?? "", at.head ?? "all", at.query],
      ending,
    );
  const byKey = view === "head" && store.direction.value === "column";
  const token = byKey ? `key ${store.key.value ?? 0}` : store.query.value;
  const which = view === "atlas" ? [] : [store.map.value?.path ?? "", head, token];
  return fileName([view, ...which], ending);
}

async function saveScreen(store: Store, near: HTMLElement, ending: "png" | "svg"): Promise<string> {
  const view = near.closest(".page")!.querySelector<HTMLElement>("#view, [data-view]")!;
  const figure = readFigure(view, captionOf(store, view));
  const file = ending === "png" ? await toPng(figure) : new Blob([toSvg(figure)], { type: "image/svg+xml" });
  const name = nameOf(store, ending);
  save(file, name);
  return `saved ${name}`;
}

type Print = ReturnType<typeof drawingsOf>[number];

async function savePrint(store: Store, drawing: Print, format: FigureAt["format"]): Promise<string> {
  const { bytes } = await store.reader.host.ask({ kind: "figure", ...asked(drawing, format) });
  const name = nameOf(store, format);
  save(new Blob([bytes as Uint8Array<ArrayBuffer>], { type: "application/pdf" }), name);
  return `saved ${name}`;
}
