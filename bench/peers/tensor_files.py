"""Writes files of torch.save and ONNX into a folder, and the same tensors as safetensors, for what reads the former."""

import argparse
import sys
from collections import OrderedDict
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from safetensors.torch import save_file

TYPES = [
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
]


def tensors() -> OrderedDict:
    """Every type, and every way in which a tensor can lie in its storage."""
    torch.manual_seed(14)
    made = OrderedDict()
    for kind in TYPES:
        name = str(kind).removeprefix("torch.")
        base = torch.randn(5, 7, 3) * 50
        made[f"{name}.straight"] = base.to(kind)
        made[f"{name}.turned"] = base.to(kind).permute(2, 0, 1)
    base = torch.randn(40, 60)
    made["shared"] = base
    made["rows"] = base[3:9]
    made["columns"] = base[:, 5:50:3]
    made["transposed"] = base.t()
    made["expanded"] = base[0].expand(8, 60)
    made["number"] = torch.tensor(2.5)
    made["part"] = base[7, 9]
    made["empty"] = torch.zeros(0, 4)
    made["one"] = torch.randn(4, 1, 5).transpose(0, 1)
    made["channels_last"] = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    made["parameter"] = torch.nn.Parameter(torch.randn(3, 4))
    attributed = torch.nn.Parameter(torch.randn(2, 2))
    attributed.note = "with an attribute"
    made["attributed"] = attributed
    made["nan"] = torch.tensor([float("nan"), float("inf"), -0.0])
    return made


def trained() -> dict:
    """A checkpoint as training programs write it."""
    model = torch.nn.Sequential(OrderedDict(a=torch.nn.Linear(6, 5), n=torch.nn.BatchNorm1d(5), b=torch.nn.Linear(5, 2)))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.randn(4, 6)).sum().backward()
    optimizer.step()
    args = argparse.Namespace(model="mae_vit_base_patch16", lr=1e-3, device=torch.device("cpu"), path=Path("x"))
    return {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, "args": args, "scaler": {}}


def write_onnx(folder: Path, state: dict) -> None:
    """The tensors that NumPy has a type for, in the file and beside it."""
    arrays = {key: value.detach().clone(memory_format=torch.contiguous_format).numpy() for key, value in state.items() if value.dtype != torch.bfloat16}
    save_file({key: torch.from_numpy(value) for key, value in arrays.items()}, folder / "onnx.safetensors")
    tensors = [numpy_helper.from_array(value, key) for key, value in arrays.items()]
    model = onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [], tensors), producer_name="bench")
    onnx.save(model, folder / "onnx.inside.onnx")
    onnx.save(model, folder / "onnx.beside.onnx", save_as_external_data=True, location="onnx.data", size_threshold=64)


def export_onnx(folder: Path) -> None:
    """A model by PyTorch's exporter: weights transposed and without names, equal parameters kept once."""
    layers = [torch.nn.LayerNorm(6), torch.nn.Linear(6, 5), torch.nn.LayerNorm(5), torch.nn.LayerNorm(5)]
    model = torch.nn.ModuleDict({"a": torch.nn.Sequential(*layers), "b": torch.nn.Linear(5, 2, bias=False)})
    model.forward = lambda x: model["b"](model["a"](x))
    save_file(dict(model.state_dict()), folder / "exported.safetensors")
    torch.onnx.export(model.eval(), (torch.randn(2, 4, 6),), folder / "exported.onnx", dynamo=False)


def main(folder: Path) -> None:
    state = tensors()
    checkpoint = trained()
    write_onnx(folder, state)
    export_onnx(folder)
    for name, content, expected in [("state", state, state), ("checkpoint", checkpoint, checkpoint["model"])]:
        save_file({key: value.detach().clone().contiguous() for key, value in expected.items()}, folder / f"{name}.safetensors")
        for protocol in [2, 3, 4, 5]:
            torch.save(content, folder / f"{name}.zip.{protocol}.pth", pickle_protocol=protocol)
            legacy = folder / f"{name}.legacy.{protocol}.pth"
            torch.save(content, legacy, pickle_protocol=protocol, _use_new_zipfile_serialization=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
