import type { FormatPorts } from "../ports.ts";
import { nodeCodestreams, nodeJpeg } from "./codecs.ts";
import { nodeInflater } from "./inflater.ts";
import { nodePictures } from "./picture-decoder.ts";

/** zlib, WebAssembly codecs from the package's own files, and libvips. */
export const nodePorts: FormatPorts = {
  inflater: nodeInflater,
  codestreams: nodeCodestreams,
  jpeg: nodeJpeg,
  pictures: nodePictures,
};
