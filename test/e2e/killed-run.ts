// A run of the real command line that kills itself, uncaught, right after a given optimiser step:
// node killed-run.ts <step> <arguments of msmae…>
import { library } from "../../src/apps/cli/library.ts";
import { runCli } from "../../src/apps/cli/program.ts";
import type { RunEvent, RunHooks } from "../../src/support/events.ts";

const [step, ...argv] = process.argv.slice(2);

function killing(hooks: RunHooks): RunHooks {
  const onEvent = (event: RunEvent): void => {
    hooks.onEvent?.(event);
    if (event.type === "step" && event.step === Number(step)) process.kill(process.pid, "SIGKILL");
  };
  return { ...hooks, onEvent };
}

const verbs = {
  ...library,
  pretrain: (options, hooks) => library.pretrain(options, killing(hooks)),
  finetune: (options, hooks) => library.finetune(options, killing(hooks)),
} satisfies typeof library;
process.exit(await runCli(argv, verbs, process));
