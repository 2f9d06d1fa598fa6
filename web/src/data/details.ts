/** What of maps takes reading them: asked for when a map is looked at first, and put into its place in the manifest. */

import { type ReadonlySignal, signal } from "@preact/signals";
import type { Host } from "../hosts/host";
import type { MapInfo, Details as Told } from "../protocol";

const PAUSE = 5000; // milliseconds before what had no answer is asked for again

export class Details {
  #next = new Map<number, number>(); // when each map may be asked for
  #told = signal(0);
  #failed = signal<ReadonlySet<number>>(new Set());

  constructor(readonly host: Host) {}

  /** How many maps were told: what reads it notices when it changes. */
  get told(): ReadonlySignal<number> {
    return this.#told;
  }

  /** Maps of which nothing is known yet, as there was no answer; rows of them are asked for as before. */
  get failed(): ReadonlySignal<ReadonlySet<number>> {
    return this.#failed;
  }

  /** Ask for what is not known of a map, unless that is under way, or had no answer just now. */
  async ask(map: MapInfo): Promise<void> {
    if (map.rows.kind !== "later" || performance.now() < (this.#next.get(map.id) ?? 0)) return;
    this.#next.set(map.id, Number.POSITIVE_INFINITY);
    const told = await this.#read(map.id).catch(() => null);
    if (!told) {
      this.#next.set(map.id, performance.now() + PAUSE);
      this.#failed.value = new Set([...this.#failed.value, map.id]);
      return;
    }
    Object.assign(map, told);
    this.#told.value++;
  }

  async #read(map: number): Promise<Told> {
    const { bytes } = await this.host.ask({ kind: "details", map });
    return JSON.parse(new TextDecoder().decode(bytes)) as Told;
  }
}
