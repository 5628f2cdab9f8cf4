import { constants } from "node:fs";
import { access, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../atomic-file.ts";
import { MsmaeError, messageOf } from "../errors.ts";
import {
  type EnvironmentInput,
  EventFileWriter,
  JsonLinesLog,
  type ModelCardInput,
  modelCard,
  writeEnvironment,
} from "./telemetry/index.ts";

/** The folder of a run and the records it keeps while it goes on. */
export class RunDirectory {
  readonly folder: string;
  /** Seconds that the run's finished epochs took, before this process went on with it. */
  readonly earlierSeconds: number;
  readonly #log: JsonLinesLog;
  readonly #events: EventFileWriter;

  private constructor(folder: string, log: JsonLinesLog, events: EventFileWriter) {
    this.folder = folder;
    this.earlierSeconds = Number(log.lastRecord?.train_elapsed_seconds ?? 0);
    this.#log = log;
    this.#events = events;
  }

  /**
   * Makes the folder and writes what is known at the start: the resolved options and the environment. A resumed run
   * keeps the log of the epochs before `fromEpoch`. @throws MsmaeError Data when the folder cannot be written.
   */
  static async open(
    folder: string,
    start: { configYaml: string; environment: EnvironmentInput; fromEpoch: number },
  ): Promise<RunDirectory> {
    try {
      await mkdir(folder, { recursive: true });
      await access(folder, constants.W_OK);
    } catch (cause) {
      throw new MsmaeError(
        "Data",
        {
          where: folder,
          expected: "a folder that can be written",
          got: messageOf(cause),
          todo: "choose another --output-dir",
        },
        { cause },
      );
    }
    await writeFileAtomic(join(folder, "config.yaml"), start.configYaml);
    await writeEnvironment(folder, start.environment);
    const log = await JsonLinesLog.open(join(folder, "log.txt"), { fromEpoch: start.fromEpoch });
    return new RunDirectory(folder, log, await EventFileWriter.open(folder));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Values of one optimiser step, for TensorBoard. */
  scalars(step: number, values: Readonly<Record<string, number>>): void {
    for (const [tag, value] of Object.entries(values)) this.#events.scalar(tag, value, { step });
  }

  /** One line of log.txt, with MAE's `train_` and `test_` prefixes, and the same values for TensorBoard. */
  async logEpoch(
    epoch: number,
    step: number,
    train: Record<string, number>,
    validation: Record<string, number> = {},
  ): Promise<void> {
    const prefixed = (prefix: string, values: Record<string, number>) =>
      Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}_${snakeCase(name)}`, value]));
    await this.#log.append({ epoch, ...prefixed("train", train), ...prefixed("test", validation) });
    this.scalars(step, { ...slashed("epoch", train), ...slashed("val", validation) });
    await this.#events.flush();
  }

  async writeJson(name: string, value: unknown): Promise<void> {
    await this.write(name, `${JSON.stringify(value, null, 2)}\n`);
  }

  async write(name: string, content: string): Promise<void> {
    await writeFileAtomic(this.path(name), content);
  }

  /** The run's README.md. */
  async writeModelCard(input: ModelCardInput): Promise<void> {
    await this.write("README.md", modelCard(input));
  }

  async close(): Promise<void> {
    await this.#log.close();
    await this.#events.close();
  }
}

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const slashed = (prefix: string, values: Record<string, number>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}/${name}`, value]));
