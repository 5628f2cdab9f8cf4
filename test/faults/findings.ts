import { expect } from "vitest";
import { messageOf } from "../../src/support/errors.ts";

/** Gathers what does not hold, and says it at once, so that one run of a suite of minutes names all of it. */
export class Findings {
  readonly #found: string[] = [];

  async check(about: string, check: () => void | Promise<void>): Promise<void> {
    try {
      await check();
    } catch (error) {
      const finding = `${about}: ${messageOf(error)}`;
      console.log(`found: ${finding}`);
      this.#found.push(finding);
    }
  }

  expectNone(): void {
    expect(this.#found).toEqual([]);
  }
}
