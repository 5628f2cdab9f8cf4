import { classifierKind } from "../method/kinds/classifier.ts";
import { encoderKind } from "../method/kinds/encoder.ts";
import type { ModelKind } from "../method/kinds/kind.ts";
import { linearProbeKind } from "../method/kinds/linear-probe.ts";
import { pretrainedKind } from "../method/kinds/pretrained.ts";
import type { EncoderConfig, GlobalPool } from "../method/models/config.ts";
import { MsmaeError } from "../support/errors.ts";
import type { Shapes } from "./layouts/layout.ts";

/** What tensors do not say of their model. */
export interface Unsaid {
  numHeads?: number | undefined;
  decoderHeads?: number | undefined;
  normEpsilon?: number | undefined;
  /** Pixels, as stands beside the file. */
  inputSize?: Size | undefined;
  /** Pixels, where the positions are those of no square. */
  otherwise?: Size | undefined;
}
type Size = { height: number; width: number };

/** A vision transformer's shape, read off its tensors. */
export interface ForeignModel {
  kind: ModelKind;
  /** The preset of its sizes, whatever its patches; "unknown" where there is none. */
  model: string;
  config: EncoderConfig & { globalPool: GlobalPool };
  /** Classes of its head; 0 without one. */
  classes: number;
}

/**
 * The shape of a vision transformer from its tensors under our keys. Heads of attention are the preset's of these sizes unless
 * they are said, else 64 features each; the grid is square unless the size is said.
 *
 * @throws MsmaeError Checkpoint for tensors of no model of ours, or where the size must be said.
 */
export function foreignModel(where: string, shapes: Shapes, unsaid: Unsaid = {}): ForeignModel {
  const dim = (key: string, axis: number) => shapes.get(key)?.[axis] ?? 0;
  const [embedDim = 0, inChans = 0, patchSize = 0] = shapes.get("patch_embed.proj.weight") ?? [];
  const kind = kindOf(shapes);
  const sizes = { embedDim, depth: blocksOf(shapes, "blocks"), mlpRatio: dim("blocks.0.mlp.fc1.weight", 0) / embedDim };
  const decoder = {
    decoderEmbedDim: dim("decoder_embed.weight", 0),
    decoderDepth: blocksOf(shapes, "decoder_blocks"),
  };
  const [model, preset] = presetOf(kind, sizes, patchSize);
  const wide = kind === pretrainedKind ? { ...decoder, decoderNumHeads: decoderHeads(decoder, unsaid) } : {};
  const classes = dim("head.weight", 0) || dim("head.1.weight", 0);
  const config = {
    ...inputOf(where, dim("pos_embed", 1) - 1, patchSize, unsaid),
    ...{ patchSize, inChans, ...sizes, ...wide },
    numHeads: unsaid.numHeads ?? preset?.numHeads ?? Math.max(1, Math.round(embedDim / 64)),
    numClasses: Math.max(1, classes),
    globalPool: shapes.has("fc_norm.weight") ? ("avg" as const) : ("cls" as const),
    ...(unsaid.normEpsilon !== undefined && unsaid.normEpsilon !== 1e-6 && { normEpsilon: unsaid.normEpsilon }),
  };
  const parsed = kind.config.safeParse(config);
  // The kind's own part of it.
  if (parsed.success) return { kind, model, config: parsed.data as ForeignModel["config"], classes };
  throw new MsmaeError("Checkpoint", {
    where,
    expected: "the tensors of a vision transformer",
    got: parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; "),
    todo: "check where the file comes from, or say its layout with --from",
  });
}

/** The kind of model that tensors under our keys are of. */
function kindOf(shapes: Shapes): ModelKind {
  if (shapes.has("decoder_embed.weight")) return pretrainedKind;
  if (shapes.has("head.1.weight")) return linearProbeKind;
  return shapes.has("head.weight") ? classifierKind : encoderKind;
}

function blocksOf(shapes: Shapes, prefix: string): number {
  const numbers = [...shapes.keys()].map((key) => (key.startsWith(`${prefix}.`) ? key.split(".")[1] : undefined));
  return new Set(numbers.filter((number) => number !== undefined)).size;
}

type Sizes = Pick<EncoderConfig, "embedDim" | "depth" | "mlpRatio">;

function presetOf({ presets }: ModelKind, sizes: Sizes, patchSize: number) {
  const known = Object.entries(presets as Readonly<Record<string, EncoderConfig>>).filter(
    ([, preset]) =>
      preset.embedDim === sizes.embedDim && preset.depth === sizes.depth && preset.mlpRatio === sizes.mlpRatio,
  );
  const [name = "unknown", preset] = known.find(([, { patchSize: side }]) => side === patchSize) ?? known[0] ?? [];
  return [name, preset] as const;
}

/** MAE's decoder has 32 features a head at 512. */
function decoderHeads(
  { decoderEmbedDim, decoderDepth }: { decoderEmbedDim: number; decoderDepth: number },
  { decoderHeads: said }: Unsaid,
): number {
  const preset = Object.values(pretrainedKind.presets).find(
    (one) => one.decoderEmbedDim === decoderEmbedDim && one.decoderDepth === decoderDepth,
  );
  return said ?? preset?.decoderNumHeads ?? Math.max(1, Math.round(decoderEmbedDim / 32));
}

function inputOf(where: string, patches: number, patchSize: number, { inputSize, otherwise }: Unsaid) {
  const side = Math.sqrt(patches) * patchSize;
  const square = Number.isInteger(side / patchSize) ? { height: side, width: side } : undefined;
  const sizes = [inputSize, square, otherwise].filter((size) => size !== undefined);
  const size = sizes.find(({ height, width }) => height * width === patches * patchSize * patchSize);
  if (size && patches > 0) return { inputHeight: size.height, inputWidth: size.width };
  throw new MsmaeError("Checkpoint", {
    where,
    expected: "positions of a square grid",
    got: `${patches} positions`,
    todo: "say with --input-size which images it was trained on",
  });
}
