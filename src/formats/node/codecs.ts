import { createRequire } from "node:module";
import { dcmjsDecoder } from "../dcmjs-decoder.ts";
import { type JpegModule, turboDecoder } from "../jpeg.ts";

const require = createRequire(import.meta.url);

type JpegFactory = (options: { print(text: string): void; printErr(text: string): void }) => Promise<JpegModule>;

// The codecs are WebAssembly of 4 MB that most runs never need.
export const nodeCodestreams = dcmjsDecoder(async () => {
  const codecs = require("../dicom/generated/dcmjs-codecs.cjs") as typeof import("../dicom/generated/dcmjs-codecs.cjs");
  await codecs.NativeCodecs.initializeAsync({ logCodecsInfo: false, logCodecsTrace: false });
  return codecs;
});

export const nodeJpeg = turboDecoder(() => {
  const factory = require("@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs") as JpegFactory;
  return factory({ print: () => undefined, printErr: () => undefined });
});
