/** Rows, columns and tiles of maps, computed in the page where it can and asked for otherwise. */

import type { Host } from "../hosts/host";
import type { BlobRef, MapInfo, Request, TileAt } from "../protocol";
import { decoded, type Numbers, type Tensor } from "./arrays";
import { Blobs } from "./blobs";
import { Details } from "./details";
import { bytesOf, type Engine } from "./engine";
import type { Head } from "./heads";
import { Kept } from "./kept";
import { loadHead } from "./loading";
import { costOf, type Task } from "./tasks";

const TOO_MUCH = 2e9; // multiplications: a server is asked for what takes the page longer than a second or two

export class Reader {
  readonly blobs: Blobs;
  readonly details: Details;
  #heads = new Kept<Head>(2 ** 27); // with their denominators, where the page computes

  constructor(
    readonly host: Host,
    readonly engine: Engine,
  ) {
    this.blobs = new Blobs(host);
    this.details = new Details(host);
  }

  /** Return an array that the manifest names. */
  blob<T extends Numbers = Float32Array>(ref: BlobRef, signal?: AbortSignal): Promise<Tensor<T>> {
    return this.blobs.get<T>(ref, signal);
  }

  /** Return the weights (key) of one query. */
  async row(
    map: MapInfo,
    batch: number,
    head: number,
    query: number,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    return (await this.rows(map, batch, head, [query], signal)).values;
  }

  /** Return the weights (row, key) of queries. */
  rows(map: MapInfo, batch: number, head: number, queries: number[], signal?: AbortSignal): Promise<Tensor> {
    return this.#run(map, batch, head, { kind: "rows", queries }, signal);
  }

  /** Return the weights (query) that a key is given. */
  column(map: MapInfo, batch: number, head: number, key: number, signal?: AbortSignal): Promise<Tensor> {
    return this.#run(map, batch, head, { kind: "column", key }, signal);
  }

  /** Return pooled weights (cell, cell). */
  tile(map: MapInfo, batch: number, head: number, at: TileAt, signal?: AbortSignal): Promise<Tensor> {
    return this.#run(map, batch, head, { kind: "tile", ...at }, signal);
  }

  async #run(map: MapInfo, batch: number, head: number, task: Task, signal?: AbortSignal): Promise<Tensor> {
    void this.details.ask(map);
    const name = `${map.id}.${batch}.${head}`;
    if (this.#asksFor(map, task)) return this.#ask({ ...task, map: map.id, batch, head }, signal);
    const known = this.#heads.get(name);
    if (!known && this.host.canServe && task.kind !== "tile") {
      this.#load(name, map, batch, head).catch(() => {}); // for the next, which need not wait for it
      return this.#ask({ ...task, map: map.id, batch, head }, signal);
    }
    const loaded = known ?? (await this.#load(name, map, batch, head, signal));
    return this.engine.run(name, loaded, task, signal);
  }

  async #ask(request: Request, signal?: AbortSignal): Promise<Tensor> {
    const answer = await this.host.ask(request, signal);
    return { ...(decoded(answer) as Tensor), sampled: answer.sampled ?? null };
  }

  async #load(name: string, map: MapInfo, batch: number, head: number, signal?: AbortSignal): Promise<Head> {
    const loaded = await loadHead(this.blobs, map, batch, head, signal);
    this.#heads.set(name, loaded, bytesOf(loaded));
    return loaded;
  }

  #asksFor({ rows, shape }: MapInfo, task: Task): boolean {
    if (rows.kind === "served" || rows.kind === "later") return true;
    if (rows.kind !== "factors" || !this.host.canServe) return false;
    const depth = rows.heads.find((one) => one)?.q.shape[1] ?? 1;
    return costOf(task, shape[2], shape[3], depth) > TOO_MUCH;
  }
}
