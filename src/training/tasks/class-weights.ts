import { MsmaeError } from "../../support/errors.ts";

/**
 * The weight of each class in the loss; undefined where all weigh the same. `balanced` gives n / (k · n_c): the k
 * classes then weigh the same in sum, and an image of mean frequency weighs 1.
 *
 * @param given `none`, `balanced`, or a weight per class with commas between.
 * @param counts training images per class.
 * @throws MsmaeError Config where the weights are not one per class, and Data where `balanced` meets an empty class.
 * Source: scikit-learn `compute_class_weight("balanced")`.
 */
export function resolveClassWeights(
  given: string,
  counts: Readonly<Record<string, number>>,
): readonly number[] | undefined {
  if (given === "none") return undefined;
  const names = Object.keys(counts);
  if (given !== "balanced") {
    const weights = given.split(",").map(Number);
    if (weights.length === names.length) return weights;
    throw new MsmaeError("Config", {
      where: "--class-weights",
      expected: `${names.length} weights, for ${names.join(", ")}`,
      got: `${weights.length}`,
      todo: "give one weight per class in this order, or balanced",
    });
  }
  const images = Object.values(counts);
  const empty = names.filter((name) => counts[name] === 0);
  if (empty.length > 0) {
    throw new MsmaeError("Data", {
      where: "--class-weights balanced",
      expected: "training images of every class",
      got: `none of ${empty.join(", ")}`,
      todo: "add images of it, or give the weights by number",
    });
  }
  const total = images.reduce((sum, count) => sum + count, 0);
  return images.map((count) => total / (names.length * count));
}
