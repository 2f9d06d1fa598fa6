import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Store } from "../state";

export const Context = createContext<Store | null>(null);

/** The store of the page that a view is in. */
export function useStore(): Store {
  const store = useContext(Context);
  if (!store) throw new Error("a view was drawn outside of a page");
  return store;
}
