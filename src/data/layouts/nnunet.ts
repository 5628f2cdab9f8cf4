import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isFolder } from "../../support/files/path-kind.ts";
import type { Description } from "./description.ts";
import { dataError, type ListedFile, type Listing, type OddFile } from "./listing.ts";
import { backgroundNotice, channelNotice, noPairs, orderedLabels } from "./msd.ts";

export function isNnunet({ channel_names, file_ending }: Description): boolean {
  return channel_names !== undefined || file_ending !== undefined;
}

/**
 * An nnU-Net v2 folder: `imagesTr/<case>_0000<ending>` with `labelsTr/<case><ending>`. Classes as in the Decathlon.
 * `imagesTs` counts as split `test` where `labelsTs` stands beside it.
 *
 * Files without their other half are left out.
 *
 * @throws MsmaeError Data when labels overlap, or no case has both its image and its label file.
 */
export async function listNnunet(root: string, description: Description): Promise<Listing> {
  const { path, labels, channel_names = {}, file_ending: ending = ".nii.gz" } = description;
  const numbers = Object.entries(labels)
    // Pixels that nobody has judged.
    .filter(([name]) => name !== "ignore")
    .map(([name, number]): [number, string] => {
      if (Array.isArray(number)) {
        const where = `labels of ${path}`;
        throw dataError(
          where,
          "one number for each name",
          `${name}: [${number}]`,
          "give each region a label of its own",
        );
      }
      return [Number(number), name];
    });
  const ordered = orderedLabels(path, numbers);
  const notices = backgroundNotice(ordered.classNames);
  const channels = Object.values(channel_names);
  if (channels.length > 1) notices.push(channelNotice(channels));
  const leftOut: OddFile[] = [];
  const training = await pairs(root, "Tr", ending, leftOut);
  const hasTest = await isFolder(join(root, "labelsTs"));
  const test = hasTest ? await pairs(root, "Ts", ending, leftOut) : [];
  if (!hasTest && (await isFolder(join(root, "imagesTs")))) notices.push("imagesTs has no labels and was left out");
  const files = hasTest
    ? [
        ...training.map((file) => ({ ...file, split: "train" as const })),
        ...test.map((file) => ({ ...file, split: "test" as const })),
      ]
    : training;
  return {
    layout: "nnunet",
    root,
    ...ordered,
    unjudged: new Set(labels.ignore === undefined ? [] : [Number(labels.ignore)]),
    files,
    onDisk: hasTest ? ["train", "test"] : [],
    ignoredFiles: 0,
    notices,
    leftOut,
  };
}

async function pairs(root: string, part: "Tr" | "Ts", ending: string, leftOut: OddFile[]): Promise<ListedFile[]> {
  const [images, labels] = [join(root, `images${part}`), join(root, `labels${part}`)];
  const first = `_0000${ending}`;
  const cases = (await names(images))
    .filter((name) => name.endsWith(first))
    .map((name) => name.slice(0, -first.length));
  const known = new Set(cases);
  const labelled = new Set(
    (await names(labels)).filter((name) => name.endsWith(ending)).map((name) => name.slice(0, -ending.length)),
  );
  const place = (name: string) => ({ path: join(images, name + first), mask: join(labels, name + ending) });
  for (const name of known) {
    const { path, mask } = place(name);
    if (!labelled.has(name)) leftOut.push({ path, reason: `no label file ${mask}` });
  }
  for (const name of labelled) {
    const { path, mask } = place(name);
    if (!known.has(name)) leftOut.push({ path: mask, reason: `no image file ${path}` });
  }
  const whole = cases.filter((name) => labelled.has(name));
  if (whole.length === 0) throw noPairs(images, leftOut);
  return whole.map((name) => {
    const { path, mask } = place(name);
    return { path, masks: [{ path: mask }] };
  });
}

async function names(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith(".")).sort();
  } catch {
    return [];
  }
}
