/** The page: its head, its views, and the keys that move through them. */

import type { ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type Store, type View, viewsOf } from "../state";
import { About } from "./about";
import { Atlas } from "./atlas";
import { Compare } from "./compare";
import { Context } from "./context";
import { Controls } from "./controls";
import { Export } from "./export";
import { Finder } from "./finder";
import { HeadView } from "./head";
import { Heads } from "./heads";
import { Help } from "./help";
import { leaveLists, onKey } from "./keys";
import { runNames } from "./naming";
import { Points } from "./points";
import { Saying } from "./saying";
import { Which } from "./which";

const TABS: Record<View, { name: string; view: ComponentType }> = {
  atlas: { name: "Atlas", view: Atlas },
  head: { name: "Head", view: HeadView },
  heads: { name: "All heads", view: Heads },
  finder: { name: "Finder", view: Finder },
  compare: { name: "Compare", view: Compare },
  about: { name: "About", view: About },
  points: { name: "Points", view: Points },
};

const WHICH: View[] = ["atlas", "head", "heads", "finder"]; // the others show several

export function App({ store }: { store: Store }) {
  const root = useRef<HTMLDivElement>(null);
  const { manifest } = store;
  const Current = TABS[store.view.value].view;
  useEffect(() => {
    const element = root.current;
    if (!element) return;
    const listen = (event: KeyboardEvent) => onKey(event, store);
    // alone on its page it has the keys wherever the focus is
    const where = element.closest("body > #visualizer") ? document : element;
    where.addEventListener("keydown", listen as EventListener);
    const stay = leaveLists(element);
    return () => {
      where.removeEventListener("keydown", listen as EventListener);
      stay();
    };
  }, [store]);
  return (
    <Context.Provider value={store}>
      <div class="page" ref={root}>
        <header>
          <h1 title={manifest.title}>{runNames(manifest.runs).join(" / ")}</h1>
          <Tabs store={store} />
          <div class="tools">
            <Export />
            <button
              type="button"
              class="keys"
              aria-label="Keys"
              title="Keys (?)"
              onClick={() => {
                store.help.value = true;
              }}
            >
              ?
            </button>
          </div>
          <div class="how">
            {WHICH.includes(store.view.value) && <Which />}
            <Controls />
          </div>
        </header>
        {manifest.omitted.length > 0 && (
          <ul class="omitted">
            {manifest.omitted.map((one) => (
              <li key={one}>{one}</li>
            ))}
          </ul>
        )}
        <main>
          <div id="view" role="tabpanel" aria-label={TABS[store.view.value].name}>
            <h2 class="unseen">{TABS[store.view.value].name}</h2>
            {manifest.maps.length || manifest.samplings.length ? (
              <Current />
            ) : (
              <p class="trouble">There is no attention map in this run.</p>
            )}
          </div>
        </main>
        <Saying />
        <Help />
      </div>
    </Context.Provider>
  );
}

function Tabs({ store }: { store: Store }) {
  const views = viewsOf(store.manifest);
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const tabs = list.current!;
    const tab = tabs.querySelector<HTMLElement>("[aria-selected=true]")!;
    tabs.scrollLeft = tab.offsetLeft + tab.offsetWidth / 2 - tabs.offsetLeft - tabs.offsetWidth / 2; // it may be wider than a phone
  }, [store.view.value]);
  const choose = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = views.indexOf(store.view.value);
    store.view.value = views[(at + step + views.length) % views.length]!;
    (event.currentTarget as HTMLElement).querySelectorAll("button")[views.indexOf(store.view.value)]?.focus();
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="tabs" ref={list} role="tablist" aria-label="Views" tabIndex={-1} onKeyDown={choose}>
      {views.map((view) => (
        <button
          key={view}
          type="button"
          role="tab"
          aria-selected={store.view.value === view}
          aria-controls="view"
          tabIndex={store.view.value === view ? 0 : -1}
          onClick={() => {
            store.view.value = view;
          }}
        >
          {TABS[view].name}
        </button>
      ))}
    </div>
  );
}
