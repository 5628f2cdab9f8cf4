import { MsmaeError } from "../../support/errors.ts";

/** A column that sets cases apart. */
export interface SubgroupColumn {
  column: string;
  /** Where its numbers are cut; undefined: by its values. */
  cuts?: number[];
}

/**
 * Columns as people write them, `sex` or `age:40,60`: a number after the cut point of a column is its next one.
 *
 * @throws MsmaeError Config for a part that is empty.
 */
export function parseSubgroups(items: readonly string[]): SubgroupColumn[] {
  const columns: SubgroupColumn[] = [];
  for (const part of items.flatMap((item) => item.split(",")).map((text) => text.trim())) {
    const cuts = columns.at(-1)?.cuts;
    if (cuts && isNumber(part)) {
      cuts.push(Number(part));
      continue;
    }
    const colon = part.lastIndexOf(":");
    const [column, cut] = [part.slice(0, colon), part.slice(colon + 1)];
    const found = colon >= 0 && isNumber(cut) ? { column, cuts: [Number(cut)] } : { column: part };
    if (found.column === "") {
      throw new MsmaeError("Config", {
        where: "--subgroups",
        expected: "names of columns with commas between, numbers cut as in age:40,60",
        got: JSON.stringify(items.join(",")),
        todo: "write for example sex,age:40,60",
      });
    }
    columns.push(found);
  }
  return columns;
}

function isNumber(text: string): boolean {
  return text !== "" && Number.isFinite(Number(text));
}
