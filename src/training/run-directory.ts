import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFor, writeFileAtomic } from "../support/files/atomic-file.ts";
import { namedFiles, type OutputFolder, type ResultKind } from "../support/files/output-folder.ts";
import {
  type EnvironmentInput,
  type EpochRecord,
  EventFileWriter,
  JsonLinesLog,
  type JsonLinesLogOptions,
  type ModelCardInput,
  modelCard,
  writeEnvironment,
} from "./records/index.ts";

/** Names of what a run leaves in its folder, as the inside of a regular expression. */
export const RUN_FILES =
  "config\\.yaml|env\\.json|log(\\.damaged)?\\.txt|metrics\\.json|split\\.csv|README\\.md|events\\.out\\.tfevents\\.\\d+\\.msmae\\.\\d+\\.\\d+|(last|best|ema|checkpoint-\\d+)(\\.\\d+\\.state)?\\.safetensors|classifier\\.safetensors";
const runFile = new RegExp(`^(${RUN_FILES})$`);

export const trainingRun: ResultKind = {
  name: "a training run",
  earlier: namedFiles(runFile),
  instead: (folder) => `go on with it by --resume ${folder}`,
};

/** The folder of a run and the records it keeps while it goes on. */
export class RunDirectory implements AsyncDisposable {
  readonly #folder: OutputFolder;
  /** Seconds that the run's finished epochs took, before this process went on with it. */
  readonly earlierSeconds: number;
  readonly #log: JsonLinesLog;
  readonly #events: EventFileWriter;

  private constructor(folder: OutputFolder, log: JsonLinesLog, events: EventFileWriter) {
    this.#folder = folder;
    this.earlierSeconds = Number(log.lastRecord?.train_elapsed_seconds ?? 0);
    this.#log = log;
    this.#events = events;
  }

  /**
   * Writes what is known at the start: the resolved options and the environment. A resumed run's log has to hold
   * `records`. @throws MsmaeError Data when the folder cannot be written.
   */
  static async open(
    folder: OutputFolder,
    start: { configYaml: string; environment: EnvironmentInput } & Required<JsonLinesLogOptions>,
  ): Promise<RunDirectory> {
    await removeTemporaries(folder.current);
    await writeFileAtomic(folder.at("config.yaml"), start.configYaml);
    await writeEnvironment(folder.current, start.environment);
    const log = await JsonLinesLog.open(folder.at("log.txt"), start);
    try {
      return new RunDirectory(folder, log, await EventFileWriter.open(folder.current));
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  /** The folder's name, as the user gave it. */
  get name(): string {
    return this.#folder.path;
  }

  /** Where files are to be written at the moment: a run takes its folder's place with its first state. */
  get folder(): string {
    return this.#folder.current;
  }

  /** What the log says of each epoch, without times. */
  get records(): readonly EpochRecord[] {
    return this.#log.records;
  }

  /** Makes sure that no other process has taken the folder. @throws MsmaeError Data when one has. */
  check(): Promise<void> {
    return this.#folder.check();
  }

  /** Gives a run that has a state its place. */
  publish(): Promise<void> {
    return this.#folder.publish();
  }

  path(name: string): string {
    return this.#folder.at(name);
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

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#log.close();
    } finally {
      await this.#events.close();
    }
  }
}

/** Removes what a process that was killed was writing at that moment: a checkpoint's worth each. */
async function removeTemporaries(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const target = temporaryFor(name);
    if (target !== undefined && runFile.test(target)) await rm(join(folder, name), { force: true });
  }
}

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const slashed = (prefix: string, values: Record<string, number>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}/${name}`, value]));
