// A run of the real command line that kills itself, uncaught, right after a given optimiser step:
// node killed-run.ts <step> <arguments of msmae…>
import { runCli } from "../../src/apps/cli/program.ts";
import { commands } from "../../src/apps/cli/verbs/index.ts";
import type { RunEvent, RunHooks } from "../../src/support/events.ts";
import { commandsWith } from "../cli/fakes.ts";

const [step, ...argv] = process.argv.slice(2);

function killing(hooks: RunHooks): RunHooks {
  const onEvent = (event: RunEvent): void => {
    hooks.onEvent?.(event);
    if (event.type === "step" && event.step === Number(step)) process.kill(process.pid, "SIGKILL");
  };
  return { ...hooks, onEvent };
}

const list = commandsWith({
  pretrain: (options, hooks) => commands.pretrain.run(options, killing(hooks)),
  finetune: (options, hooks) => commands.finetune.run(options, killing(hooks)),
  segment: (options, hooks) => commands.segment.run(options, killing(hooks)),
});
process.exit(await runCli(argv, list, process));
