// A program that uses the library and ends in the way named: node library-user.ts <end> <checkpoint> <picture>…
import { loadClassifier, predict } from "../../src/index.ts";

const [end, checkpoint = "", ...files] = process.argv.slice(2);
const controller = new AbortController();
const classifier = await loadClassifier(checkpoint);
// Each run takes long beside all else: now and shortly after, the engine's thread is inside ONNX Runtime.
const soon = (action: () => void) => setTimeout(action, 30);
const fail = () => {
  throw new Error("nobody catches this");
};

if (end === "exit at once") process.exit(7);
if (end === "break and end by itself") {
  for await (const _ of predict({ checkpoint, files, batchSize: 1 })) break;
  for await (const _ of classifier.predict(files, { batchSize: 1 })) break;
  await classifier.close();
} else {
  try {
    for await (const _ of classifier.predict(files, { batchSize: 1, signal: controller.signal })) {
      if (end === "exit") soon(() => process.exit(7));
      if (end === "throw") soon(fail);
      if (end === "abort") soon(() => controller.abort());
    }
  } catch (error) {
    if (end !== "abort" || error !== controller.signal.reason) throw error;
    await classifier.close();
    process.exitCode = 9;
  }
}
