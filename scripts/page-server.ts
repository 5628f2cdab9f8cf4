import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

const ortFiles = new URL("../node_modules/onnxruntime-web/dist/", import.meta.url);

/** A page's server on the loopback address, with the headers that make pages cross-origin isolated. */
export interface PageServer {
  origin: string;
  /** Names of all files that were asked for. */
  requested: Set<string>;
  close(): Promise<void>;
}

/** What a server has beside scripts. */
export interface PageFiles {
  /** The page at /, an empty one unless told otherwise. */
  page?: string;
  /** Other files, by name. */
  files?: ReadonlyMap<string, Uint8Array>;
}

const emptyPage = "<!doctype html><title>msmae</title>";

/** Serves a page at /, the given scripts and other files, and ONNX Runtime's WebAssembly files. */
export async function servePage(scripts: ReadonlyMap<string, string>, more: PageFiles = {}): Promise<PageServer> {
  const requested = new Set<string>();
  const server: Server = createServer((request, response) => {
    const name = (request.url ?? "/").slice(1);
    requested.add(name);
    contentOf(name, scripts, more).then(
      ({ type, body }) => {
        response.writeHead(200, {
          "content-type": type,
          "cross-origin-opener-policy": "same-origin",
          "cross-origin-embedder-policy": "require-corp",
        });
        response.end(body);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requested,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function contentOf(
  name: string,
  scripts: ReadonlyMap<string, string>,
  { page = emptyPage, files }: PageFiles,
): Promise<{ type: string; body: string | Uint8Array }> {
  if (name === "") return { type: "text/html", body: page };
  const script = scripts.get(name);
  if (script !== undefined) return { type: "text/javascript", body: script };
  const file = files?.get(name);
  if (file !== undefined) return { type: "application/octet-stream", body: file };
  if (!/^ort-[a-z.-]+\.wasm$/.test(name)) throw new Error(`no file ${name}`);
  return { type: "application/wasm", body: await readFile(new URL(name, ortFiles)) };
}
