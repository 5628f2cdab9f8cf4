import { networkKindOf } from "../method/kinds/networks.ts";
import type { ErrorParts } from "../support/errors.ts";
import { toKebabCase } from "./names.ts";
import { showValue } from "./problems.ts";
import type { Check } from "./verb.ts";

interface NetworkOptions {
  model?: string;
  recipe?: string;
  method?: string;
  patchSize?: number;
  layerDecay?: number;
  dropPath?: number;
  globalPool?: string;
  maskRatio?: number;
  throwRatio?: number;
  mapCrop?: string;
  mapSource?: string;
  mapHeads?: string;
  mapBlocks?: string;
  attended?: string;
  randomShare?: number;
  fastMaps?: boolean;
  fullTokenEpochs?: number;
  keepSchedule?: string;
  precision?: string;
  recompute?: string;
}

/** What belongs to vision transformers alone, each with the value that asks for nothing. */
const TRANSFORMERS_ALONE = {
  recipe: "paper",
  method: undefined,
  layerDecay: 1,
  globalPool: "avg",
  maskRatio: 0,
  throwRatio: 0,
  mapCrop: "aligned",
  mapSource: "attention",
  mapHeads: "min-max",
  mapBlocks: "last",
  attended: "hide",
  randomShare: 0,
  fastMaps: false,
  fullTokenEpochs: 0,
  keepSchedule: undefined,
  precision: "fp32",
  recompute: "none",
} as const satisfies { [Name in keyof NetworkOptions]: NetworkOptions[Name] | undefined };

/** A network that sees whole images has neither a method of masking nor what goes with it. */
export const checkNetwork: Check<NetworkOptions> = (options) => {
  const { model, patchSize, dropPath } = options;
  const network = networkKindOf(model);
  if (!model || !network) return [];
  const problem = (where: keyof NetworkOptions, what: string): ErrorParts => ({
    where,
    expected: `an option that ${model} takes: ${what}`,
    got: showValue(options[where]),
    todo: `leave out --${toKebabCase(where)}, or choose a vision transformer`,
  });
  const names = Object.keys(TRANSFORMERS_ALONE) as (keyof typeof TRANSFORMERS_ALONE)[];
  const foreign = names.filter((name) => (options[name] ?? TRANSFORMERS_ALONE[name]) !== TRANSFORMERS_ALONE[name]);
  return [
    ...foreign.map((name) => problem(name, "it belongs to vision transformers alone")),
    ...(patchSize !== undefined && !("patchSize" in (network.presets[model] ?? {}))
      ? [problem("patchSize", "this network sees pixels")]
      : []),
    ...(dropPath !== undefined && dropPath > 0 && !network.skips
      ? [problem("dropPath", "this network has no blocks to skip")]
      : []),
  ];
};
