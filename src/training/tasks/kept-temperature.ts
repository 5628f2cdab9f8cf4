import type { TargetOptions } from "../../data/targets/target.ts";
import { isClassification } from "../../inference/outcomes/classes.ts";
import type { Gathered } from "../../inference/outcomes/outcome.ts";
import type { ModelDescription } from "../../interop/model-file.ts";
import type { ImageModelConfig } from "../../method/models/config.ts";
import { fitTemperature } from "../../results/metrics/index.ts";
import type { RunHooks } from "../../support/events.ts";
import type { RunContext } from "../definition.ts";
import type { RunOptions } from "../setup.ts";
import type { TaskState } from "../task.ts";

/** The name of the temperature in a state. */
const KEY = "temperature";
/** Digits that float32, in which a state is kept, holds exactly. */
const DIGITS = 6;

/** What of a run the temperature depends on. */
type TemperatureContext = Pick<
  RunContext<RunOptions & { temperature: "fit" | "none" }, ImageModelConfig>,
  "options" | "data" | "hooks"
>;

/** The temperature of the weights that were validated last, for the checkpoints that hold them. */
export class KeptTemperature {
  readonly #hooks: RunHooks;
  /** Whether there is to be one. */
  readonly #fits: boolean;
  #temperature: number | undefined;
  #told = false;

  constructor({ options, data, hooks }: TemperatureContext, { kind }: TargetOptions = { kind: "class" }) {
    this.#hooks = hooks;
    this.#fits = options.temperature === "fit" && kind === "class";
    if (data.folder.splits.val.length === 0) this.#tell("there are no validation images");
  }

  /** Takes what was said of the validation images. */
  validated(result: Gathered, classNames: readonly string[]): void {
    if (!this.#fits || !isClassification(result)) return;
    const { temperature, reason } = fitTemperature(result.logits, result.labels, classNames.length);
    if (reason !== undefined) this.#tell(reason);
    this.#temperature = reason === undefined ? Number(temperature.toPrecision(DIGITS)) : undefined;
  }

  describe(): Pick<ModelDescription, "temperature"> {
    return this.#temperature === undefined ? {} : { temperature: this.#temperature };
  }

  state(): TaskState {
    return this.#temperature === undefined ? {} : { [KEY]: Float32Array.of(this.#temperature) };
  }

  restore({ [KEY]: kept }: TaskState): void {
    if (this.#fits && kept?.[0] !== undefined) this.#temperature = Number(kept[0].toPrecision(DIGITS));
  }

  /** Says once why there is no temperature. */
  #tell(reason: string): void {
    if (this.#told || !this.#fits) return;
    this.#told = true;
    this.#hooks.onEvent?.({ type: "note", message: `probabilities are not calibrated by a temperature: ${reason}` });
  }
}
