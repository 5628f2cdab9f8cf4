import type { ImageFile, NumericArray, SourceImage, StoredArray } from "../../../src/formats/api.ts";

/** All that a file gives, arrays by their types and digests; or the error that it is. */
export async function contentOf(open: () => Promise<ImageFile>): Promise<unknown> {
  try {
    const file = await open();
    const count = file.count("axial");
    const chosen = [...new Set([0, Math.floor(count / 2), count - 1])].filter((at) => at >= 0 && at < count);
    const pictures: unknown[] = [];
    for (const at of chosen) pictures.push(await settled(async () => ofPicture(await file.read(at, "axial"))));
    const array = await settled(async () => {
      const { data, ...rest } = await file.array();
      return { ...rest, data: await digestOf(data) };
    });
    return { format: file.format, counts: [count, file.count("coronal"), file.count("sagittal")], pictures, array };
  } catch (error) {
    return errorOf(error);
  }
}

async function settled(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    return errorOf(error);
  }
}

function errorOf(error: unknown) {
  const { code, message } = error as { code?: string; message: string };
  return { code, message };
}

async function ofPicture({ values, unmeasured, volumeSample, windows, ...rest }: SourceImage): Promise<unknown> {
  return {
    ...rest,
    windows: JSON.stringify(windows),
    values: await digestOf(values),
    unmeasured: unmeasured && (await digestOf(unmeasured)),
    volumeSample: volumeSample && (await digestOf(volumeSample)),
  };
}

async function digestOf(array: NumericArray | StoredArray["data"]): Promise<string> {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength).slice();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const type = Object.prototype.toString.call(array).slice(8, -1);
  return `${type} of ${array.length}: ${Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
