import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { describe, expect, test } from "vitest";
import { serveExample } from "../../examples/engine/serve.ts";
import { afterAdamW } from "../tolerances.ts";

const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium"].find((path) => path && existsSync(path));
const skipped = executablePath ? "" : " (SKIPPED: no /usr/bin/chromium, and CHROMIUM names no browser)";
/** Browser and compilation on a machine that has other work. */
const patience = 300_000;

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** What the example's `train` gives. */
interface Trained {
  losses: number[];
  accuracy: number;
}

function runNode(...args: string[]): string {
  // The example imports the package by its name, which stands for what was built last.
  expect(existsSync(file("dist/engine/node.js")), "a build: npm run build").toBe(true);
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: patience });
  expect(status, stderr).toBe(0);
  return stdout;
}

const call = `import { train } from ${JSON.stringify(new URL("../../examples/engine/spirals.js", import.meta.url).href)};
console.log(JSON.stringify(await train()));`;
const trainInNode = (): Trained => JSON.parse(runNode("--eval", call)) as Trained;

/** Steps in which rounding has not grown yet (seen: 6e-7). From there on two correct programs drift apart. */
const compared = 50;

function expectLearnt({ losses, accuracy }: Trained): void {
  expect(losses).toHaveLength(200);
  expect(losses[0]).toBeGreaterThan(0.6);
  expect(losses.at(-1)).toBeLessThan(0.05);
  expect(accuracy).toBe(1);
}

/** The lines that node.js and page.js print. */
function expectTold(lines: readonly string[]): void {
  expect(lines).toHaveLength(10);
  lines.forEach((line, i) => {
    expect(line).toMatch(new RegExp(`^step ${20 * (i + 1)}: loss 0\\.\\d{4}, accuracy [01]\\.\\d{3}$`));
  });
  expect(lines.at(-1)).toMatch(/accuracy 1\.000$/);
}

describe("the engine's example", () => {
  test("learns in Node, from the built package, and gives the same numbers twice", { timeout: patience }, () => {
    const trained = trainInNode();
    expectLearnt(trained);
    expect(trainInNode()).toEqual(trained);
  });

  test("node.js tells how it goes", { timeout: patience }, () => {
    expectTold(runNode(file("examples/engine/node.js")).trim().split("\n"));
  });

  test.skipIf(!executablePath)(
    `learns in a page in headless Chromium, with the numbers of Node${skipped}`,
    { timeout: patience },
    async () => {
      await using resources = new AsyncDisposableStack();
      const server = await serveExample();
      resources.defer(() => server.close());
      const browser = await chromium.launch({ executablePath, timeout: patience });
      resources.defer(() => browser.close());
      const page = await browser.newPage();
      const failures: string[] = [];
      page.on("pageerror", ({ message }) => failures.push(message));
      await page.goto(server.origin, { timeout: patience });
      await page.getByText("done").waitFor({ timeout: patience });
      expectTold((await page.locator("#log").innerText()).trim().split("\n").slice(0, -1));
      // As text: vitest rewrites an import in a function.
      const trained = await page.evaluate<Trained>(`import("/spirals.js").then(({ train }) => train())`);
      expect(failures).toEqual([]);
      expect(server.requested).toContain("web-engine-worker.js");
      expectLearnt(trained);
      const inNode = trainInNode();
      for (let step = 0; step < compared; step++) {
        const [got, expected] = [trained.losses[step] as number, inNode.losses[step] as number];
        expect(Math.abs(got - expected) / expected, `loss of step ${step}`).toBeLessThan(
          afterAdamW.float32.cpu.relative,
        );
      }
    },
  );

  /** The page's lines of JavaScript: those of the example, and those that take products in 8 bits. */
  function linesOfPage(): { example: string[]; int8: string[] } {
    const page = readFileSync(file("docs/engine.md"), "utf8");
    const blocks = Array.from(page.matchAll(/```js\n(.*?)```/gs), ([, code]) => code as string);
    const [int8 = [], example = []] = [true, false].map((wanted) =>
      blocks.filter((block) => block.includes("inInt8") === wanted),
    );
    return { example, int8 };
  }
  const source = readFileSync(file("examples/engine/spirals.js"), "utf8");

  test("stands in docs/engine.md as it is", () => {
    const { example } = linesOfPage();
    expect(example.length).toBeGreaterThan(3);
    for (const block of example) expect(source).toContain(block);
  });

  test("learns with the page's lines on products in 8 bits in the place of its own", { timeout: patience }, () => {
    const { int8 } = linesOfPage();
    expect(int8).toHaveLength(1);
    const inFloat32 = /const engine = await openEngine\(.*?\n|await engine\.load\(.*?\n/g;
    expect(source.match(inFloat32)).toHaveLength(2);
    const [load = "", ...opening] = (int8[0] as string).trimEnd().split("\n").reverse();
    const lines = [opening.reverse().join("\n"), load];
    const changed = source.replace(inFloat32, () => `${lines.shift()}\n`).replace("import {", "import { inInt8,");
    const told = runNode("--input-type=module", "--eval", `${changed}\nconsole.log(JSON.stringify(await train()));`);
    const trained = JSON.parse(told) as Trained;
    expectLearnt(trained);
    expect(trained.losses).not.toEqual(trainInNode().losses);
  });
});
