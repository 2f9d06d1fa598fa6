import type { Blob_, Dtype, Request } from "../protocol";
import { type Host, readManifest } from "./host";

const MANIFEST = "visualizer-manifest";

/** Tell whether a document carries a run. */
export function carriesRun(page: Document): boolean {
  return page.getElementById(MANIFEST) !== null;
}

/** Return the host of a page that carries its arrays, as base64 in script elements. */
export function fileHost(page: Document): Host {
  const manifest = readManifest(page.getElementById(MANIFEST)?.textContent ?? "");
  const written = new Map<string, HTMLElement>();
  for (const element of page.querySelectorAll<HTMLElement>("script[data-blob]")) {
    written.set(element.dataset.blob ?? "", element);
  }
  const ask = async (request: Request, signal?: AbortSignal): Promise<Blob_> => {
    const element = request.kind === "blob" ? written.get(request.name) : undefined;
    if (!element)
      throw new Error(
        `${named(request)} is not in this file: write it with a larger max_mb=, or serve the run`,
      );
    const blob = await read(element);
    signal?.throwIfAborted();
    return blob;
  };
  return { manifest, kind: "file", canServe: false, ask };
}

async function read(element: HTMLElement): Promise<Blob_> {
  const { dtype, shape, gzip } = element.dataset;
  const packed = fromBase64(element.textContent ?? "");
  return {
    dtype: dtype as Dtype,
    shape: shapeOf(shape),
    bytes: gzip ? await unzipped(packed) : packed,
  };
}

/** Return the lengths in "2,3". */
export function shapeOf(text: string | null | undefined): number[] {
  return text ? text.split(",").map(Number) : [];
}

function named(request: Request): string {
  if (request.kind === "blob") return `the array ${request.name}`;
  return request.kind === "figure" ? "a figure of Python's" : `a ${request.kind} of map ${request.map}`;
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const letters = atob(text.trim());
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

async function unzipped(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
