// ONNX Runtime without this package, for some seconds: node without-switch.ts <seconds>
import * as ort from "onnxruntime-node";

// Its environment, and with it the telemetry, comes before it looks at the model.
await ort.InferenceSession.create(Uint8Array.of(1)).catch((error: unknown) => console.log(String(error)));
setTimeout(() => undefined, 1000 * Number(process.argv[2]));
