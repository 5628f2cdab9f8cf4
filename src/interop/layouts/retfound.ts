import { dinov2 } from "./dino.ts";
import type { Layout } from "./layout.ts";
import { mae } from "./mae.ts";

/** RETFound's ViT-L of retinal images. Its files are MAE's to the key: they are taken for those unless it is said. */
export const retfoundMae: Layout = { ...mae, name: "retfound", title: "RETFound (MAE)" };

/** RETFound of DINOv2: what that trainer keeps of its teacher. */
export const retfoundDinov2: Layout = {
  ...dinov2,
  name: "retfound",
  title: "RETFound or another DINOv2 trainer's teacher",
  recognises: ({ shapes, wrapper }) =>
    /(^|\.)backbone\.$/.test(wrapper) && [...shapes.keys()].some((key) => key.endsWith(".ls1.gamma")),
};
