import type { InferenceSession, Tensor } from "onnxruntime-common";
import { MsmaeError } from "../errors.ts";
import type { HostTensor, Session } from "./session.ts";

/**
 * A session of ONNX Runtime, on Node or in a browser, behind this package's own interface. `tensorClass` is the one of
 * the module that made the session: ONNX Runtime passes over fetches that are instances of another copy of it.
 */
export function wrapSession(session: InferenceSession, tensorClass: typeof Tensor): Session {
  // Tensors over the same arrays come back at every step: they are made once.
  const tensors = new WeakMap<HostTensor, Tensor>();
  const tensorOf = (host: HostTensor): Tensor => {
    const known = tensors.get(host) ?? makeTensor(host, tensorClass);
    tensors.set(host, known);
    return known;
  };
  return {
    async run(feeds, into) {
      const inputs = Object.fromEntries(session.inputNames.map((name) => [name, tensorOf(fed(feeds, name))]));
      const fetches = Object.fromEntries(
        session.outputNames.map((name) => [name, into[name] ? tensorOf(into[name]) : null]),
      );
      const results = await session.run(inputs, fetches);
      return Object.fromEntries(
        session.outputNames.map((name): [string, HostTensor] => {
          const { data, dims } = results[name] as Tensor;
          return [name, into[name] ?? { data: data as HostTensor["data"], shape: dims }];
        }),
      );
    },
    release: () => session.release(),
  };
}

function makeTensor({ data, shape }: HostTensor, tensorClass: typeof Tensor): Tensor {
  return data instanceof BigInt64Array
    ? new tensorClass("int64", data, shape)
    : new tensorClass("float32", data, shape);
}

function fed(feeds: Readonly<Record<string, HostTensor>>, name: string): HostTensor {
  const value = feeds[name];
  if (value) return value;
  throw new MsmaeError("Shape", {
    where: `input "${name}"`,
    expected: "a value",
    got: "none",
    todo: "feed every input",
  });
}
