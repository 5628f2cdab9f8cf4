// What processes that mpirun starts do together, without a model: each prints what it has seen, as a line of JSON.
import { createHash } from "node:crypto";
import { joinRanks } from "../../src/parallel/join-ranks.ts";
import { first } from "../../src/parallel/ranks.ts";
import { MsmaeError, messageOf } from "../../src/support/errors.ts";

const shared = (length: number, at: (i: number) => number): Float32Array => {
  const values = new Float32Array(new SharedArrayBuffer(4 * length));
  for (let i = 0; i < length; i++) values[i] = at(i);
  return values;
};

const ranks = await joinRanks();
const { rank, size } = ranks;
// More than a stretch that is exchanged at once, and lengths that three do not divide.
const lengths = [2 ** 21 + 7, 5, 1];
// Of these magnitudes the order of a sum shows in its bits.
const values = lengths.map((length) => shared(length, (i) => Math.sin(i + 1) * 10 ** (3 * rank)));
const sums = lengths.map((length) => shared(length, (i) => Math.cos(i)));
await ranks.addInOrder(values, sums, size);
await ranks.addInOrder(values, sums, size - 1);
await ranks.completeSums(sums);
const expected = lengths.map((length) => shared(length, (i) => Math.cos(i)));
for (const contributors of [size, size - 1]) {
  for (let from = 0; from < contributors; from++) {
    for (const sum of expected) {
      for (let i = 0; i < sum.length; i++) {
        sum[i] = (sum[i] as number) + Math.fround(Math.sin(i + 1) * 10 ** (3 * from));
      }
    }
  }
}
/** Sums of many steps by gradients in fewer bits, of which each step's differ from the others: how far off, and their bits. */
async function compressed(form: "bf16" | "int8"): Promise<{ off: number; bits: string }> {
  const [given, added, expectedSum] = [shared(1000, () => 0), shared(1000, () => 0), new Float64Array(1000)];
  const digest = createHash("sha256");
  const total = new Float64Array(1000);
  for (let step = 1; step <= 20; step++) {
    // In every fourth step the last process has nothing to give.
    const contributors = step % 4 === 0 ? size - 1 : size;
    for (let i = 0; i < 1000; i++) {
      given[i] = Math.sin(i * step + rank);
      for (let from = 0; from < contributors; from++)
        expectedSum[i] = (expectedSum[i] as number) + Math.sin(i * step + from);
    }
    added.fill(0);
    await ranks.addInOrder([given], [added], contributors, { form });
    await ranks.completeSums([added], { form });
    digest.update(bytes(added));
    for (let i = 0; i < 1000; i++) total[i] = (total[i] as number) + (added[i] as number);
  }
  const off = total.reduce((most, value, i) => Math.max(most, Math.abs(value - (expectedSum[i] as number))), 0);
  return { off, bits: digest.digest("hex") };
}
const lossy = { bf16: await compressed("bf16"), int8: await compressed("int8") };
const alike = (await ranks.gather(lossy)).every(
  ({ bf16, int8 }) => bf16.bits === lossy.bf16.bits && int8.bits === lossy.int8.bits,
);
const copies = lengths.map((length) => shared(length, (i) => (rank === 0 ? i / 3 : 0)));
await ranks.share(copies);
const failure = await first(ranks, async () => {
  throw new MsmaeError("Data", { where: "a", expected: "b", got: "c", todo: "d" });
}).catch((error: unknown) => `${(error as Error).constructor.name}: ${messageOf(error)}`);
const seen = {
  rank,
  size,
  sums: sums.every((sum, k) => Buffer.compare(bytes(sum), bytes(expected[k] as Float32Array)) === 0),
  shared: copies.every((copy) => copy.every((value, i) => value === Math.fround(i / 3))),
  gathered: await ranks.gather({ rank, loss: rank === 1 ? Number.NaN : 0.1 * rank }),
  // Longer than what goes with the first message.
  long: (await ranks.gather("x".repeat(20_000 * rank))).map(({ length }) => length),
  // Each process owes at most a rounding, and who adds one of the sum.
  lossy: { alike, bf16: lossy.bf16.off < 0.02, int8: lossy.int8.off < 0.03 },
  spread: await ranks.spread(rank === 0 ? new Map([["maps", Float32Array.of(0.5, 1)]]) : undefined),
  failure,
};
await ranks.leave();
process.stdout.write(
  `${JSON.stringify(seen, (_, value: unknown) => (value instanceof Map ? [...value] : Number.isNaN(value) ? "NaN" : value))}\n`,
);

function bytes({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
