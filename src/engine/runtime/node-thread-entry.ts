// The start of every helper thread on Node: imports the module it was given and hands over.
import { workerData } from "node:worker_threads";

const { module, data } = workerData as { module: string; data: unknown };
const { runThread } = (await import(module)) as { runThread(data: unknown): void | Promise<void> };
await runThread(data);
