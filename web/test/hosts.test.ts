import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readManifest } from "../src/hosts/host";
import { notebookHost, type WidgetModel } from "../src/hosts/notebook";
import { addressOf, serverHost } from "../src/hosts/server";

test("a manifest of another protocol is refused in a sentence", () => {
  expect(() => readManifest('{"protocol": 2}')).toThrow("this page reads protocol 1, but was given 2");
});

describe("a notebook", () => {
  type Listener = Parameters<WidgetModel["on"]>[1];
  const asking = () => {
    const sent: { id: string; kind: string }[] = [];
    const listeners = new Set<Listener>();
    const model: WidgetModel = {
      get: () => '{"protocol": 1, "served": true}',
      send: (content) => sent.push(content as { id: string; kind: string }),
      on: (_, listener) => listeners.add(listener),
      off: (_, listener) => listeners.delete(listener),
    };
    const answer: Listener = (content, buffers) => {
      for (const listener of [...listeners]) listener(content, buffers);
    };
    const notebook = notebookHost(model);
    const hello = sent.shift()!;
    return { ...notebook, hello, sent, answer, listeners };
  };

  test("greets the kernel, which is there when it answers that", async () => {
    const { hello, answer, answered } = asking();
    expect(hello.kind).toBe("hello");
    let there = false;
    void answered.then(() => {
      there = true;
    });
    answer({ id: "of another page" }, []);
    await Promise.resolve();
    expect(there).toBe(false);
    answer({ id: hello.id }, []);
    await answered;
    expect(there).toBe(true);
  });

  test("answers by id, in any order, with each kind of buffer", async () => {
    const { host, sent, answer } = asking();
    const both = ["a", "b"].map((name) => host.ask({ kind: "blob", name }));
    expect(sent.map(({ kind }) => kind)).toEqual(["blob", "blob"]);
    const told = { dtype: "u1", shape: [2] };
    const message = new Uint8Array([0, 1, 2, 3]).buffer;
    answer({ id: "of another page", ...told }, [new Uint8Array([9, 9])]);
    answer({ id: sent[1]!.id, ...told }, [new DataView(message, 2, 2)]);
    answer({ id: sent[0]!.id, ...told, sampled: 4 }, [new Uint8Array(message, 0, 2)]);
    const blobs = await Promise.all(both);
    expect(blobs.map((blob) => blob.sampled)).toEqual([4, null]);
    const bytes = blobs.map((blob) => Array.from(blob.bytes));
    expect(bytes).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  test("says what went wrong", async () => {
    const { host, sent, answer } = asking();
    const failed = host.ask({ kind: "blob", name: "a" });
    answer({ id: sent[0]!.id, error: "there is no array a" }, []);
    await expect(failed).rejects.toThrow("there is no array a");
  });

  test("is not waited for once that is aborted or the widget closed", async () => {
    const { host, sent, close, listeners } = asking();
    const stop = new AbortController();
    const aborted = host.ask({ kind: "blob", name: "a" }, stop.signal);
    stop.abort();
    await expect(aborted).rejects.toThrow("aborted");
    expect(sent[1]).toEqual({ id: sent[0]!.id, kind: "cancel" });
    const left = host.ask({ kind: "blob", name: "b" });
    close();
    await expect(left).rejects.toThrow("the widget was closed");
    expect(listeners.size).toBe(0);
  });
});

describe("a server", () => {
  let server: Server;
  let base: URL;

  beforeAll(async () => {
    server = createServer(({ url }, answer) => {
      if (url === "/token/manifest.json") answer.end('{"protocol": 1, "served": true}');
      else if (url === "/token/blob/0.0%2Fq") {
        answer.writeHead(200, { "X-Dtype": "u1", "X-Shape": "1,2" }).end(Buffer.from([5, 6]));
      } else if (url?.startsWith("/token/tile?")) {
        answer.writeHead(200, { "X-Dtype": "u1", "X-Shape": "1", "X-Sampled": "4" }).end(Buffer.from([7]));
      } else answer.writeHead(404).end("there is no such array");
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    base = new URL(`http://127.0.0.1:${(server.address() as { port: number }).port}/token/`);
  });
  afterAll(() => server.close());

  test("gives arrays", async () => {
    const host = await serverHost(base);
    expect(host.canServe).toBe(true);
    const blob = await host.ask({ kind: "blob", name: "0.0/q" });
    expect(blob).toEqual({ dtype: "u1", shape: [1, 2], bytes: new Uint8Array([5, 6]), sampled: null });
  });

  test("says of how many rows a cell is", async () => {
    const host = await serverHost(base);
    const at = { level: 0, row: 0, column: 0, how: "mean" as const };
    expect((await host.ask({ kind: "tile", map: 0, batch: 0, head: 0, ...at })).sampled).toBe(4);
  });

  test("says what went wrong", async () => {
    const host = await serverHost(base);
    await expect(host.ask({ kind: "blob", name: "none" })).rejects.toThrow("there is no such array");
  });

  test("is missed in a sentence, but not by who waits no longer", async () => {
    const gone = createServer((_, answer) => answer.end('{"protocol": 1, "served": true}'));
    await new Promise<void>((listening) => gone.listen(0, "127.0.0.1", listening));
    const { port } = gone.address() as { port: number };
    const host = await serverHost(new URL(`http://127.0.0.1:${port}/token/`));
    gone.closeAllConnections();
    await new Promise((closed) => gone.close(closed));
    const ask = (signal?: AbortSignal) => host.ask({ kind: "blob", name: "q" }, signal);
    await expect(ask()).rejects.toThrow("the server does not answer: it was stopped");
    await expect(ask(AbortSignal.abort("left"))).rejects.toBe("left");
  });

  test("is asked in the words of the protocol", () => {
    expect(addressOf({ kind: "rows", map: 1, batch: 0, head: 2, queries: [3, 4] })).toBe(
      "rows?map=1&batch=0&head=2&queries=3%2C4",
    );
    const tile = { level: 1, row: 2, column: 3, how: "max" as const };
    expect(addressOf({ kind: "tile", map: 1, batch: 0, head: 2, ...tile })).toBe(
      "tile?map=1&batch=0&head=2&level=1&row=2&column=3&how=max",
    );
  });
});
