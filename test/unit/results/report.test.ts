import { describe, expect, test } from "vitest";
import { classificationMetrics } from "../../../src/results/metrics/index.ts";
import { escapeHtml, html } from "../../../src/results/report/html.ts";
import { renderReport } from "../../../src/results/report/index.ts";
import { encodePng } from "../../../src/results/report/png.ts";
import { blankImage } from "../../../src/results/visual/index.ts";
import { exampleReport } from "./example-report.ts";

describe("html", () => {
  test("escapes strings, keeps nested templates and joins lists", () => {
    const row = (name: string) => html`<li title="${name}">${name}</li>`;
    expect(html`<ul>${[row(`a"'`), row("<b>&")]}</ul>`.markup).toBe(
      '<ul><li title="a&#34;&#39;">a&#34;&#39;</li>\n<li title="&#60;b&#62;&#38;">&#60;b&#62;&#38;</li></ul>',
    );
  });

  test("control characters that HTML forbids are dropped, line breaks kept", () => {
    expect(escapeHtml("a\u0000b\u001b[31m\nc")).toBe("ab[31m\nc");
  });
});

test("encodePng gives a PNG of the image's size", async () => {
  const png = Buffer.from(await encodePng(blankImage(7, 5, [1, 2, 3])));
  expect(png.subarray(1, 4).toString()).toBe("PNG");
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([7, 5]);
});

describe("the example report", async () => {
  const page = await renderReport(exampleReport());

  test("needs nothing from outside and runs no script", () => {
    // Names of XML name spaces and the link target of the method are the only addresses.
    const addresses = [...page.matchAll(/(?:src|href|url)\s*(?:=\s*"|\()([^")]*)/g)].map(
      ([, address]) => address ?? "",
    );
    expect(addresses.filter((address) => !/^(data:image\/png;base64,|#)/.test(address))).toEqual([]);
    expect(page).not.toMatch(/<script|<link|@import|javascript:|\son[a-z]+=/i);
  });

  test("has every section, each linked from the contents", () => {
    const ids = [...page.matchAll(/<section id="([^"]+)"/g)].map(([, id]) => id);
    expect(ids).toEqual([
      "summary",
      "evaluation",
      "attention",
      "pointing-game",
      "reconstructions",
      "training",
      "provenance",
    ]);
    for (const id of ids) expect(page).toContain(`<a href="#${id}">`);
  });

  test("every picture and chart has a text in its place", () => {
    const pictures = [...page.matchAll(/<img [^>]*>/g)].map(([tag]) => tag);
    expect(pictures.length).toBe(3 * 3 + 2 * 3);
    for (const tag of pictures) expect(tag).toMatch(/ alt="[^"]+"/);
    const charts = [...page.matchAll(/<svg [^>]*>/g)].map(([tag]) => tag);
    expect(charts.length).toBe(6);
    for (const tag of charts) expect(tag).toMatch(/role="img" aria-label="[^"]+"/);
  });

  test("ids are unique and every reference to a clip path resolves", () => {
    const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, id] of page.matchAll(/url\(#([^)]+)\)/g)) expect(ids).toContain(id);
  });

  test("says twice that it is no medical device", () => {
    expect(page.match(/Not a medical device/g)?.length).toBe(2);
  });

  test("carries light and dark colours, also into the charts", () => {
    expect(page).toContain("@media screen and (prefers-color-scheme: dark)");
    expect(page).toContain('stroke="var(--series-1)"');
    // Base64 may spell anything.
    expect(page.replace(/base64,[^"]*/g, "").match(/undefined|NaN/)).toBeNull();
  });

  test("shows figures, interval, specificity and confusion as computed", () => {
    const report = exampleReport();
    const metrics = report.evaluation?.metrics;
    if (metrics === undefined) throw new Error("the example has an evaluation");
    expect(page).toContain(`<b>${(metrics.accuracy * 100).toFixed(1)} %</b>`);
    expect(page).toContain(`<td class="number">${metrics.kappaQuadratic?.toFixed(3)}</td>`);
    const first = metrics.confusion[0]?.[0] ?? 0;
    const support = metrics.perClass[0]?.support ?? 1;
    expect(page).toContain(`<b>${first}</b><span>${((first / support) * 100).toFixed(1)} %</span>`);
    const called = metrics.confusion.reduce((sum, row) => sum + (row[0] ?? 0), 0);
    const specificity = 1 - (called - first) / (metrics.n - support);
    expect(page).toContain(`<td class="number">${(specificity * 100).toFixed(1)} %</td>`);
    const hitRate = report.pointingGame?.results[1]?.result.hitRate ?? 0;
    expect(page).toContain(`${(hitRate * 100).toFixed(1)} % of 24`);
  });
});

describe("unusual input", () => {
  test("a title alone makes a page without empty sections", async () => {
    const page = await renderReport({ title: "only <this>" });
    expect(page).toContain("<h1>only &#60;this&#62;</h1>");
    expect(page).not.toContain("<section");
    expect(page).not.toContain("<nav");
    expect(page).not.toContain('class="tiles"');
  });

  test("class names and paths cannot inject markup, in tables, charts or attributes", async () => {
    const evil = `"><img src=x onerror=alert(1)>`;
    const page = await renderReport(exampleReport([evil, "b</text><script>", "c", "d"]));
    expect(page.match(/<img src=x|<script/)).toBeNull();
    expect(page).toContain("&#62;&#60;img src=x onerror=alert(1)&#62; (0.968)");
  });

  test("a split that holds one class only is shown with its reasons", async () => {
    const metrics = classificationMetrics({
      classNames: ["a", "b"],
      labels: [0, 0],
      probabilities: [0.9, 0.1, 0.8, 0.2],
    });
    const page = await renderReport({ title: "one class", evaluation: { split: "test", metrics } });
    expect(page).toContain("auc of b: no image of this class");
    expect(page).not.toContain("NaN");
  });

  test("twenty classes draw twenty distinguishable series", async () => {
    const classNames = Array.from({ length: 20 }, (_, k) => `class ${k}`);
    const labels = classNames.map((_, k) => k);
    const probabilities = labels.flatMap((label) => labels.map((k) => (k === label ? 0.24 : 0.04)));
    const metrics = classificationMetrics({ classNames, labels, probabilities });
    const page = await renderReport({ title: "many", evaluation: { split: "test", metrics } });
    const styles = [
      ...page.matchAll(/stroke="(var\(--series-\d\))"(?: stroke-width="2")?(?: stroke-dasharray="([^"]+)")?/g),
    ];
    expect(new Set(styles.map(([, colour, dash]) => `${colour} ${dash}`)).size).toBe(20);
  });

  test("a curve of a single epoch is drawn as a point", async () => {
    const page = await renderReport({
      title: "short",
      curves: [{ title: "loss", yTitle: "loss", series: [{ name: "train", points: [[0, 0.5]] }] }],
    });
    expect(page).toMatch(/mark-symbol/);
  });
});
