import { readEnvironment } from "../src/training/records/environment.ts";

/** What a figure depends on beside the code. */
export interface Machine {
  commit: string | null;
  cpuModel: string;
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
    cores,
    memoryBytes,
    platform,
    node,
    onnxruntime,
    provider: "cpu",
    measuredAt: writtenAt,
  };
}
