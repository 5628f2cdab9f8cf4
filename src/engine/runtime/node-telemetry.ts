import { MsmaeError } from "../../support/errors.ts";

// ONNX Runtime 1.29 and newer reports to its makers on Linux and macOS unless the environment of the process says this
// when its first session starts; it asks once per process. docs/privacy.md has what was seen.
const SWITCH = "ORT_DISABLE_TELEMETRY";

// From the main thread this reaches the environment of the process, also before any thread is started that looks at it.
process.env[SWITCH] = "1";

/**
 * Makes sure that ONNX Runtime keeps its telemetry off in this process. Asked before each session.
 *
 * In a worker thread `process.env` is a copy, so that what counts is looked up in the environment of the process.
 *
 * @throws MsmaeError Device when the environment lacks the switch and this thread cannot set it.
 */
export function keepTelemetryOff(): void {
  if (processEnvironment()[SWITCH] === "1") return;
  process.env[SWITCH] = "1";
  const found = processEnvironment()[SWITCH];
  if (found === "1") return;
  throw new MsmaeError("Device", {
    where: "telemetry of ONNX Runtime",
    expected: `${SWITCH}=1 in the environment of the process, which this thread has only a copy of`,
    got: found === undefined ? "it unset" : `"${found}"`,
    todo: "import msmae in the main thread too, or start the process with it set",
  });
}

/**
 * The environment as C's getenv has it, in any thread. Network interfaces stay out of the report, since their names
 * would be looked up.
 */
function processEnvironment(): Readonly<Record<string, string | undefined>> {
  // The types of Node lack this one.
  const report = process.report as typeof process.report & { excludeNetwork: boolean };
  const { excludeNetwork, excludeEnv } = report;
  report.excludeNetwork = true;
  report.excludeEnv = false;
  try {
    const { environmentVariables } = report.getReport() as { environmentVariables?: Record<string, string> };
    return environmentVariables ?? {};
  } finally {
    report.excludeNetwork = excludeNetwork;
    report.excludeEnv = excludeEnv;
  }
}
