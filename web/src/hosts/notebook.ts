import type { Blob_, Dtype, Request } from "../protocol";
import { type Host, readManifest } from "./host";

/** The part of anywidget's model that is used. */
export interface WidgetModel {
  get(name: string): unknown;
  send(content: unknown): void;
  on(event: "msg:custom", callback: Listener): void;
  off(event: "msg:custom", callback: Listener): void;
}

type Listener = (content: unknown, buffers: (DataView | Uint8Array | ArrayBuffer)[]) => void;

interface Answer {
  id: string;
  error?: string;
  dtype?: Dtype;
  shape?: number[];
  sampled?: number | null;
}

/** A notebook's host, what ends it, and what is kept when the kernel has shown that it is there. */
interface Notebook {
  host: Host;
  close: () => void;
  answered: Promise<void>;
}

/** Return the host of a notebook's widget: every question has an id that its answer repeats. */
export function notebookHost(model: WidgetModel): Notebook {
  const manifest = readManifest(String(model.get("manifest")));
  const waiting = new Map<string, { resolve: (blob: Blob_) => void; reject: (reason: unknown) => void }>();
  const page = crypto.getRandomValues(new Uint32Array(2)).join("-"); // several pages share one model
  const hello = `${page}-hello`;
  let asked = 0;
  let greeted = () => {};
  const answered = new Promise<void>((resolve) => {
    greeted = resolve;
  });

  const listen: Listener = (content, buffers) => {
    const answer = content as Answer;
    if (answer?.id === hello) greeted();
    const asker = waiting.get(answer?.id);
    if (!asker) return;
    waiting.delete(answer.id);
    if (answer.error !== undefined) asker.reject(new Error(answer.error));
    else {
      const { dtype, shape, sampled = null } = answer;
      asker.resolve({ dtype: dtype!, shape: shape!, bytes: bytesOf(buffers[0]!), sampled });
    }
  };
  model.on("msg:custom", listen);
  model.send({ id: hello, kind: "hello" });

  const ask = (request: Request, signal?: AbortSignal): Promise<Blob_> =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const id = `${page}-${asked++}`;
      waiting.set(id, { resolve, reject });
      const leave = () => {
        if (!waiting.delete(id)) return;
        model.send({ id, kind: "cancel" });
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", leave, { once: true });
      model.send({ id, ...request });
    });

  const close = () => {
    model.off("msg:custom", listen);
    for (const asker of waiting.values()) asker.reject(new Error("the widget was closed"));
    waiting.clear();
  };
  return { host: { manifest, kind: "notebook", canServe: manifest.served, ask }, close, answered };
}

/** Notebooks differ in what they hand over. */
function bytesOf(buffer: DataView | Uint8Array | ArrayBuffer): Uint8Array {
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer)
    : new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength);
}
