/** How programs lay out a vision transformer's weights in a file, as `--from` names them. */
export const LAYOUTS = ["msmae", "mae", "timm", "hf-vitmae", "hf-vit", "dinov2", "dino", "retfound"] as const;
export type LayoutName = (typeof LAYOUTS)[number];
