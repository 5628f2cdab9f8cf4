import type { Normalization } from "../images/transforms/normalize.ts";
import type { LoadReport } from "./load-weights.ts";
import { kindOf } from "./model-file.ts";
import type { StartingWeights } from "./starting-weights.ts";

/** The norms' epsilon of every model that is made here. */
const EPSILON = 1e-6;

/**
 * What became of a checkpoint, in a line: from which layout, how many tensors fit, which are new and which were dropped, what was
 * computed of them, and the mean and deviation of pixels that go with them here.
 */
export function loadLine(
  path: string,
  { description, source, resized }: Pick<StartingWeights, "description" | "source" | "resized">,
  report: Pick<LoadReport, "loaded" | "missing" | "fresh" | "reshaped" | "dropped" | "unexpected">,
  { mean, std, normEpsilon = EPSILON }: Normalization & { normEpsilon?: number | undefined },
): string {
  const { loaded, missing, fresh, reshaped, dropped, unexpected } = report;
  const title = description ? kindOf(description).title : (source?.title ?? "another program's network");
  const told = source?.facts.normEpsilon ?? EPSILON;
  return [
    `${path}: ${title}`,
    `${loaded.length} tensors fit`,
    ...counted("new", [...fresh, ...missing, ...reshaped.map(({ key }) => key)]),
    ...counted("dropped", [...dropped, ...unexpected, ...(source?.dropped ?? [])]),
    ...counted("zero", source?.zero ?? []),
    ...(source?.notes ?? []),
    ...resized.values(),
    ...(told === normEpsilon
      ? []
      : [`norms of epsilon ${told.toExponential()} there, ${normEpsilon.toExponential()} here`]),
    `mean ${listed(mean)} and std ${listed(std)}`,
  ].join("; ");
}

/** A count with the first of the keys; nothing where there are none. */
function counted(what: string, keys: readonly string[]): string[] {
  if (keys.length === 0) return [];
  return [`${keys.length} ${what} (${keys.slice(0, 3).join(", ")}${keys.length > 3 ? ", …" : ""})`];
}

/** Short enough to read: four digits say which family it is. */
function listed(values: readonly number[]): string {
  return values.map((value) => Number(value.toPrecision(4))).join(",");
}
