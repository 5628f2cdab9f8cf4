import { type Dataset, SPLITS } from "../../data/dataset.ts";
import type { CheckResult, Finding, FindingLevel } from "./result.ts";
import { OF_THE_CONTENT, type PropertyAssociation, type Shortcuts } from "./shortcuts.ts";

type Facts = Omit<CheckResult, "findings" | "leakage" | "seconds">;

/** So much of the way from chance to certainty must a shortcut go to be worth a warning. */
const WARNED_LIFT = 0.1;
const SURE = 0.001;
const WARNED_V = 0.3;
const WARNED_CONTENT_V = 0.6;
const WARNED_DISTANCE = 0.3;
const UNBALANCED = 10;

/** What a reviewer would remark on, the gravest first. */
export function findingsOf(facts: Facts, dataset: Pick<Dataset, "onDisk" | "classNames" | "groupedBy">): Finding[] {
  const found: Finding[] = [];
  const add = (level: FindingLevel, id: string, title: string, text: string) => found.push({ level, id, title, text });
  copyFindings(facts, dataset, add);
  fileFindings(facts, add);
  balanceFindings(facts, add);
  shortcutFindings(facts.shortcuts, add);
  privacyFindings(facts, add);
  const order: FindingLevel[] = ["leak", "warning", "note"];
  return found.sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
}

type Add = (level: FindingLevel, id: string, title: string, text: string) => void;

function copyFindings(facts: Facts, { onDisk, groupedBy }: Pick<Dataset, "onDisk" | "groupedBy">, add: Add): void {
  const { identicalAcrossSplits, identicalFilesInLaterSplits, nearIdenticalAcrossSplits, groupsAcrossSplits } = facts;
  if (identicalAcrossSplits > 0) {
    add(
      "leak",
      "identical-across-splits",
      `${count(identicalAcrossSplits, "picture")} of a later split stand in an earlier one, pixel for pixel (${count(identicalFilesInLaterSplits, "file")})`,
      "A model that learns them by heart is right on them: accuracy on this split is too high. Leave one of the copies out.",
    );
  }
  if (nearIdenticalAcrossSplits > 0) {
    add(
      "leak",
      "near-identical-across-splits",
      `${count(nearIdenticalAcrossSplits, "more picture")} of a later split nearly equal one in an earlier split`,
      "Mirrored, turned, cropped, brightened or stored anew, or the neighbouring slice of one patient. The pairs shown let you judge.",
    );
  }
  if (groupsAcrossSplits > 0) {
    const who = groupedBy === "lesion_id" ? "lesion" : groupedBy === "patient_id" ? "patient" : "patient or file";
    add(
      "leak",
      "groups-across-splits",
      `${count(groupsAcrossSplits, "picture")} of a later split are of a ${who} that stands in an earlier one`,
      "The model may know the patient, not the disease. Split by patient: data split does.",
    );
  }
  const { labelConflicts, nearLabelConflicts, identicalWithinSplits, nearIdenticalWithinSplits } = facts;
  if (labelConflicts > 0) {
    add(
      "warning",
      "label-conflicts",
      `${count(labelConflicts, "picture")} stand under more than one class`,
      "The same pixels cannot be both: one label is wrong, or classes overlap. Ask who labelled them.",
    );
  }
  if (nearLabelConflicts > 0) {
    add(
      "warning",
      "near-label-conflicts",
      `${count(nearLabelConflicts, "near-identical pair")} bear different classes`,
      "Look at them: a wrong label, or a real difference too small to be seen at this size.",
    );
  }
  if (identicalWithinSplits > 0) {
    add(
      onDisk.length === 0 ? "warning" : "note",
      "identical-within-splits",
      `${count(identicalWithinSplits, "superfluous copy", "superfluous copies")} within a split`,
      "They count twice in training and in every figure, and come apart when a validation set is drawn at random.",
    );
  }
  if (nearIdenticalWithinSplits > 0) {
    add(
      onDisk.length === 0 ? "warning" : "note",
      "near-identical-within-splits",
      `${count(nearIdenticalWithinSplits, "picture")} have a near-identical one in their own split`,
      "Pictures of one patient, or copies. Keep them together when a validation set is drawn: give patient_id or lesion_id.",
    );
  }
}

function fileFindings({ unreadable, leftOut, appearance, images }: Facts, add: Add): void {
  const [odd] = leftOut;
  if (odd) {
    add(
      "warning",
      "left-out",
      `${count(leftOut.length, "file")} cannot be used and ${leftOut.length === 1 ? "is" : "are"} left out`,
      `The first: ${odd.path} (${odd.reason}). Correct or remove such files: training leaves them out too.`,
    );
  }
  if (unreadable.length > 0) {
    const first = unreadable[0];
    add(
      "warning",
      "unreadable",
      `${count(
        unreadable.reduce((sum, { images: pictures = 1 }) => sum + pictures, 0),
        "image",
      )} cannot be read`,
      `The first: ${first?.path}. Fetch the files again, or remove them.`,
    );
  }
  const { tiny, oddSizes, oddShapes, oddModes, lowRange, modes } = appearance;
  const named = (pictures: readonly { path: string }[]) => pictures[0]?.path ?? "";
  if (tiny.length > 0) {
    add(
      "warning",
      "tiny",
      `${count(tiny.length, "picture")} have a side below 32 pixels`,
      `The first: ${named(tiny)}.`,
    );
  }
  if (oddSizes.length > 0) {
    const text = `Sides more than twice, or less than half, the usual. The first: ${named(oddSizes)}.`;
    add("note", "odd-sizes", `${count(oddSizes.length, "picture")} of an odd size`, text);
  }
  if (oddShapes.length > 0) {
    const text = `Width to height is far from the usual: a cut-out, a mosaic or a screenshot? The first: ${named(oddShapes)}.`;
    add("note", "odd-shapes", `${count(oddShapes.length, "picture")} of an odd shape`, text);
  }
  if (oddModes.length > 0) {
    const text = `Most are ${Object.keys(modes)[0]}. The first: ${named(oddModes)}.`;
    add("warning", "odd-modes", `${count(oddModes.length, "picture")} stored in an unusual mode`, text);
  } else if (Object.keys(modes).length > 1) {
    const list = Object.entries(modes).map(([mode, n]) => `${n} ${mode}`);
    add(
      "note",
      "mixed-modes",
      `Pictures are stored in different modes: ${list.join(", ")}`,
      "They may come from different sources.",
    );
  }
  if (lowRange.length > 0) {
    const level = lowRange.length > images / 10 ? "warning" : "note";
    const text = `Fewer than 16 of 256 grey levels after the window: empty slices, or a window that does not fit. The first: ${named(lowRange)}.`;
    add(level, "low-range", `${count(lowRange.length, "picture")} show almost nothing`, text);
  }
}

function balanceFindings({ classCounts, splitClassCounts, shortcuts }: Facts, add: Add): void {
  const sizes = Object.entries(classCounts).filter(([, size]) => size > 0);
  const [largest, smallest] = [Math.max(...sizes.map(([, n]) => n)), Math.min(...sizes.map(([, n]) => n))];
  if (sizes.length > 1 && largest / smallest >= 2) {
    const [least] = sizes.find(([, size]) => size === smallest) as [string, number];
    add(
      largest / smallest >= UNBALANCED ? "warning" : "note",
      "class-balance",
      `The largest class has ${(largest / smallest).toFixed(1)} times the images of the smallest (${least}, ${smallest})`,
      "Plain accuracy rewards guessing the largest class: report balanced accuracy or macro F1, and weight or sample classes.",
    );
  }
  if (Object.keys(classCounts).length < 2) {
    add(
      "warning",
      "one-class",
      "There is one class only",
      "A classifier needs at least two; pre-training without labels does not.",
    );
  }
  for (const split of SPLITS) {
    const counts = Object.entries(splitClassCounts[split]);
    const missing = counts.filter(([, size]) => size === 0).map(([name]) => name);
    if (missing.length === counts.length || missing.length === 0) continue;
    const text = "A class without images cannot be learned or measured there.";
    add("warning", "missing-classes", `Split ${split} has no images of ${missing.join(", ")}`, text);
  }
  if ((shortcuts.classBySplit ?? 0) >= WARNED_V) {
    const title = `Classes are spread unevenly over the splits (Cramér's V ${shortcuts.classBySplit?.toFixed(2)})`;
    add("warning", "class-by-split", title, "Figures on one split say little about another: draw stratified splits.");
  }
}

function shortcutFindings({ borderProbe, pictureProbe, byClass, bySplit, greyLevels }: Shortcuts, add: Add): void {
  if (borderProbe && isShortcut(borderProbe)) {
    const { balancedAccuracy, chance } = borderProbe;
    add(
      "warning",
      "border-predicts-class",
      `The outermost pixels alone name the class in ${percent(balancedAccuracy)} (guessing: ${percent(chance)}${pictureProbe ? `; the same simple classifier on the whole picture: ${percent(pictureProbe.balancedAccuracy)}` : ""})`,
      "Frames, text, rulers, or how the picture was cut differ between classes; a model can use that instead of the disease. Look at the mean borders, and crop them or mask them.",
    );
  }
  for (const found of byClass.filter((association) => isWarned(association))) {
    add(
      "warning",
      "property-predicts-class",
      `${capitalised(found.property)} alone names the class in ${percent(found.balancedAccuracy)} (guessing: ${percent(found.chance)}; Cramér's V ${found.cramersV.toFixed(2)})`,
      OF_THE_CONTENT.has(found.property)
        ? "Either the disease changes it, or the classes come from different devices or sources: find out which."
        : "That is no matter of the disease: classes come from different sources. A model can learn the source instead.",
    );
  }
  for (const found of bySplit.filter((association) => isWarned(association))) {
    add(
      "warning",
      "property-differs-between-splits",
      `${capitalised(found.property)} differs between splits (Cramér's V ${found.cramersV.toFixed(2)})`,
      "The splits do not come from the same source. Figures on one may not hold on the other; say so where that is wanted.",
    );
  }
  const { splits } = greyLevels;
  if (splits && splits.distance >= WARNED_DISTANCE) {
    const title = `Grey levels of ${splits.a} and ${splits.b} are spread differently (distance ${splits.distance.toFixed(2)} of 1)`;
    add(
      "warning",
      "grey-levels-differ",
      title,
      "Another window, device or preparation? Bring them to one scale first.",
    );
  }
}

function isShortcut({
  balancedAccuracy,
  chance,
  pValue,
}: {
  balancedAccuracy: number;
  chance: number;
  pValue: number;
}) {
  return pValue < SURE && balancedAccuracy - chance >= WARNED_LIFT * (1 - chance);
}

function isWarned(found: PropertyAssociation): boolean {
  return found.cramersV >= (OF_THE_CONTENT.has(found.property) ? WARNED_CONTENT_V : WARNED_V) && isShortcut(found);
}

function privacyFindings({ dicom }: Facts, add: Add): void {
  const names = Object.entries(dicom.identifying);
  if (names.length === 0) return;
  add(
    "warning",
    "identifying-attributes",
    `DICOM headers may tell who the patients are: ${names.map(([name, files]) => `${name} (${count(files, "file")})`).join(", ")}`,
    "Anonymise before the files leave the hospital: data anonymise does. Text burned into pixels stays.",
  );
}

function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
