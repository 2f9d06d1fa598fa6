import { expect, test } from "vitest";
import { Engine, type WorkerLike } from "../src/data/engine";
import type { FactoredHead, FormedHead } from "../src/data/heads";
import { type FromWorker, serve, type ToWorker } from "../src/data/worker";

const head: FormedHead = {
  kind: "dense",
  queries: 2,
  keys: 2,
  weights: new Float32Array([0.25, 0.75, 0.5, 0.5]),
  listed: null,
};
const row = { kind: "rows" as const, queries: [0] };

/** The worker's own code behind a pair of ports, as between two threads: what is sent is a copy. */
function inAnotherPlace() {
  const { port1, port2 } = new MessageChannel();
  const heard: ToWorker["kind"][] = [];
  const worker = { onmessage: null, onerror: null } as unknown as WorkerLike;
  worker.postMessage = (message) => {
    heard.push(message.kind);
    port1.postMessage(message);
  };
  worker.terminate = () => port1.close();
  port1.onmessage = ({ data }: { data: FromWorker }) => worker.onmessage?.({ data });
  serve(port2 as unknown as Parameters<typeof serve>[0]);
  return { worker, heard };
}

test("a worker is sent a head once and answers each task", async () => {
  const { worker, heard } = inAnotherPlace();
  const engine = new Engine(() => worker);
  const [first, second] = await Promise.all([
    engine.run("a", head, row),
    engine.run("a", head, { kind: "column", key: 1 }),
  ]);
  expect([Array.from(first.values), Array.from(second.values)]).toEqual([
    [0.25, 0.75],
    [0.75, 0.5],
  ]);
  expect(heard).toEqual(["hold", "task", "task"]);
  engine.close();
});

test("a head that had to go while its task waited is still answered, and sent again later", async () => {
  const { worker, heard } = inAnotherPlace();
  const engine = new Engine(() => worker, 20);
  const answers = await Promise.all([engine.run("a", head, row), engine.run("b", head, row)]);
  expect(answers.map(({ values }) => values[1])).toEqual([0.75, 0.75]);
  await engine.run("a", head, row);
  expect(heard).toEqual(["hold", "task", "hold", "drop", "task", "hold", "drop", "task"]);
  engine.close();
});

/** What a worker answers to messages, the ready among them; it goes on when it is told to. */
function stepping() {
  const heard: number[] = [];
  const port = {
    onmessage: null as ((event: { data: ToWorker }) => void) | null,
    postMessage: (message: FromWorker) => heard.push("id" in message ? message.id : -1),
  };
  let next: (() => void) | null = null;
  serve(port, (then) => {
    next = then;
  });
  const tell = (message: ToWorker) => port.onmessage?.({ data: message });
  /** Take a step; false: nothing waits. */
  const step = () => {
    const then = next;
    next = null;
    then?.();
    return then !== null;
  };
  return { heard, tell, step };
}

const tile = { kind: "tile" as const, level: 5, row: 0, column: 0, how: "mean" as const };
const wide: FactoredHead = {
  kind: "factors",
  ...{ queries: 3000, keys: 3000, depth: 4, q: new Float32Array(12000), k: new Float32Array(12000) },
  ...{ softcap: null, bias: null, mask: null, left: null, right: null, diagonal: 0, sink: null },
};

test("a row that is asked for while tiles wait comes before them, a column after it", () => {
  const { heard, tell, step } = stepping();
  tell({ kind: "hold", name: "a", head });
  const tasks = [tile, tile, { kind: "column" as const, key: 0 }, row];
  for (const [id, task] of tasks.entries()) tell({ kind: "task", id, name: "a", task });
  while (step());
  expect(heard).toEqual([-1, 3, 2, 0, 1]);
});

test("a row that is asked for while a wide tile is computed comes before the rest of it", () => {
  const { heard, tell, step } = stepping();
  tell({ kind: "hold", name: "a", head: wide });
  tell({ kind: "task", id: 0, name: "a", task: tile });
  expect(step()).toBe(true);
  tell({ kind: "task", id: 1, name: "a", task: row });
  expect(step()).toBe(true);
  expect(heard).toEqual([-1, 1]);
  while (step());
  expect(heard).toEqual([-1, 1, 0]);
});

test("a tile that is cancelled while it is computed is left as it is", () => {
  const { heard, tell, step } = stepping();
  tell({ kind: "hold", name: "a", head: wide });
  tell({ kind: "task", id: 0, name: "a", task: tile });
  expect(step()).toBe(true);
  tell({ kind: "cancel", id: 0 });
  expect([step(), step()]).toEqual([true, false]);
  expect(heard).toEqual([-1]);
});

test("what fails in the worker fails here, in the same words", async () => {
  const { worker } = inAnotherPlace();
  const engine = new Engine(() => worker);
  await expect(engine.run("a", head, { kind: "column", key: 2 })).rejects.toThrow(
    "key 2 was asked for, but there are 2, counted from 0",
  );
  engine.close();
});

test("a task that is aborted is cancelled", async () => {
  const { worker, heard } = inAnotherPlace();
  const engine = new Engine(() => worker);
  const stop = new AbortController();
  const answer = engine.run("a", head, row, stop.signal);
  stop.abort();
  await expect(answer).rejects.toThrow("aborted");
  expect(heard).toEqual(["hold", "task", "cancel"]);
  engine.close();
});

test("where no worker can be made the page computes", async () => {
  const engine = new Engine(() => {
    throw new Error("a policy forbids workers");
  });
  expect(engine.where).toBe("page");
  expect(Array.from((await engine.run("a", head, row)).values)).toEqual([0.25, 0.75]);
});

test("when a worker fails the page computes what it was asked", async () => {
  const silent = { postMessage() {}, terminate() {}, onmessage: null, onerror: null } as WorkerLike;
  const engine = new Engine(() => silent);
  const answer = engine.run("a", head, row);
  silent.onerror?.(undefined as never);
  expect(Array.from((await answer).values)).toEqual([0.25, 0.75]);
  expect(engine.where).toBe("page");
});
