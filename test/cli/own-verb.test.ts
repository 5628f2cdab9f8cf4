import { expect, test } from "vitest";
import { z } from "zod";
import { filesVerb, resultVerb } from "../../src/apps/cli/verb.ts";
import { runtimeFields } from "../../src/config/common.ts";
import { field } from "../../src/config/fields.ts";
import { type OptionsOf, verbOptions } from "../../src/config/index.ts";
import { run } from "./fakes.ts";

const options = verbOptions({
  name: "count",
  schema: z.strictObject({
    words: field(z.array(z.string().min(1)).min(1), "Words to count.", {
      positional: true,
      placeholder: "word",
      expected: "one or more words",
    }),
    times: field(z.int().min(1).default(1), "How often each is counted."),
    most: field(z.int().min(1).optional(), "Largest count that is no fault.", { defaultText: "ten times the words" }),
    ...runtimeFields,
  }),
  derived: ["most"],
  complete(options) {
    if (options.words) options.most ??= 10 * options.words.length;
  },
  checks: [
    ({ times, most }) =>
      times !== undefined && most !== undefined && times > most
        ? [{ where: "times", expected: `at most ${most}`, got: `${times}`, todo: "lower it" }]
        : [],
  ],
});

const count = resultVerb({
  options,
  summary: "Count words.",
  example: "count one two --times 2",
  notes: "Words are taken as they are.",
  run: async ({ words, times }, { onEvent }) => {
    onEvent?.({ type: "note", message: "counting" });
    return { total: words.length * times };
  },
  view: ({ total }) => [`${total} words`],
  exitCode: ({ total }, { most }) => (total > most ? 3 : 0),
});

const echo = filesVerb({
  options: verbOptions({ name: "words echo", schema: options.schema }),
  summary: "Say words again.",
  example: "words echo one",
  async *run({ words }: OptionsOf<typeof options>) {
    for (const path of words)
      yield path === "bad" ? { path, error: { code: "Data", message: "worn out" } } : { path, said: path };
  },
  view: ({ said }) => `said ${said}`,
});

const words = (...argv: string[]) => run(argv, {}, [count, echo]);

test("a verb of two descriptions runs with its options, defaults and exit code", async () => {
  expect(await words("count", "a", "b", "--times", "3")).toEqual({
    code: 0,
    stdout: "6 words\n",
    stderr: "counting\n",
  });
  expect(await words("count", "a", "--times=12", "--most", "99", "--json", "--quiet")).toEqual({
    code: 0,
    stdout: '{"total":12}\n',
    stderr: "",
  });
  expect(await words("count", "a", "b", "--times", "20")).toMatchObject({ code: 3, stdout: "40 words\n" });
});

test("its mistakes are told together and its help is complete", async () => {
  const { code, stderr } = await words("count", "--times", "0", "--device", "abacus");
  expect([code, stderr.split("\n")]).toEqual([
    2,
    [
      "error[Config]: words: expected one or more words, got nothing; give WORD after the verb, or words in a configuration file",
      expect.stringContaining("error[Config]: times: expected a whole number of at least 1, got 0"),
      expect.stringContaining("error[Config]: device: expected one of cpu, webgpu, cuda"),
      "",
    ],
  ]);
  const contradiction = await words("count", "a", "--times", "11");
  expect(contradiction).toMatchObject({
    code: 2,
    stderr: "error[Config]: times: expected at most 10, got 11; lower it\n",
  });
  const { stdout } = await words("count", "--help");
  expect(stdout).toContain("--most <n>");
  expect(stdout).toContain("Words are taken as they are.\n\nExample:\n  $ msmae count one two --times 2\n");
  expect((await words("--help")).stdout).toMatch(/^ {2}count .*Count words\.$/m);
});

test("a verb of a group says a line per file, and ends with 3 only where all failed", async () => {
  expect(await words("words", "echo", "a", "bad")).toMatchObject({
    code: 0,
    stdout: "a  said a\nbad  error[Data]: worn out\n",
  });
  expect((await words("words", "echo", "bad")).code).toBe(3);
});
