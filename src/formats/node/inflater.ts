import { constants, createGunzip, inflateRawSync, inflateSync } from "node:zlib";
import { messageOf } from "../../support/errors.ts";
import { type Inflater, UnpacksTooFar } from "../inflater.ts";

const CHUNK = 2 ** 20;

/** Node's zlib. */
export const nodeInflater: Inflater = {
  inflate: (bytes, { wrap, limit, partial }) => {
    const inflate = wrap === "raw" ? inflateRawSync : inflateSync;
    const finishFlush = partial ? constants.Z_SYNC_FLUSH : constants.Z_FINISH;
    try {
      return inflate(bytes, { maxOutputLength: Math.max(1, limit), finishFlush });
    } catch (cause) {
      const tooFar = (cause as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE";
      throw tooFar ? new UnpacksTooFar(messageOf(cause), { cause }) : cause;
    }
  },
  gunzip: async (bytes, take) => {
    const stream = createGunzip({ chunkSize: CHUNK });
    stream.end(bytes);
    for await (const piece of stream) {
      if (!take(piece)) break;
    }
  },
};
