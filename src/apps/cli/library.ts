import type { Verbs } from "./verbs.ts";

/**
 * The library behind the command line. Each function is loaded when it is called, so that `--help` and a mistyped
 * flag are answered at once.
 */
export const library: Verbs = {
  demo: async (options, hooks) => (await import("../demo/demo.ts")).demo(options, hooks),
  pretrain: async (options, hooks) => (await import("../../training/pretrain.ts")).pretrain(options, hooks),
  finetune: async (options, hooks) => (await import("../../training/finetune.ts")).finetune(options, hooks),
  evaluate: async (options, hooks) => (await import("../../inference/evaluate.ts")).evaluate(options, hooks),
  async *predict(options, hooks) {
    yield* (await import("../../inference/predict.ts")).predict(options, hooks);
  },
  async *attentionMaps(options, hooks) {
    yield* (await import("../../inference/attention-maps.ts")).attentionMaps(options, hooks);
  },
  async *reconstruct(options, hooks) {
    yield* (await import("../../inference/reconstruct.ts")).reconstruct(options, hooks);
  },
  flops: async (options, hooks) => (await import("../../inference/flops.ts")).flops(options, hooks),
  inspect: async (path) => (await import("../../interop/inspect.ts")).inspect(path),
  async dataShow({ sliceAxis: axis, slice: item, ...options }) {
    const [{ showWatched }, { describeShown }] = await Promise.all([
      import("../../curation/show/show-watched.ts"),
      import("../../curation/show/show.ts"),
    ]);
    const result = await showWatched({ ...options, axis, item });
    return { result, lines: describeShown(result) };
  },
  async dataCheck({ sliceAxis: axis, ...options }, hooks) {
    const [{ checkData }, { checkSummary }] = await Promise.all([
      import("../../curation/check/check-data.ts"),
      import("../../curation/check/summary.ts"),
    ]);
    const result = await checkData({ ...options, axis }, hooks);
    return { result, lines: checkSummary(result) };
  },
  dataAnonymise: async (options, hooks) =>
    (await import("../../curation/anonymise/index.ts")).anonymiseDicom(options, hooks),
  dataStats: async (options, hooks) => (await import("../../curation/stats.ts")).dataStats(options, hooks),
  dataSplit: async ({ sliceAxis: axis, ...options }, hooks) =>
    (await import("../../curation/split-data.ts")).splitData({ ...options, axis }, hooks),
  dataPrepare: async (options, hooks) => (await import("../../curation/prepare/index.ts")).prepareData(options, hooks),
};
