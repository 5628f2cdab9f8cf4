import { Document, isScalar, LineCounter, parseDocument } from "yaml";
import { messageOf } from "../support/errors.ts";
import { infoOf, type Shape } from "./fields.ts";
import { ConfigError, showValue } from "./problems.ts";
import { formatSize, type Size } from "./size.ts";
import type { AnyVerb, OptionsOf } from "./verb.ts";

/**
 * Reads YAML text whose top level is a mapping.
 * @throws MsmaeError `Config` where the text is no YAML, or something else than a mapping.
 */
export function parseYamlMapping(text: string, fileName: string): Record<string, unknown> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: "error" });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new ConfigError([
      {
        where: `${fileName}:${line}:${col}`,
        expected: "valid YAML",
        got: `a syntax error (${error.message.split("\n")[0]})`,
        todo: "correct that line",
      },
    ]);
  }
  const value = plainValue(document, fileName);
  if (value === null || value === undefined) return {};
  if (typeof value !== "object" || Array.isArray(value)) {
    throw new ConfigError([
      {
        where: fileName,
        expected: "a mapping of option names to values",
        got: showValue(value),
        todo: "write lines such as `epochs: 20`",
      },
    ]);
  }
  return { ...value };
}

/** The plain value of a document. Few anchors and aliases in a row could stand for more values than memory holds. */
function plainValue(document: Document.Parsed, fileName: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new ConfigError([
      {
        where: fileName,
        expected: "values, and aliases of few values that stand before them",
        got: messageOf(error),
        todo: "write the values out",
      },
    ]);
  }
}

/**
 * The fully resolved options as a commented YAML file. Given back as `--config` to the same verb, it repeats the run.
 */
export function toYaml<V extends AnyVerb>(verb: V, options: OptionsOf<V>): string {
  const shape: Shape = verb.schema.shape;
  const values = options as Readonly<Record<string, unknown>>;
  const plain: Record<string, unknown> = {};
  for (const name of Object.keys(shape)) {
    const value = values[name];
    if (value === undefined) continue;
    plain[name] = name === "inputSize" ? formatSize(value as Size) : value;
  }
  const document = new Document(plain, { aliasDuplicateObjects: false });
  document.commentBefore = ` Resolved configuration. Repeat this run: msmae ${verb.name} --config <this file>`;
  if (document.contents !== null && "items" in document.contents) {
    for (const { key } of document.contents.items as { key: unknown }[]) {
      if (!isScalar(key)) continue;
      const schema = shape[String(key.value)];
      if (schema !== undefined) key.commentBefore = ` ${infoOf(schema).description}`;
    }
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}
