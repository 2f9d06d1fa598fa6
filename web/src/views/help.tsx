/** The keys, on `?`. */

import { useEffect, useRef } from "preact/hooks";
import { useStore } from "./context";
import { KEYS } from "./keys";

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
        {KEYS.map(({ keys, does }) => (
          <div key={does}>
            <dt>
              {keys.map((one) => (
                <kbd key={one}>{one.replace("Arrow", "")}</kbd>
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
