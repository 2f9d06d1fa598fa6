/** The keys, on `?`. */

import { useEffect, useRef } from "preact/hooks";
import { useStore } from "./context";
import { KEYS } from "./keys";

const ARROWS: Record<string, string> = { ArrowDown: "↓", ArrowUp: "↑", ArrowRight: "→", ArrowLeft: "←" };

/** What keys do that are not the page's, but of what has the focus. */
const OF_PARTS = [
  { keys: ["+", "-", "0"], does: "in the matrix: zoom in, zoom out, whole map" },
  { keys: ["←", "→", "Enter"], does: "in a text or an image: go on, pin" },
];

export function Help() {
  const store = useStore();
  const box = useRef<HTMLDialogElement>(null);
  const open = store.help.value;
  useEffect(() => {
    if (open) box.current?.showModal();
    else box.current?.close();
  }, [open]);
  const close = () => {
    store.help.value = false;
  };
  return (
    <dialog ref={box} aria-label="Keys" onClose={close}>
      <h2>Keys</h2>
      <dl>
        {[...KEYS, ...OF_PARTS].map(({ keys, does }) => (
          <div key={does}>
            <dt>
              {keys.map((one) => (
                <kbd key={one}>{ARROWS[one] ?? one}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <button type="button" onClick={close}>
        Close
      </button>
    </dialog>
  );
}
