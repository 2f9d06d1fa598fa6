import type { Blob_, Dtype, Request } from "../protocol";
import { shapeOf } from "./file";
import { type Host, readManifest } from "./host";

/** Return the host of a server whose addresses begin with `base`, which ends with a slash. */
export async function serverHost(base: URL): Promise<Host> {
  const manifest = readManifest(await (await get(new URL("manifest.json", base))).text());
  const ask = async (request: Request, signal?: AbortSignal): Promise<Blob_> => {
    const answer = await get(new URL(addressOf(request), base), signal);
    return {
      dtype: answer.headers.get("X-Dtype") as Dtype,
      shape: shapeOf(answer.headers.get("X-Shape")),
      bytes: new Uint8Array(await answer.arrayBuffer()),
      sampled: Number(answer.headers.get("X-Sampled")) || null,
    };
  };
  return { manifest, kind: "server", canServe: manifest.served, ask };
}

/** Return the address of what is asked for, below the server's base. */
export function addressOf(request: Request): string {
  if (request.kind === "blob") return `blob/${encodeURIComponent(request.name)}`;
  const { kind, ...words } = request;
  const query = Object.entries(words).map(([name, value]) => [name, String(value)]);
  return `${kind}?${new URLSearchParams(query)}`;
}

async function get(address: URL, signal?: AbortSignal): Promise<Response> {
  const answer = await fetch(address, signal ? { signal } : {}).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw new Error("the server does not answer: it was stopped, or cannot be reached", { cause: error });
  });
  if (!answer.ok)
    throw new Error((await answer.text()) || `the server answered ${answer.status} for ${address.pathname}`);
  return answer;
}
