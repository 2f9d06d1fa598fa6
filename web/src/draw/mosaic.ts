/** The part of a matrix that is looked at, drawn from tiles of the level that the screen can show. */

import { Kept } from "../data/kept";
import type { Reader } from "../data/reader";
import { SIDE } from "../data/tiles";
import type { MapInfo, Pooling } from "../protocol";
import { paintOn, scaleTo } from "./canvas";
import type { Spreading, Table } from "./colours";
import { folded, type Grain } from "./grain";
import type { Looked } from "./looked";

interface Tile {
  values: Float32Array;
  shape: [number, number];
  picture: HTMLCanvasElement;
  /** What the picture was painted with. */
  painted: string;
}

const BUDGET = 2 ** 27; // bytes of tiles and their pictures; those of the largest screen are less

export class Tiles {
  #tiles = new Kept<Tile>(BUDGET);
  #asked = new Set<string>(); // what failed stays here: it would be asked for, and fail, at every redraw
  #sampled = new Map<string, number>();
  #coming = 0;
  #stop = new AbortController();
  max = 0;
  /** Whether any weight that was read is a number; null: none was read. */
  numbers: boolean | null = null;
  trouble = "";

  constructor(
    readonly reader: Reader,
    readonly map: MapInfo,
    readonly batch: number,
    readonly head: number,
    /** Called when there is more to be drawn. */
    readonly came: () => void,
  ) {}

  /** Of how many rows, at least, the cells of a level are; null: of all. */
  sampled(level: number, how: Pooling): number | null {
    return this.#sampled.get(`${how} ${level}`) ?? null;
  }

  get waiting(): boolean {
    return this.#coming > 0;
  }

  close(): void {
    this.#stop.abort();
  }

  /** Draw what there is, and have what is missing read. */
  draw(
    context: CanvasRenderingContext2D,
    looked: Looked,
    size: [number, number],
    grain: Grain,
    how: Pooling,
    table: Table,
    spreading: Spreading,
  ): void {
    const cell = 2 ** grain.level;
    const side = SIDE * cell;
    context.imageSmoothingEnabled = false;
    for (let row = Math.floor(looked.top / side); row * side < looked.top + looked.rows; row++) {
      for (
        let column = Math.floor(looked.left / side);
        column * side < looked.left + looked.columns;
        column++
      ) {
        const tile = this.#tile(grain, row, column, how);
        if (!tile) continue;
        this.#paint(tile, table, spreading);
        const [h, w] = tile.shape;
        const [down, across] = [size[1] / looked.rows, size[0] / looked.columns];
        context.drawImage(
          tile.picture,
          (column * side - looked.left) * across,
          (row * side - looked.top) * down,
          w * grain.across * cell * across, // the last cells may go beyond the map, and what is drawn of it
          h * grain.down * cell * down,
        );
      }
    }
  }

  #paint(tile: Tile, table: Table, spreading: Spreading): void {
    const painted = `${spreading} ${this.max} ${table[0]} ${table[128]}`;
    if (tile.painted === painted) return;
    paintOn(tile.picture, tile.values, tile.shape, table, scaleTo(this.max, spreading, this.map.signed));
    tile.painted = painted;
  }

  #tile(grain: Grain, row: number, column: number, how: Pooling): Tile | null {
    const { level, down, across } = grain;
    const name = `${how} ${level} ${down} ${across} ${row} ${column}`;
    const found = this.#tiles.get(name);
    if (found || this.#asked.has(name)) return found ?? null;
    this.#asked.add(name);
    this.#coming++;
    this.reader.tile(this.map, this.batch, this.head, { level, row, column, how }, this.#stop.signal).then(
      ({ values: read, shape: sides, sampled }) => {
        const { values, shape } = folded(read, [sides[0]!, sides[1]!], grain, how);
        this.#coming--;
        this.#asked.delete(name);
        if (sampled)
          this.#sampled.set(`${how} ${level}`, Math.min(sampled, this.sampled(level, how) ?? sampled));
        for (const value of values) if (Math.abs(value) > this.max) this.max = Math.abs(value);
        this.numbers = this.numbers || values.some((value) => !Number.isNaN(value));
        const picture = document.createElement("canvas");
        const tile: Tile = { values, shape, picture, painted: "" };
        this.#tiles.set(name, tile, 2 * values.byteLength);
        this.came();
      },
      (error: Error) => {
        if (this.#stop.signal.aborted) return;
        this.#coming--;
        this.trouble = error.message;
        this.came();
      },
    );
    return null;
  }
}
