import type { Provider } from "../onnx/operators.ts";
import type { OptimizerSetup } from "./setup.ts";

/** Where an engine's tensors stand between runs. */
export interface Placement {
  tensors: "host" | "device";
  /** Why they are the host's, though graphs run elsewhere. */
  because?: string;
}

/** Where tensors stand: with the graphs, unless something of it needs them in the host's memory. */
export function placementOf(
  provider: Provider,
  rule: OptimizerSetup["rule"] | undefined,
  { exchanges = false, keeps }: { exchanges?: boolean | undefined; keeps: ReadonlySet<Provider> },
): Placement {
  if (provider === "cpu" || provider === "wasm") return { tensors: "host" };
  const host = (because: string): Placement => ({ tensors: "host", because });
  if (!keeps.has(provider)) return host(`ONNX Runtime keeps no tensors on ${provider} between runs here`);
  if (exchanges) return host("gradients are exchanged with other processes");
  if (rule === "lars") return host("LARS steps there");
  return { tensors: "device" };
}
