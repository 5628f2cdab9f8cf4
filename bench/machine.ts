import { readFileSync } from "node:fs";
import { readEnvironment } from "../src/training/records/environment.ts";

/** What a figure depends on beside the code. */
export interface Machine {
  commit: string | null;
  cpuModel: string;
  /** What of {@link tellingFeatures} the processor has, by Linux' names; null where the system does not tell. */
  cpuFeatures: string[] | null;
  cores: number;
  memoryBytes: number;
  platform: string;
  node: string;
  onnxruntime: string;
  provider: "cpu";
  measuredAt: string;
}

export async function describeMachine(threads: number): Promise<Machine> {
  const environment = await readEnvironment({ seed: 0, device: "cpu", threads });
  const { gitCommit, cpuModel, cores, memoryBytes, platform, node, onnxruntime, writtenAt } = environment;
  return {
    commit: gitCommit,
    cpuModel,
    cpuFeatures: cpuFeatures(),
    cores,
    memoryBytes,
    platform,
    node,
    onnxruntime,
    provider: "cpu",
    measuredAt: writtenAt,
  };
}

/** Instructions that decide how fast products are. */
const tellingFeatures = [
  ...["avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16"],
  ...["asimd", "asimddp", "i8mm", "bf16", "sve"],
];

function cpuFeatures(): string[] | null {
  try {
    return featuresIn(readFileSync("/proc/cpuinfo", "utf8"));
  } catch {
    return null;
  }
}

/** What Linux' /proc/cpuinfo says of {@link tellingFeatures}; null where it has no such line. */
export function featuresIn(cpuinfo: string): string[] | null {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1];
  if (line === undefined) return null;
  const flags = new Set(line.trim().split(/\s+/));
  return tellingFeatures.filter((feature) => flags.has(feature));
}

/**
 * Processors whose ratios between two programs are alike: by the widest products that they have, and on x86 by their maker,
 * since the library that PyTorch takes there (MKL) has its fastest products for its own maker's alone. AMD's fourth
 * generation does AVX-512 in halves, so that its products in fp32 are no faster than with AVX2; the fifth, known by AVX-VNNI
 * beside it, does not.
 */
export function cpuClassOf({ cpuModel, cpuFeatures }: Pick<Machine, "cpuModel" | "cpuFeatures">): string {
  const has = (feature: string) => cpuFeatures?.includes(feature) ?? false;
  if (has("asimd")) return has("i8mm") ? "arm-i8mm" : "arm";
  const maker = /\b(?:AMD|Intel)\b/.exec(cpuModel)?.[0].toLowerCase() ?? "x86";
  if (has("avx512f")) {
    if (!has("avx512_vnni")) return `${maker}-avx512`;
    return maker === "amd" && !has("avx_vnni") ? "amd-avx512-vnni-halves" : `${maker}-avx512-vnni`;
  }
  if (has("avx2")) return has("avx_vnni") ? `${maker}-avx2-vnni` : `${maker}-avx2`;
  return "other";
}

/** Whether products in bfloat16 are instructions of the processor; elsewhere they are slower than fp32. */
export const hasBfloat16 = (features: readonly string[] | null): boolean =>
  ["avx512_bf16", "amx_bf16", "bf16"].some((feature) => features?.includes(feature));

/** A line that says what a table's figures depend on. */
export function machineLine({
  cpuModel,
  cpuFeatures,
  cores,
  memoryBytes,
  platform,
  node,
  onnxruntime,
}: Machine): string {
  const features = cpuFeatures === null ? "features unknown" : cpuFeatures.join(", ");
  const memory = `${Math.round(memoryBytes / 2 ** 30)} GiB`;
  return `${cpuModel} (${features}), ${cores} cores, ${memory}, ${platform}, Node ${node}, ONNX Runtime ${onnxruntime}`;
}
