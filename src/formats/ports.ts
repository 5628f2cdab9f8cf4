import type { CodestreamDecoder } from "./codestream-decoder.ts";
import type { Inflater } from "./inflater.ts";
import type { PlainJpegDecoder } from "./jpeg.ts";
import type { PictureDecoder } from "./picture-decoder.ts";

/** What reading image files needs of the machine it runs on: Node has other means than a page. */
export interface FormatPorts {
  inflater: Inflater;
  codestreams: CodestreamDecoder;
  /** Absent where the decoder of pictures is as good. */
  jpeg?: PlainJpegDecoder;
  pictures: PictureDecoder;
}
