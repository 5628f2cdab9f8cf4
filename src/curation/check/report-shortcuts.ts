import { facts, type Html, html, percent, table } from "../../results/report/html.ts";
import type { CheckReportInput } from "./report-input.ts";
import { meanBorders } from "./report-pictures.ts";
import { OF_THE_CONTENT, type PropertyAssociation } from "./shortcuts.ts";

/** What tells the classes apart beside the disease. */
export async function shortcutContent({ result, pictures, dataset }: CheckReportInput): Promise<Html[]> {
  const { borderProbe, pictureProbe, byClass, bySplit, greyLevels, classBySplit } = result.shortcuts;
  const content: Html[] = [
    html`<p>A network takes whatever tells the classes apart, also what has nothing to do with the disease: a frame, burned-in
text, the size of the file. Here is how far one gets with that alone.</p>`,
  ];
  if (borderProbe && pictureProbe) {
    const rows = [
      ["the border alone (outermost sixteenth of each side)", percent(borderProbe.balancedAccuracy)],
      ["the whole picture, 16 × 16 pixels", percent(pictureProbe.balancedAccuracy)],
      ["guessing", percent(borderProbe.chance)],
    ];
    const p = borderProbe.pValue < 0.001 ? "below 0.001" : borderProbe.pValue.toFixed(3);
    content.push(
      table(
        `Share named right by a simple (linear) classifier, mean over the classes, cross-validated on ${borderProbe.n} pictures; copies and pictures of one patient never on both sides. Guessing does as well as the border with probability ${p}.`,
        [{ title: "It sees" }, { title: "balanced accuracy", numeric: true }],
        rows,
      ),
      html`<h3>Mean border of each class</h3>`,
      await meanBorders(pictures, dataset.classNames),
    );
  } else content.push(html`<p>Too few pictures of each class for a cross-validation.</p>`);
  if (byClass.length > 0) content.push(propertyTable("One property alone against the class", byClass, "class"));
  if (bySplit.length > 0) content.push(propertyTable("One property alone against the split", bySplit, "split"));
  const spread = [
    greyLevels.classes && {
      label: "Grey levels, most different classes",
      value: `${greyLevels.classes.a} and ${greyLevels.classes.b}: distance ${greyLevels.classes.distance.toFixed(2)} of 1`,
    },
    greyLevels.splits && {
      label: "Grey levels, most different splits",
      value: `${greyLevels.splits.a} and ${greyLevels.splits.b}: distance ${greyLevels.splits.distance.toFixed(2)} of 1`,
    },
    classBySplit !== null && { label: "Class against split", value: `Cramér's V ${classBySplit.toFixed(2)}` },
  ].filter((fact) => fact !== null && fact !== false);
  if (spread.length > 0) content.push(facts(spread));
  return content;
}

function propertyTable(title: string, found: readonly PropertyAssociation[], target: string): Html {
  const columns = [
    { title: "Property" },
    { title: "Cramér's V", numeric: true },
    { title: `names the ${target}`, numeric: true },
    { title: "guessing", numeric: true },
    { title: "" },
  ];
  const rows = found.map(({ property, cramersV, balancedAccuracy, chance }) => [
    property,
    cramersV.toFixed(2),
    percent(balancedAccuracy),
    percent(chance),
    target === "class" && OF_THE_CONTENT.has(property) ? "the disease may change it" : "",
  ]);
  return table(`${title}: 0 is no relation, 1 gives it away.`, columns, rows);
}
