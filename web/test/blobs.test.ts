import { expect, test } from "vitest";
import { decoded } from "../src/data/arrays";
import { Blobs } from "../src/data/blobs";
import type { Host } from "../src/hosts/host";
import type { Blob_, BlobRef, Manifest, Request } from "../src/protocol";

/** A host that answers when it is told to. */
function slowHost() {
  const asked: {
    name: string;
    answer: (blob: Blob_) => void;
    fail: (error: Error) => void;
    signal: AbortSignal;
  }[] = [];
  const ask = (request: Request, signal?: AbortSignal) =>
    new Promise<Blob_>((answer, fail) => {
      asked.push({ name: request.kind === "blob" ? request.name : "", answer, fail, signal: signal! });
    });
  const host: Host = { manifest: {} as Manifest, kind: "server", canServe: false, ask };
  return { host, asked };
}

const ref = (name: string): BlobRef => ({ name, dtype: "f4", shape: [2] });
const blob: Blob_ = { dtype: "f4", shape: [2], bytes: new Uint8Array(new Float32Array([1.5, -2]).buffer) };

test("an array is asked for once, however many want it", async () => {
  const { host, asked } = slowHost();
  const blobs = new Blobs(host);
  const both = [blobs.get(ref("a")), blobs.get(ref("a"))];
  asked[0]!.answer(blob);
  for (const one of await Promise.all(both)) expect(Array.from(one.values)).toEqual([1.5, -2]);
  await blobs.get(ref("a"));
  expect(asked.length).toBe(1);
});

test("a question is given up when nobody waits any more, not before", async () => {
  const { host, asked } = slowHost();
  const blobs = new Blobs(host);
  const [first, second] = [new AbortController(), new AbortController()];
  const waiting = [first, second].map((one) =>
    blobs.get(ref("a"), one.signal).catch((error: Error) => error.name),
  );
  first.abort();
  expect(await waiting[0]).toBe("AbortError");
  expect(asked[0]!.signal.aborted).toBe(false);
  second.abort();
  expect(await waiting[1]).toBe("AbortError");
  expect(asked[0]!.signal.aborted).toBe(true);
});

test("what failed is asked for again", async () => {
  const { host, asked } = slowHost();
  const blobs = new Blobs(host);
  const failed = blobs.get(ref("a"));
  asked[0]!.fail(new Error("the server is gone"));
  await expect(failed).rejects.toThrow("the server is gone");
  const again = blobs.get(ref("a"));
  asked[1]!.answer(blob);
  expect((await again).shape).toEqual([2]);
});

test("arrays beyond the budget are asked for again", async () => {
  const { host, asked } = slowHost();
  const blobs = new Blobs(host, 10);
  for (const name of ["a", "b", "a"]) {
    const coming = blobs.get(ref(name));
    asked.at(-1)!.answer(blob);
    await coming;
  }
  expect(asked.map(({ name }) => name)).toEqual(["a", "b", "a"]);
});

test("whole numbers are times the scale of their column", () => {
  const bytes = new Uint8Array(new Int16Array([2, 3, -4, 5]).buffer);
  expect(Array.from(decoded({ dtype: "i2", shape: [2, 2], bytes }, [0.5, 2]).values)).toEqual([1, 6, -2, 10]);
});

test("bytes that begin in the middle of a message are read", () => {
  const message = new Uint8Array([9, ...blob.bytes, 9]);
  const { values } = decoded({ ...blob, bytes: message.subarray(1, 9) });
  expect(Array.from(values)).toEqual([1.5, -2]);
  expect(values.buffer.byteLength).toBe(8);
});

test("bytes that are missing are an error in a sentence", () => {
  const short = { ...blob, bytes: blob.bytes.subarray(0, 4) };
  expect(() => decoded(short)).toThrow("an array (2) of f4 was to be read, but 4 bytes came");
});
