import type { FormatPorts } from "../ports.ts";
import { pageCodestreams } from "./codecs.ts";
import { pageInflater } from "./inflater.ts";
import { pagePictures } from "./picture-decoder.ts";

/** Where a page finds what is not JavaScript. */
export interface PagePortsOptions {
  /**
   * The WebAssembly of the codecs for compressed DICOM, `dcmjs-native-codecs.wasm` of this package: fetched when a file needs
   * it. Default: beside this module, where bundlers that know `new URL(…, import.meta.url)` put it.
   */
  codecs?: URL | string;
}

/** What a page reads image files with: pako, WebAssembly codecs, and the browser's own decoder of pictures. */
export function pagePorts({
  codecs = new URL("../dicom/generated/dcmjs-native-codecs.wasm", import.meta.url),
}: PagePortsOptions = {}): FormatPorts {
  return { inflater: pageInflater, codestreams: pageCodestreams(codecs), pictures: pagePictures };
}
