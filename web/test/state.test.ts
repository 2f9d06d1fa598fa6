import { expect, test } from "vitest";
import { take, written } from "../src/address";
import { Engine } from "../src/data/engine";
import { Reader } from "../src/data/reader";
import { laterThan } from "../src/data/shown";
import type { Host } from "../src/hosts/host";
import type { Blob_, Manifest, MapInfo, Request } from "../src/protocol";
import { Store } from "../src/state";
import fixtures from "./fixtures/rows.json";

interface Case {
  manifest: Manifest;
  blobs: Record<string, { dtype: Blob_["dtype"]; shape: number[]; base64: string }>;
}

const severalRows = (map: MapInfo) => map.shape[0] > 1;

/** A page of a case, of several rows of the batch unless told; `hold` makes its host wait. */
function opened(like: (map: MapInfo) => boolean = severalRows) {
  const cases = Object.values(fixtures as unknown as Record<string, Case>);
  const { manifest, blobs } = cases.find((one) => like(one.manifest.maps[0]!))!;
  let open: Promise<void> = Promise.resolve();
  const ask = async (request: Request) => {
    await open;
    const { dtype, shape, base64 } = blobs[request.kind === "blob" ? request.name : ""]!;
    return { dtype, shape, bytes: Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)) };
  };
  const host: Host = { manifest, kind: "file", canServe: false, ask };
  const hold = () => {
    let go = () => {};
    open = new Promise((resolve) => (go = resolve));
    return go;
  };
  const store = new Store(new Reader(host, new Engine(null)));
  store.view.value = "head";
  return { store, hold };
}

test("a row of other tokens is not shown while the next is read, one of the same is", async () => {
  const { store, hold } = opened();
  await expect.poll(() => store.row.value?.token).toBe(0);
  store.query.value = 1;
  expect(store.row.value?.token).toBe(0);
  await expect.poll(() => store.row.value?.token).toBe(1);
  const go = hold();
  store.select({ map: 0, batch: 1, head: 0 });
  expect(store.row.value).toBe(null);
  go();
  await expect.poll(() => store.row.value?.place.batch).toBe(1);
  store.close();
});

test("a row of another head is shown for a moment alone, and goes where one comes back", async () => {
  const { store, hold } = opened();
  await expect.poll(() => store.row.value?.place.head).toBe(0);
  const go = hold();
  store.select({ map: 0, batch: 0, head: 1 });
  expect(store.row.value?.place.head).toBe(0);
  await expect.poll(() => store.row.value).toBe(null);
  go();
  await expect.poll(() => store.row.value?.place.head).toBe(1);
  hold();
  store.select({ map: 0, batch: 0, head: 0 });
  store.select({ map: 0, batch: 0, head: 1 });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(store.row.value?.place.head).toBe(1);
  store.close();
});

test("sinks are left out of rows, and weights of a column stay those of the map", async () => {
  const { store } = opened();
  store.sinksOff.value = true;
  await expect.poll(() => store.shown.value?.removed).toBeGreaterThan(0);
  store.turn("column");
  await expect.poll(() => store.row.value?.direction).toBe("column");
  expect(store.shown.value?.removed).toBe(0);
  expect(store.shown.value?.values).toEqual(store.row.value?.values);
  const values = Float32Array.of(0.5, 0.25, 0.25); // of a query that is kept beside
  const place = store.place.value;
  expect(store.look({ place, token: 1, direction: "row", values }).removed).toBe(0.5);
  store.close();
});

test("where the first query sees itself alone the last is looked at, until another is chosen", async () => {
  const { store } = opened((map) => laterThan(map, 0) === 1);
  const last = store.map.value!.shape[2] - 1;
  expect(store.query.value).toBe(last);
  await expect.poll(() => store.row.value?.token).toBe(last);
  expect(written(store)).not.toContain("query");
  store.query.value = 0;
  expect(written(store)).toContain("query=0");
  take(store, "view=head");
  expect(store.query.value).toBe(last);
  take(store, "view=head&query=0");
  expect(store.query.value).toBe(0);
  store.close();
});
