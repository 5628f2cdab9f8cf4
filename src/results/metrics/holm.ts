/**
 * The probabilities of several tests, corrected so that the chance of even one false finding among them is what each says.
 *
 * @param p one per test; null where there is none, which counts as no test.
 * @returns in the same order.
 * Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
 */
export function holmAdjusted(p: readonly (number | null)[]): (number | null)[] {
  const tests = p.flatMap((value, at) => (value === null ? [] : [{ at, value }])).sort((a, b) => a.value - b.value);
  const adjusted: (number | null)[] = p.map(() => null);
  let most = 0;
  for (const [rank, { at, value }] of tests.entries()) {
    most = Math.max(most, Math.min(1, (tests.length - rank) * value));
    adjusted[at] = most;
  }
  return adjusted;
}

/** A test, and its probability corrected for as many of its kind as there are pairs of models. */
export type Corrected<Test> = Test & { pHolm: number | null };

/** Tests of one kind with their probabilities corrected for their number. */
export function corrected<Test extends { p: number | null }>(tests: readonly Test[]): Corrected<Test>[] {
  const adjusted = holmAdjusted(tests.map(({ p }) => p));
  return tests.map((test, at) => ({ ...test, pHolm: adjusted[at] ?? null }));
}
