import type { ParameterStore } from "../parameters/parameter-store.ts";
import { Optimizer, type OptimizerThreads, type Scalars } from "./optimizer.ts";
import { GROUP, OPERATION, SCALAR } from "./optimizer-job.ts";
import type { ParameterGroup } from "./parameter-groups.ts";
import { settingCheck } from "./step-options.ts";

/** What stays the same over all steps. */
export interface LarsOptions extends OptimizerThreads {
  /** Share of the last movement that goes on. */
  momentum: number;
  /** How far a tensor moves at learning rate 1, as a share of its own norm. */
  trustCoefficient: number;
}

/**
 * Momentum with a rate for each tensor, by which it moves in proportion to its own norm. Weight decay is coupled: the
 * groups' `l2`. Tensors of rank 1, such as biases, move by the plain gradient.
 *
 * Source: You, Gitman and Ginsburg 2017, algorithm 1; exceptions and order of operations as MAE's linear probe.
 */
export class Lars extends Optimizer {
  readonly #trustCoefficient: number;
  /** Groups whose movement follows their norm. */
  readonly #scaled: readonly boolean[];

  /**
   * @throws MsmaeError "Config" for settings out of range, missing moments, groups that do not fit the store, or a
   * decoupled decay, which it does not have.
   */
  constructor(store: ParameterStore, groups: ReadonlyMap<string, ParameterGroup>, options: LarsOptions) {
    const { momentum, trustCoefficient, ...threads } = options;
    const check = settingCheck("LARS");
    check("momentum", momentum, momentum >= 0 && momentum < 1, "a number in [0, 1)");
    const positive = trustCoefficient > 0 && trustCoefficient < Infinity;
    check("trustCoefficient", trustCoefficient, positive, "a positive number");
    for (const [name, { weightDecay }] of groups) {
      check(`weightDecay of "${name}"`, weightDecay, weightDecay === 0, "0: its decay is the coupled one, l2");
    }
    super("LARS", store, groups, threads);
    this.job.scalars[SCALAR.momentum] = momentum;
    this.#trustCoefficient = trustCoefficient;
    this.#scaled = store.trainableNames.map((name) => store.shapeOf(name).length > 1);
  }

  protected override update(scalars: Scalars): void {
    this.run(OPERATION.larsNorms, scalars);
    this.#trust();
    this.run(OPERATION.lars, scalars);
  }

  /** Sets each group's rate from the norms of its pieces, whose sums have a fixed order. */
  #trust(): void {
    const { pieces, norms, groups } = this.job;
    const squares = new Float64Array(2 * this.#scaled.length);
    for (let piece = 0; piece < pieces.length / 4; piece++) {
      const group = pieces[4 * piece + 3] as number;
      for (const place of [0, 1]) {
        const at = 2 * group + place;
        squares[at] = (squares[at] as number) + (norms[2 * piece + place] as number);
      }
    }
    for (const [group, scaled] of this.#scaled.entries()) {
      const ofParameter = Math.sqrt(squares[2 * group] as number);
      const ofUpdate = Math.sqrt(squares[2 * group + 1] as number);
      const follows = scaled && ofParameter > 0 && ofUpdate > 0;
      groups[GROUP.words * group + GROUP.trust] = follows ? (this.#trustCoefficient * ofParameter) / ofUpdate : 1;
    }
  }
}
