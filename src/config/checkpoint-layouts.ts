/** How programs lay out a vision transformer's weights in a file, as `--from` names them. */
const LAYOUTS = ["msmae", "mae", "timm", "hf-vitmae", "hf-vit", "dinov2", "dino", "retfound"] as const;
export type LayoutName = (typeof LAYOUTS)[number];

/** With `auto`, which tells it by a file's keys. */
export const LAYOUT_CHOICES = ["auto", ...LAYOUTS] as const;
export type LayoutChoice = (typeof LAYOUT_CHOICES)[number];
