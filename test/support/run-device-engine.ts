// Training through the engine, its tensors on a device, beside the same on the CPU; prints what came of both as JSON. A
// process of its own, because a missing adapter may end it: node run-device-engine.ts <provider>
import { add, input, mul, reduceMean, scalar, sub } from "../../src/engine/graph/builders.ts";
import { type Graph, graph } from "../../src/engine/graph/graph.ts";
import type { Provider } from "../../src/engine/onnx/operators.ts";
import { startEma, withEma } from "../../src/engine/parameters/ema.ts";
import { initialStore } from "../../src/engine/parameters/initial-store.ts";
import type { ParameterStore } from "../../src/engine/parameters/parameter-store.ts";
import { type ParameterSpec, parameterInputs } from "../../src/engine/parameters/specs.ts";
import { trainingOutputs } from "../../src/engine/parameters/training-outputs.ts";
import type { Engine } from "../../src/engine/thread/engine.ts";
import { openEngine } from "../../src/engine/thread/node-engine.ts";
import { messageOf } from "../../src/support/errors.ts";

const provider = process.argv[2] as Provider;
const batch = 8;
const features = 3;
const specs: ParameterSpec[] = [
  { name: "scale", shape: [features], role: "trainable", init: { kind: "ones" } },
  { name: "table", shape: [features], role: "fixed", init: { kind: "table", data: [0.5, 1, 2] } },
  { name: "running_mean", shape: [features], role: "state", init: { kind: "zeros" } },
];

/** loss = mean ((x − running mean) · table · scale)²; the running mean goes a tenth of the way to the batch's. */
function centred(training: boolean): Graph {
  const p = parameterInputs(specs);
  const x = input("x", [batch, features]);
  const running = p("running_mean");
  const scaled = mul(mul(sub(x, running), p("table")), p("scale"));
  const loss = reduceMean(mul(scaled, scaled), [0, 1]);
  if (!training) return graph("evaluation", { loss });
  p.update("running_mean", add(mul(running, scalar(0.9)), mul(reduceMean(x, [0]), scalar(0.1))));
  return graph("training", { loss, ...trainingOutputs(loss, p) });
}

const feeds = (step: number, factor = 1) => ({
  x: Float32Array.from({ length: batch * features }, (_, i) => factor * ((i % features) + Math.sin(7 * step + i))),
});

const heldIn = (store: ParameterStore) => ({
  scale: [...store.parameter("scale")],
  runningMean: [...store.parameter("running_mean")],
  firstMoment: [...store.firstMoment("scale")],
  secondMoment: [...store.secondMoment("scale")],
  ema: [...store.ema("scale")],
});

async function train(engine: Engine, store: ParameterStore) {
  await engine.load(centred(true));
  await engine.load(centred(false));
  const losses: number[] = [];
  const evaluated: (number | undefined)[] = [];
  const evaluate = async () => {
    evaluated.push(Number((await engine.run("evaluation", feeds(99))).loss?.[0]));
  };
  const stepped = async (stepIndex: number) => {
    const accumulated = await engine.train("training", feeds(2 * stepIndex), { kind: "accumulate" });
    const update = {
      kind: "step",
      lr: 0.05,
      stepIndex,
      fromAccumulator: true,
      gradientScale: 0.5,
      clipNorm: 0.8,
    } as const;
    const last = await engine.train("training", feeds(2 * stepIndex + 1), { ...update, emaDecay: 0.9 });
    losses.push(accumulated.loss, last.loss, last.gradientNorm ?? Number.NaN);
  };
  for (const step of [1, 2, 3]) await stepped(step);
  const infinite = await engine.train("training", feeds(1, Infinity), { kind: "step", lr: 1, stepIndex: 4 });
  await evaluate();
  const before = heldIn(store);
  await engine.collect();
  const collected = heldIn(store);
  await withEma(store, evaluate);
  await stepped(4);
  // A step that has no sums in it.
  await engine.train("training", feeds(10), { kind: "step", lr: 0.05, stepIndex: 5 });
  await engine.collect();
  const after = heldIn(store);
  store.parameter("scale").fill(0.25);
  store.parameter("running_mean").fill(0);
  store.changed();
  await evaluate();
  return { losses, evaluated, before, collected, after, infinite: infinite.gradientNorm ?? "left" };
}

/** What the engine says to what only tensors in the host's memory allow, and to values that would be lost. */
async function refusals(engine: Engine, store: ParameterStore) {
  const told = (work: Promise<unknown>) => work.then(() => "done", messageOf);
  const held = await told(engine.train("training", feeds(1), { kind: "hold" }));
  const alone = await told(engine.step({ lr: 1, stepIndex: 1 }));
  await engine.train("training", feeds(1), { kind: "step", lr: 0.05, stepIndex: 6 });
  store.changed();
  return { held, alone, lost: await told(engine.run("evaluation", feeds(1))) };
}

const results: Record<string, unknown> = {};
for (const one of ["cpu", provider] as const) {
  const store = initialStore(specs, 0, { accumulate: true, ema: true });
  startEma(store);
  const engine = await openEngine({ provider: one, store, optimizer: {} });
  results[one] = { placement: engine.placement, ...(await train(engine, store)) };
  if (one === provider) results.refusals = await refusals(engine, store);
  await engine.close();
}
const store = initialStore(specs, 0);
const exchanging = await openEngine({ provider, store, optimizer: {}, exchanges: true });
await exchanging.load(centred(true));
const held = await exchanging.train("training", feeds(1), { kind: "hold" });
results.exchanging = {
  ...exchanging.placement,
  states: Object.keys(held.states ?? {}),
  gradient: [...store.gradient("scale")],
};
await exchanging.close();
process.stdout.write(JSON.stringify(results), () => process.exit(0));
