/** What of maps takes reading them: asked for when a map is looked at first, and put into its place in the manifest. */

import { type ReadonlySignal, signal } from "@preact/signals";
import type { Host } from "../hosts/host";
import type { MapInfo, Details as Told } from "../protocol";

export class Details {
  #asked = new Set<number>();
  #told = signal(0);

  constructor(readonly host: Host) {}

  /** How many maps were told: what reads it notices when it changes. */
  get told(): ReadonlySignal<number> {
    return this.#told;
  }

  /** Ask for what is not known of a map; where there is no answer, rows are asked for as before. */
  async ask(map: MapInfo): Promise<void> {
    if (map.rows.kind !== "later" || this.#asked.has(map.id)) return;
    this.#asked.add(map.id);
    const answer = await this.host.ask({ kind: "details", map: map.id }).catch(() => null);
    if (!answer) return;
    Object.assign(map, JSON.parse(new TextDecoder().decode(answer.bytes)) as Told);
    this.#told.value++;
  }
}
