import { Writable } from "node:stream";
import { launchOf } from "../../parallel/launch.ts";
import type { Streams } from "./output.ts";

/**
 * Where the command line writes: of several processes that work together the first writes results, and what the others
 * say, warnings and errors, begins with their number.
 */
export function streamsOf(process: Streams, launch = launchOf()): Streams {
  if (launch === undefined || launch.rank === 0) return process;
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const numbered = new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      const lines = text.replaceAll(/^(?=.)/gm, `rank ${launch.rank}: `);
      process.stderr.write(lines, () => done());
    },
  });
  return { stdout: nowhere, stderr: numbered };
}
