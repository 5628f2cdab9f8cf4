// A small network learns to tell two spirals apart: the same file in Node and in a page.
import {
  gelu,
  gemm,
  graph,
  initialStore,
  input,
  layerNormalization,
  layerNormSpecs,
  linearSpecs,
  logSoftmax,
  lrAt,
  mul,
  openEngine,
  parameterInputs,
  reduceSum,
  scalar,
  trainingOutputs,
} from "msmae/engine";

const points = 256;
const hidden = 64;
const schedule = { lr: 0.01, minLr: 0, warmupEpochs: 10, epochs: 200 };

// Every tensor of the model: its name, its shape and how it starts.
const specs = [
  ...linearSpecs("fc1", 2, hidden),
  ...layerNormSpecs("norm", hidden),
  ...linearSpecs("fc2", hidden, hidden),
  ...linearSpecs("head", hidden, 2),
];

// The forward pass, from points [points, 2] to logits [points, 2]; `p` gives the tensors.
function network(x, p) {
  const linear = (rows, name) => gemm(rows, p(`${name}.weight`), p(`${name}.bias`), { transB: true });
  const [normalized] = layerNormalization(linear(x, "fc1"), p("norm.weight"), p("norm.bias"), 1e-6);
  return linear(gelu(linear(gelu(normalized), "fc2")), "head");
}

// Forward pass, loss and gradients as one graph: the mean cross-entropy against one-hot targets.
function trainingStep() {
  const p = parameterInputs(specs);
  const logits = network(input("x", [points, 2]), p);
  const targets = input("targets", [points, 2]);
  const loss = mul(reduceSum(mul(targets, logSoftmax(logits)), [0, 1]), scalar(-1 / points));
  return graph("spirals", { loss, logits, ...trainingOutputs(loss, p) });
}

// Two spirals of two turns each, every other point of the other one.
function spirals() {
  const x = new Float32Array(points * 2);
  const targets = new Float32Array(points * 2);
  for (let i = 0; i < points; i++) {
    const radius = (i + 1) / points;
    const angle = 4 * Math.PI * radius + Math.PI * (i % 2);
    x.set([radius * Math.cos(angle), radius * Math.sin(angle)], 2 * i);
    targets[2 * i + (i % 2)] = 1;
  }
  return { x, targets };
}

/** Trains from nothing; returns the loss of every step and the share of points told right at the end. */
export async function train(onStep = () => {}) {
  const engine = await openEngine({ store: initialStore(specs, 0), optimizer: {} });
  try {
    await engine.load(trainingStep());
    const losses = [];
    let accuracy = 0;
    for (let step = 0; step < schedule.epochs; step++) {
      const update = { kind: "step", lr: lrAt(schedule, step), stepIndex: step + 1 };
      const { loss, outputs } = await engine.train("spirals", spirals(), update);
      accuracy = shareRight(outputs.logits);
      losses.push(loss);
      onStep(step, loss, accuracy);
    }
    return { losses, accuracy };
  } finally {
    await engine.close();
  }
}

function shareRight(logits) {
  const right = Array.from({ length: points }, (_, i) => logits[2 * i] < logits[2 * i + 1] === (i % 2 === 1));
  return right.filter(Boolean).length / points;
}
