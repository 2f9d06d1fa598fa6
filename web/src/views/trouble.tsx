import { useStore } from "./context";

/** Why a part of a head is not here, unless the strip above says so already. */
export function Trouble({ said }: { said: string | null }) {
  return said && said !== useStore().trouble.value ? <p class="trouble">{said}</p> : null;
}
