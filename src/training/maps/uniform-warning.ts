import type { RunHooks } from "../../support/events.ts";

/** Says once per epoch that images without any attention were masked uniformly. */
export function warnUniform(hooks: RunHooks): (epoch: number) => void {
  let warned = -1;
  return (epoch) => {
    if (warned === epoch) return;
    warned = epoch;
    hooks.onEvent?.({
      type: "warning",
      message: `epoch ${epoch}: an attention map that is zero everywhere was replaced by uniform masking`,
    });
  };
}
