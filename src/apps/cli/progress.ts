import cliProgress, { type MultiBar, type SingleBar } from "cli-progress";
import type { RunEvent } from "../../support/events.ts";
import { printable } from "../../support/printable.ts";
import { formatDuration, formatNumber } from "./output.ts";

/** Shows a run's events to a person. */
export interface Progress {
  handle(event: RunEvent): void;
  /** Leaves the terminal as it was. */
  stop(): void;
}

export interface ProgressSettings {
  stream: NodeJS.WritableStream & { isTTY?: boolean };
  quiet: boolean;
  /** Milliseconds of a clock that never goes back. */
  now: () => number;
}

export function createProgress(settings: ProgressSettings): Progress {
  if (settings.quiet) return new WarningsOnly(settings.stream);
  return settings.stream.isTTY ? new Bars(settings) : new PlainLines(settings);
}

type StepEvent = Extract<RunEvent, { type: "step" }>;

/** Time left, from the pace since the first step seen: a resumed run does not count the steps before it. */
class Pace {
  readonly #now: () => number;
  #first: { step: number; at: number } | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  remaining({ step, totalSteps }: StepEvent): string {
    this.#first ??= { step, at: this.#now() };
    const steps = step - this.#first.step;
    if (steps <= 0) return "unknown";
    return formatDuration(((this.#now() - this.#first.at) / 1000 / steps) * (totalSteps - step));
  }
}

function describeStep(event: StepEvent, remaining: string): string {
  const loss = formatNumber(event.loss);
  return `loss ${loss} · lr ${event.lr.toExponential(2)} · ${event.imagesPerSecond.toFixed(1)} images/s · ${remaining} left`;
}

function describeMetrics(metrics: Readonly<Record<string, number>>): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${name} ${formatNumber(value)}`)
    .join(" · ");
}

class WarningsOnly implements Progress {
  readonly #stream: NodeJS.WritableStream;

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
  }

  handle(event: RunEvent): void {
    if (event.type === "warning") this.#stream.write(`warning: ${printable(event.message)}\n`);
  }

  stop(): void {}
}

/** For files and pipes: a line per epoch and phase, and for long ones a line every ten seconds. */
class PlainLines implements Progress {
  static readonly #interval = 10_000;
  readonly #settings: ProgressSettings;
  #pace: Pace;
  #totalEpochs = 0;
  #phase = { name: "", total: 0 };
  #lastLine = Number.NEGATIVE_INFINITY;

  constructor(settings: ProgressSettings) {
    this.#settings = settings;
    this.#pace = new Pace(settings.now);
  }

  handle(event: RunEvent): void {
    switch (event.type) {
      case "start":
        this.#totalEpochs = event.totalEpochs;
        this.#pace = new Pace(this.#settings.now);
        this.#write(`${event.verb}: ${event.totalEpochs} epochs, ${event.totalSteps} steps`);
        break;
      case "step": {
        const remaining = this.#pace.remaining(event);
        if (!this.#isDue()) break;
        this.#write(
          `${this.#epoch(event.epoch)} step ${event.step}/${event.totalSteps}: ${describeStep(event, remaining)}`,
        );
        break;
      }
      case "epoch":
        this.#write(`${this.#epoch(event.epoch)} done: ${describeMetrics(event.metrics)}`);
        break;
      case "phase":
        this.#phase = { name: event.name, total: event.total };
        this.#write(`${event.name}: 0/${event.total}`);
        break;
      case "phase-progress":
        if (event.done >= this.#phase.total || this.#isDue()) {
          this.#write(`${this.#phase.name}: ${event.done}/${this.#phase.total}`);
        }
        break;
      case "note":
        this.#write(event.message);
        break;
      case "warning":
        this.#write(`warning: ${event.message}`);
        break;
      case "checkpoint":
        this.#write(`saved ${event.path}`);
        break;
    }
  }

  stop(): void {}

  #epoch(epoch: number): string {
    return `epoch ${epoch + 1}/${this.#totalEpochs}`;
  }

  #isDue(): boolean {
    return this.#settings.now() - this.#lastLine >= PlainLines.#interval;
  }

  #write(line: string): void {
    this.#lastLine = this.#settings.now();
    this.#settings.stream.write(`${printable(line)}\n`);
  }
}

/** For terminals: a bar for the steps and one for the phase in hand, with epochs and warnings scrolling above. */
class Bars implements Progress {
  readonly #bars: MultiBar;
  #pace: Pace;
  readonly #now: () => number;
  #steps: SingleBar | undefined;
  #phase: { bar: SingleBar; total: number; startedAt: number } | undefined;
  #totalEpochs = 0;

  constructor({ stream, now }: ProgressSettings) {
    this.#now = now;
    this.#pace = new Pace(now);
    this.#bars = new cliProgress.MultiBar({
      stream: stream as NodeJS.WriteStream,
      clearOnComplete: true,
      hideCursor: true,
      barsize: 24,
      fps: 5,
      gracefulExit: false,
      format: (options, params, payload: { label: string; text: string }) => {
        const bar = cliProgress.Format.BarFormat(params.progress, options);
        return `${payload.label} ${bar} ${params.value}/${params.total} ${payload.text}`;
      },
    });
  }

  handle(event: RunEvent): void {
    switch (event.type) {
      case "start":
        this.#totalEpochs = event.totalEpochs;
        this.#pace = new Pace(this.#now);
        // A demo trains twice.
        if (this.#steps !== undefined) this.#bars.remove(this.#steps);
        this.#steps = undefined;
        if (event.totalSteps > 0) {
          this.#steps = this.#bars.create(event.totalSteps, 0, { label: event.verb, text: "" });
        }
        break;
      case "step": {
        const label = `epoch ${event.epoch + 1}/${this.#totalEpochs}`;
        const text = describeStep(event, this.#pace.remaining(event));
        this.#steps?.update(event.step, { label, text });
        break;
      }
      case "epoch":
        this.#log(`epoch ${event.epoch + 1}/${this.#totalEpochs}: ${describeMetrics(event.metrics)}`);
        break;
      case "phase":
        this.#endPhase();
        this.#phase = {
          bar: this.#bars.create(event.total, 0, { label: event.name, text: "" }),
          total: event.total,
          startedAt: this.#now(),
        };
        break;
      case "phase-progress":
        this.#advancePhase(event.done);
        break;
      case "note":
        this.#log(event.message);
        break;
      case "warning":
        this.#log(`warning: ${event.message}`);
        break;
      case "checkpoint":
        this.#log(`saved ${event.path}`);
        break;
    }
  }

  stop(): void {
    this.#bars.stop();
  }

  #advancePhase(done: number): void {
    const phase = this.#phase;
    if (phase === undefined) return;
    const seconds = (this.#now() - phase.startedAt) / 1000;
    const left = done > 0 ? `${formatDuration((seconds / done) * (phase.total - done))} left` : "";
    phase.bar.update(done, { text: left });
    if (done >= phase.total) this.#endPhase();
  }

  #endPhase(): void {
    if (this.#phase !== undefined) this.#bars.remove(this.#phase.bar);
    this.#phase = undefined;
  }

  #log(line: string): void {
    this.#bars.log(`${printable(line)}\n`);
    // Without a redraw of its own, a line logged just before the end is lost.
    this.#bars.update();
  }
}
