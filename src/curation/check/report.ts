import { SPLITS } from "../../data/dataset.ts";
import { parseWindow } from "../../images/window.ts";
import { type Html, html, percent, section, table } from "../../results/report/html.ts";
import { type PageSection, renderPage, tileRow } from "../../results/report/page.ts";
import type { Dropped } from "./clean-split.ts";
import type { LocatedPair } from "./pairs.ts";
import { fileContent } from "./report-files.ts";
import type { CheckReportInput } from "./report-input.ts";
import { methodSection } from "./report-method.ts";
import { PictureReader, pairGrid } from "./report-pictures.ts";
import { shortcutContent } from "./report-shortcuts.ts";
import type { CheckResult, Finding } from "./result.ts";

/** Pairs shown of each kind. */
const SHOWN = { identical: 9, near: 24, conflicts: 12, within: 9 };

/** A check's result as one HTML page with its pictures inside. */
export async function checkReport(input: CheckReportInput): Promise<string> {
  const { result, pictures, pairs, options } = input;
  const reader = new PictureReader(pictures, parseWindow(options.window), options.sliceAxis);
  const sections: PageSection[] = [];
  const add = (id: string, short: string, title: string, ...content: Html[]) =>
    sections.push({ id, short, content: section(id, title, ...content) });
  add("findings", "Findings", "What was found", findingList(result.findings));
  for (const kind of pairKinds(pairs)) {
    if (kind.pairs.length === 0) continue;
    const note = html`<p class="note">${kind.shown.length} of ${kind.pairs.length} pairs${kind.order}.</p>`;
    add(kind.id, kind.short, kind.title, html`<p>${kind.text}</p>`, await pairGrid(reader, kind.shown), note);
  }
  add("classes", "Classes", "Classes and splits", classTable(result));
  add("shortcuts", "Shortcuts", "What else tells the classes apart", ...(await shortcutContent(input)));
  add("files", "Files", "The files", ...(await fileContent(input, reader)));
  if (result.dicom.files > 0) add("privacy", "Privacy", "Who the patients are", privacyContent(result));
  if (result.fix) add("fix", "Cleaned split", "The cleaned split", fixContent(result.fix));
  add("method", "How", "How it was looked for", ...methodSection({ ...input.options, data: input.data }));
  return renderPage({
    title: result.leakage ? "Data check: the splits leak" : "Data check: no leak between splits was found",
    lead: leadOf(input),
    tiles: tiles(result),
    sections,
  });
}

function leadOf({ result, dataset, data }: CheckReportInput): string {
  const splits = SPLITS.filter((split) => dataset.splits[split].length > 0);
  const what = `${result.images.toLocaleString("en")} pictures of ${Object.keys(result.classCounts).length} classes in ${data}`;
  if (splits.length < 2)
    return `${what}, which names no splits: only copies and patients within it could be looked for.`;
  const verdict = result.leakage
    ? "Some stand on both sides of a split, exactly or nearly. Figures measured with these splits are better than the model; separate them before training."
    : "No picture, near-copy, patient or lesion was found on both sides of a split.";
  return `${what}. ${verdict}`;
}

function tiles(result: CheckResult): Html {
  const tile = (value: number, label: string) => ({ value: value.toLocaleString("en"), label });
  return tileRow([
    tile(result.identicalAcrossSplits, "pictures identical across splits"),
    tile(result.nearIdenticalAcrossSplits, "more nearly identical across splits"),
    tile(result.groupsAcrossSplits, "pictures of a patient or lesion in two splits"),
    tile(result.labelConflicts, "pictures under two classes"),
    tile(
      result.unreadable.reduce((sum, { images = 1 }) => sum + images, 0),
      "images that cannot be read",
    ),
  ]);
}

const BADGES = { leak: "Leak", warning: "Look at this", note: "Good to know" } as const;
const MARKS = { leak: "leak", warning: "warning-mark", note: "note-mark" } as const;

function findingList(findings: readonly Finding[]): Html {
  if (findings.length === 0) return html`<p>Nothing to remark on.</p>`;
  const items = findings.map(
    ({ level, title, text }) =>
      html`<li class="${MARKS[level]}"><span class="badge">${BADGES[level]}</span>${title}<p class="note">${text}</p></li>`,
  );
  return html`<ul class="findings">${items}</ul>`;
}

interface PairKind {
  id: string;
  short: string;
  title: string;
  text: string;
  pairs: LocatedPair[];
  shown: LocatedPair[];
  order: string;
}

function pairKinds(pairs: readonly LocatedPair[]): PairKind[] {
  const kind = (
    [id, short, title]: [string, string, string],
    text: string,
    most: number,
    of: (pair: LocatedPair["pair"]) => boolean,
  ) => {
    const all = pairs.filter(({ pair }) => of(pair));
    const spread = all.length > most;
    const shown = spread
      ? Array.from({ length: most }, (_, k) => all[Math.floor((k * all.length) / most)] as LocatedPair)
      : all;
    return {
      id,
      short,
      title,
      text,
      pairs: all,
      shown,
      order: spread ? ", drawn evenly from the most to the least alike" : "",
    };
  };
  const conflict = ({ a, b }: LocatedPair["pair"]) => a.class !== b.class;
  return [
    kind(
      ["conflicts", "Conflicts", "The same picture, two classes"],
      "Left and right show the same and bear different labels. One is wrong, or the classes overlap.",
      SHOWN.conflicts,
      conflict,
    ),
    kind(
      ["identical", "Identical", "Identical on both sides of a split"],
      "The pixels of left and right are equal, whatever the file is called.",
      SHOWN.identical,
      (pair) => pair.acrossSplits && pair.kind === "identical" && !conflict(pair),
    ),
    kind(
      ["near", "Nearly identical", "Nearly identical on both sides of a split"],
      "One is a copy of the other that was mirrored, turned, cropped, brightened or stored anew, or both are neighbouring slices of one patient. Judge for yourself: the last ones are the least alike that still count.",
      SHOWN.near,
      (pair) => pair.acrossSplits && pair.kind === "near-identical" && !conflict(pair),
    ),
    kind(
      ["within", "Within a split", "Copies within a split"],
      "They do not spoil a test by themselves, but count twice, and come apart when a validation set is drawn at random.",
      SHOWN.within,
      (pair) => !pair.acrossSplits && !conflict(pair),
    ),
  ];
}

function classTable({ classCounts, splitClassCounts }: CheckResult): Html {
  const total = Object.values(classCounts).reduce((sum, n) => sum + n, 0);
  const splits = SPLITS.filter((split) => Object.values(splitClassCounts[split]).some((n) => n > 0));
  const columns = [
    { title: "Class" },
    ...splits.map((split) => ({ title: split, numeric: true })),
    { title: "all", numeric: true },
    { title: "share", numeric: true },
  ];
  const rows = Object.entries(classCounts).map(([name, n]) => [
    name,
    ...splits.map((split) => String(splitClassCounts[split][name] ?? 0)),
    String(n),
    percent(n / Math.max(1, total)),
  ]);
  return table("Pictures of each class in each split.", columns, rows);
}

function privacyContent({ dicom }: CheckResult): Html {
  const rows = Object.entries(dicom.identifying)
    .sort(([, a], [, b]) => b - a)
    .map(([name, files]) => [name, String(files)]);
  if (rows.length === 0)
    return html`<p>None of the attributes looked for holds anything in the headers of ${dicom.files} DICOM files. That is no proof: free text, private attributes and the pixels themselves can name a patient too.</p>`;
  return html`<p>Attributes that may tell who a patient is, and in how many of ${dicom.files} DICOM files they hold more than a placeholder. Their values are shown nowhere.</p>
${table("Attributes by their names in the standard.", [{ title: "Attribute" }, { title: "files", numeric: true }], rows)}`;
}

const REASONS: Record<keyof Dropped, string> = {
  unreadable: "cannot be read",
  labelConflict: "same pixels under two classes: all copies left out",
  copyAcrossSplits: "copy, or nearly, of a picture in the split that is kept",
  groupAcrossSplits: "of a patient, lesion or file in the split that is kept",
  copyWithinSplit: "second and further copies within a split",
};

function fixContent({ path, keep, images, dropped }: NonNullable<CheckResult["fix"]>): Html {
  const rows = (Object.keys(REASONS) as (keyof Dropped)[]).map((reason) => [REASONS[reason], String(dropped[reason])]);
  const kept =
    keep === "test"
      ? "the later split, so that the test set stays as published"
      : "the earlier split, so that no training image is lost";
  return html`<p>${images} pictures remain in ${path}; the files themselves were not touched. Of copies on two sides, ${kept}, kept its own. Train with <code>--data-path ${path}</code>.</p>
${table("Left out, under the first reason that holds.", [{ title: "Reason" }, { title: "pictures", numeric: true }], rows)}`;
}
