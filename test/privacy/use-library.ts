// A program of somebody else's that classifies a file: node use-library.ts <how> <seconds> <checkpoint> <file>
// how: main, in the main thread; worker, in a worker thread while the main thread imports msmae too; worker-alone, in
// one without. Prints the class, or the error, and goes on living for some seconds.
import { isMainThread, Worker, workerData } from "node:worker_threads";

const library = "../../src/index.ts";

async function classify([checkpoint = "", file = ""]: readonly string[]): Promise<string> {
  const { loadClassifier, MsmaeError } = (await import(library)) as typeof import("../../src/index.ts");
  try {
    const classifier = await loadClassifier(checkpoint, { threads: 1 });
    const found: string[] = [];
    for await (const one of classifier.predict([file])) found.push("class" in one ? one.class : one.error.message);
    await classifier.close();
    return found.join();
  } catch (error) {
    if (error instanceof MsmaeError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

if (isMainThread) {
  const [how = "", seconds = "", ...rest] = process.argv.slice(2);
  if (how !== "worker-alone") await import(library);
  if (how === "main") console.log(await classify(rest));
  else new Worker(import.meta.filename, { workerData: rest });
  setTimeout(() => undefined, 1000 * Number(seconds));
} else {
  // In a worker thread this changes a copy: nothing may be fooled by it.
  process.env.ORT_DISABLE_TELEMETRY = "1";
  console.log(await classify(workerData as string[]));
}
