import { openImageBytes, pagePorts, readTags } from "../../../src/formats/web/index.ts";
import { contentOf } from "./digest.ts";

/** What a page asks for: the URL of a file, its name, and options of opening it. */
export interface ReadRequest {
  url: string;
  name: string;
  limits?: Record<string, number>;
  alpha?: "drop" | "black" | "white";
  /** Another place of the codecs. */
  codecs?: string;
}

async function bytesOf(url: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch(url)).arrayBuffer());
}

Object.assign(globalThis, {
  readImage: async ({ url, codecs, ...options }: ReadRequest) => {
    const bytes = await bytesOf(url);
    return contentOf(() => openImageBytes(bytes, { ...options, ports: codecs ? pagePorts({ codecs }) : undefined }));
  },
  readPatient: async (url: string) => readTags(await bytesOf(url), ["PatientID", "Rows"]),
});
