import { MsmaeError, messageOf } from "../../support/errors.ts";
import type { CodestreamDecoder } from "../codestream-decoder.ts";
import { dcmjsDecoder } from "../dcmjs-decoder.ts";

/** The codecs of dcmjs-codecs, of which the JavaScript is loaded and the WebAssembly fetched when they are needed. */
export function pageCodestreams(url: URL | string): CodestreamDecoder {
  let fetched: Promise<ArrayBuffer> | undefined;
  return dcmjsDecoder(async () => {
    fetched ??= fetchBytes(url).catch((cause) => {
      fetched = undefined;
      throw cause;
    });
    const wasmBytes = await fetched;
    const { Context, NativeCodecs } = await import("./generated/dcmjs-codecs.js");
    NativeCodecs.wasmBytes = wasmBytes;
    await NativeCodecs.initializeAsync({ logCodecsInfo: false, logCodecsTrace: false });
    return { Context, NativeCodecs };
  });
}

async function fetchBytes(url: URL | string): Promise<ArrayBuffer> {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`status ${response.status}`);
    return await response.arrayBuffer();
  } catch (cause) {
    throw new MsmaeError(
      "Device",
      {
        where: String(url),
        expected: "the WebAssembly of the codecs for compressed DICOM",
        got: messageOf(cause),
        todo: "serve dcmjs-native-codecs.wasm, and say where by pagePorts({ codecs })",
      },
      { cause },
    );
  }
}
