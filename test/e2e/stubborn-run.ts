// The real command line, with a training that no request to stop reaches: node stubborn-run.ts
import { runCli } from "../../src/apps/cli/program.ts";
import { commandsWith } from "../cli/fakes.ts";

const list = commandsWith({
  pretrain: () =>
    new Promise(() => {
      process.stdout.write("training\n");
      setInterval(() => undefined, 1000);
    }),
});
const argv = ["pretrain", "--data-path", "images", "--model", "msmae_vit_tiny_patch16", "--output-dir", "run"];
process.exit(await runCli(argv, list, process));
