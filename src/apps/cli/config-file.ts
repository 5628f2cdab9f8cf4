import { ConfigError } from "../../config/problems.ts";
import { messageOf } from "../../support/errors.ts";
import { readRegular } from "../../support/files/regular-file.ts";

/** Larger than any configuration, in bytes: what is larger is another file, given by mistake. */
const LARGEST = 2 ** 20;

/**
 * The text of the file of `--config`.
 * @throws MsmaeError `Config` for what is no regular file, is larger than a configuration or no UTF-8 text.
 */
export async function readConfigFile(path: string | undefined): Promise<{ file?: string; fileName?: string }> {
  if (path === undefined) return {};
  const refuse = (got: string, todo: string): ConfigError =>
    new ConfigError([{ where: "--config", expected: "a readable YAML file", got: `${path} (${got})`, todo }]);
  const bytes = await readRegular(path, LARGEST).catch((error: unknown) => {
    throw refuse(messageOf(error), "name a configuration, such as the config.yaml of a run");
  });
  if (bytes.includes(0)) throw refuse("no UTF-8 text", "save it as UTF-8");
  try {
    return { file: new TextDecoder("utf-8", { fatal: true }).decode(bytes), fileName: path };
  } catch {
    throw refuse("no UTF-8 text", "save it as UTF-8");
  }
}
