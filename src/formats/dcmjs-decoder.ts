import type { CodestreamHeader } from "./codestream.ts";

import { type CodestreamDecoder, DamagedCodestream } from "./codestream-decoder.ts";

type Codecs = typeof import("./dicom/generated/dcmjs-codecs.cjs");

/**
 * The decoder on dcmjs-codecs.
 *
 * @param load starts them; called when they are first needed, and again after a damaged codestream.
 */
export function dcmjsDecoder(load: () => Promise<Codecs>): CodestreamDecoder {
  let codecs: Promise<Codecs> | undefined;
  const ready = (): Promise<Codecs> => {
    codecs ??= load().catch((cause) => {
      codecs = undefined;
      throw cause;
    });
    return codecs;
  };
  return {
    decode: async (bytes, header, container) => {
      let loaded = await ready();
      // Another picture's damage may have stopped the codecs while this one waited for them.
      while (!loaded.NativeCodecs.isInitialized()) loaded = await ready();
      try {
        const context = new loaded.Context({
          width: header.width,
          height: header.height,
          bitsAllocated: container,
          bitsStored: header.precision,
          samplesPerPixel: header.components,
          pixelRepresentation: 0,
          planarConfiguration: 0,
          photometricInterpretation: header.components === 1 ? "MONOCHROME2" : "RGB",
          encodedBuffer: bytes,
        });
        const decoded = decodeBy(loaded, context, header.kind).getDecodedBuffer();
        const expected = (header.width * header.height * header.components * container) / 8;
        if (decoded?.length !== expected) throw new Error(`${decoded?.length ?? 0} bytes instead of ${expected}`);
        return decoded.slice();
      } catch (cause) {
        // What a damaged codestream leaves in the codecs' memory would spoil the next picture: they start afresh.
        codecs = undefined;
        loaded.NativeCodecs.release();
        throw new DamagedCodestream("a damaged codestream", { cause });
      }
    },
  };
}

function decodeBy({ NativeCodecs }: Codecs, context: InstanceType<Codecs["Context"]>, kind: CodestreamHeader["kind"]) {
  switch (kind) {
    case "jpeg2000":
      return NativeCodecs.decodeJpeg2000(context);
    case "htj2k":
      return NativeCodecs.decodeHtJpeg2000(context);
    case "jpeg-ls":
      return NativeCodecs.decodeJpegLs(context);
    default:
      return NativeCodecs.decodeJpeg(context, { convertColorspaceToRgb: false });
  }
}
