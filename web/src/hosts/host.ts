import type { Blob_, Manifest, Request } from "../protocol";

/** What gives the page its data: a notebook, a file or a server. */
export interface Host {
  manifest: Manifest;
  kind: "notebook" | "file" | "server";
  /** Whether rows, columns and tiles can be asked for beside blobs. */
  canServe: boolean;
  /** Rejects with an `Error` in one sentence, or with the signal's reason. */
  ask(request: Request, signal?: AbortSignal): Promise<Blob_>;
}

/** Return a manifest, or say that this page reads none of its version. */
export function readManifest(text: string): Manifest {
  const manifest = JSON.parse(text) as Manifest;
  if (manifest.protocol !== 1) {
    throw new Error(
      `this page reads protocol 1, but was given ${String(manifest.protocol)}: make the page anew with the ` +
        "attention-visualizer that wrote it",
    );
  }
  return manifest;
}
