/** What was used last, within a number of bytes. */
export class Kept<T> {
  #kept = new Map<string, { value: T; bytes: number }>(); // in the order of use, the oldest first
  #bytes = 0;

  /** `dropped` is told the name of each thing that has to go. */
  constructor(
    readonly budget: number,
    readonly dropped: (name: string) => void = () => {},
  ) {}

  get bytes(): number {
    return this.#bytes;
  }

  get(name: string): T | undefined {
    const found = this.#kept.get(name);
    if (!found) return undefined;
    this.#kept.delete(name);
    this.#kept.set(name, found);
    return found.value;
  }

  /** Keep one more thing; the newest stays even if it is larger than the budget. */
  set(name: string, value: T, bytes: number): void {
    this.#bytes += bytes - (this.#kept.get(name)?.bytes ?? 0);
    this.#kept.delete(name);
    this.#kept.set(name, { value, bytes });
    for (const [oldest, { bytes }] of this.#kept) {
      if (this.#bytes <= this.budget || oldest === name) break;
      this.#kept.delete(oldest);
      this.#bytes -= bytes;
      this.dropped(oldest);
    }
  }
}
