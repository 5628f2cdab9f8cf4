import { createHash } from "node:crypto";
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gunzipAll, gunzipHead } from "../../../../src/formats/gunzip.ts";
import { type InflateOptions, type Inflater, UnpacksTooFar } from "../../../../src/formats/inflater.ts";
import { nodeInflater } from "../../../../src/formats/node/inflater.ts";
import { pageInflater } from "../../../../src/formats/web/inflater.ts";

/** Compressible, and more than one piece of either. */
const content = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * i) >> (i % 7));

/** Content by its digest, which says as much as comparing millions of elements, and sooner. */
function digestOf(bytes: Uint8Array): string {
  return `${bytes.length} bytes, ${createHash("sha256").update(bytes).digest("hex")}`;
}

function outcome(inflater: Inflater, bytes: Uint8Array, options: InflateOptions): string {
  try {
    return digestOf(inflater.inflate(bytes, options));
  } catch (error) {
    return `${error instanceof UnpacksTooFar ? "too far: " : ""}${(error as Error).message}`;
  }
}

async function gunzipped(inflater: Inflater, bytes: Uint8Array): Promise<string> {
  const pieces: Uint8Array[] = [];
  try {
    await inflater.gunzip(bytes, (piece) => pieces.push(piece) > 0);
    return digestOf(Buffer.concat(pieces));
  } catch (error) {
    return (error as Error).message;
  }
}

describe("a page's inflater does what zlib does", () => {
  const packed = { raw: new Uint8Array(deflateRawSync(content)), zlib: new Uint8Array(deflateSync(content)) };
  const behind = (bytes: Uint8Array, ...more: number[]) => new Uint8Array(Buffer.concat([bytes, Buffer.from(more)]));

  test.each(["raw", "zlib"] as const)("with %s deflate, whole, limited, padded and cut", (wrap) => {
    const bytes = packed[wrap];
    const limit = content.length;
    expect(outcome(pageInflater, bytes, { wrap, limit })).toBe(digestOf(content));
    expect(outcome(pageInflater, behind(bytes, 0), { wrap, limit })).toBe(digestOf(content));
    const cases: [Uint8Array, InflateOptions][] = [
      [bytes, { wrap, limit: limit - 1 }],
      [bytes.subarray(0, bytes.length / 2), { wrap, limit }],
      [bytes.subarray(0, bytes.length / 2), { wrap, limit, partial: true }],
      [bytes.subarray(0, 1), { wrap, limit }],
      [new Uint8Array(0), { wrap, limit }],
      [Uint8Array.of(7, 7, 7), { wrap, limit }],
      // A head that is whole and asks for a dictionary.
      [Uint8Array.of(0x78, 0x20, 1, 2, 3, 4, 5, 6), { wrap, limit }],
    ];
    for (const [given, options] of cases) {
      expect(outcome(pageInflater, given, options)).toBe(outcome(nodeInflater, given, options));
    }
  });

  test("with gzip: members, what stands behind them, cut and damaged", async () => {
    const one = new Uint8Array(gzipSync(content));
    const members = Buffer.concat([one, gzipSync("second"), gzipSync("")]);
    expect(await gunzipped(pageInflater, members)).toBe(digestOf(Buffer.concat([content, Buffer.from("second")])));
    const checkSum = one.slice();
    checkSum[checkSum.length - 6] = 1 + (checkSum.at(-6) as number);
    for (const bytes of [
      behind(one, 0, 0),
      one.subarray(0, 5000),
      checkSum,
      one.subarray(0, 4),
      Uint8Array.of(31, 139),
    ]) {
      expect(await gunzipped(pageInflater, bytes)).toBe(await gunzipped(nodeInflater, bytes));
    }
  });

  test("with gzip and deflate that are damaged anywhere", async () => {
    const small = content.subarray(0, 3000);
    const packages = { gzip: gzipSync(small), raw: deflateRawSync(small), zlib: deflateSync(small) };
    const damage = fc.record({ at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), to: fc.nat(255) });
    const damaged = (bytes: Buffer, { at, to }: { at: number; to: number }) => {
      const copy = new Uint8Array(bytes);
      copy[Math.floor(at * copy.length)] = to;
      return copy;
    };
    await fc.assert(
      fc.asyncProperty(damage, async (where) => {
        const gzip = damaged(packages.gzip, where);
        expect(await gunzipped(pageInflater, gzip)).toBe(await gunzipped(nodeInflater, gzip));
        for (const wrap of ["raw", "zlib"] as const) {
          const bytes = damaged(packages[wrap], where);
          const options = { wrap, limit: 10_000 };
          expect(outcome(pageInflater, bytes, options)).toBe(outcome(nodeInflater, bytes, options));
        }
      }),
      { numRuns: 300 },
    );
  });

  test("and takes no more of a bomb than is asked for", async () => {
    const bomb = new Uint8Array(gzipSync(new Uint8Array(2 ** 28)));
    let taken = 0;
    await pageInflater.gunzip(bomb, (piece) => {
      taken += piece.length;
      return taken < 2 ** 22;
    });
    expect(taken).toBe(2 ** 22);
    expect(await gunzipHead(bomb, 10, pageInflater)).toEqual(new Uint8Array(10));
    await expect(gunzipAll(bomb, 2 ** 22, pageInflater)).rejects.toThrow("more than 4194304 bytes after decompression");
    const before = process.memoryUsage().arrayBuffers;
    const raw = deflateRawSync(new Uint8Array(2 ** 28));
    expect(() => pageInflater.inflate(raw, { wrap: "raw", limit: 2 ** 22 })).toThrow(UnpacksTooFar);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 25);
  });
});
