// Reads images with no file descriptor left but a few: node starved.ts <left> <folder of images>
import { closeSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { ImageLoader } from "../../src/data/loader/loader.ts";
import { decodeImage } from "../../src/data/pictures/decode-image.ts";
import { MsmaeError } from "../../src/support/errors.ts";

const [left = "0", folder = ""] = process.argv.slice(2);
const samples = readdirSync(folder).map((name) => ({ path: join(folder, name), label: 0, group: undefined }));
const size = { inputHeight: 32, inputWidth: 32, channels: 3 as const };

// Everything that is loaded when first used.
sharp.cache(false);
await decodeImage(samples[0]?.path ?? "", {});

const held: number[] = [];
try {
  for (;;) held.push(openSync("/dev/null", "r"));
} catch {
  for (const descriptor of held.splice(0, Number(left))) closeSync(descriptor);
}

const warnings: string[] = [];
const read = async (workers: number): Promise<number> => {
  await using loader = new ImageLoader(samples as never, {
    ...size,
    workers,
    onWarning: (message) => warnings.push(message),
  });
  let images = 0;
  for await (const batch of loader.inOrder({ batchSize: 2 })) images += batch.indices.length;
  return images;
};
const outcomeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.catch((error: unknown) => (error instanceof MsmaeError ? `${error.code}: ${error.message}` : String(error)));

const outcomes = [await outcomeOf(read(0)), await outcomeOf(read(2))];
for (const descriptor of held) closeSync(descriptor);
process.stdout.write(JSON.stringify({ outcomes, warnings, afterwards: await outcomeOf(read(0)) }));
process.exit(0);
