"""Checks ONNX files that `msmae export` wrote: python exported_models.py FOLDER

Beside each NAME.onnx lies NAME.json: the input's name, dims and values, and what ONNX Runtime for Node gave. Prints as JSON the
largest difference of each file's outputs, relative where they are above one, in every runtime that is installed.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

try:
    import openvino
except ImportError:
    openvino = None


def by_onnxruntime(path, feeds):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return dict(zip([output.name for output in session.get_outputs()], session.run(None, feeds)))


def by_openvino(path, feeds):
    core = openvino.Core()
    # Its own choice may be a narrower type.
    model = core.compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return {output.any_name: value for output, value in model(feeds).items()}


def main(folder):
    runtimes = {"onnxruntime": by_onnxruntime, **({"openvino": by_openvino} if openvino else {})}
    differences = {name: {} for name in runtimes}
    for path in sorted(Path(folder).glob("*.onnx")):
        onnx.checker.check_model(str(path), full_check=True)
        inferred = onnx.shape_inference.infer_shapes(onnx.load(str(path)), check_type=True, strict_mode=True, data_prop=True)
        assert [output.name for output in inferred.graph.output]
        case = json.loads(path.with_suffix(".json").read_text())
        pixels = np.array(case["pixels"], dtype=np.uint8).reshape(case["dims"])
        for runtime, run in runtimes.items():
            told = run(str(path), {"pixels": pixels})
            largest = 0.0
            for name, values in case["outputs"].items():
                want = np.array(values)
                got = np.asarray(told[name], dtype=np.float64).ravel()
                largest = max(largest, float(np.max(np.abs(got - want) / np.maximum(1, np.abs(want)))))
            differences[runtime][path.stem] = largest
    print(json.dumps(differences))


main(sys.argv[1])
