"""Proves that model.py is the benchmarked method: losses, outputs, every gradient and ten AdamW steps in float64.

Usage: python check_goldens.py --goldens DIR [--json]
Exit status 1 if any compared tensor differs by more than 1e-9. The oneDNN products exist in fp32 only: there every
gradient may differ from the float64 golden by 1e-5 of the tensor's largest element, and by 1e-7 where that is tiny.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

import model as peer
import segmenter

TOLERANCE = 1e-9
FP32_RELATIVE = 1e-5
FP32_ABSOLUTE = 1e-7


class Comparison:
    """Collects one row per compared quantity: the largest absolute error over its elements and what it may be."""

    def __init__(self) -> None:
        self.rows: list[dict] = []

    def add(self, case: str, quantity: str, got: Tensor, expected: Tensor) -> None:
        if got.shape != expected.shape:
            raise ValueError(f"{case} {quantity}: expected shape {list(expected.shape)}, got {list(got.shape)}")
        error = (got.detach().to(torch.float64) - expected.to(torch.float64)).abs().max().item()
        tolerance = TOLERANCE
        if got.dtype == torch.float32 and expected.dtype == torch.float64:
            tolerance = max(FP32_RELATIVE * expected.abs().max().item(), FP32_ABSOLUTE)
        self.rows.append(
            {
                "case": case,
                "quantity": quantity,
                "maxAbsError": error,
                "tolerance": tolerance,
                "ok": error <= tolerance,
            }
        )

    def gradients(self, case: str, prefix: str, network: nn.Module, golden: dict[str, Tensor]) -> None:
        expected = {k.removeprefix(f"{prefix}/grad/") for k in golden if k.startswith(f"{prefix}/grad/")}
        trained = {n for n, p in network.named_parameters() if p.requires_grad}
        if expected != trained:
            raise ValueError(f"{case} {prefix}: gradients of other tensors: {sorted(expected ^ trained)}")
        for name, parameter in network.named_parameters():
            if parameter.requires_grad:
                self.add(case, f"{prefix}/grad/{name}", parameter.grad, golden[f"{prefix}/grad/{name}"])


def load_parameters(network: nn.Module, golden: dict[str, Tensor]) -> None:
    prefix = "param/"
    network.load_state_dict({k.removeprefix(prefix): v for k, v in golden.items() if k.startswith(prefix)})


def config_of(case: dict) -> peer.Config:
    names = peer.Config.__dataclass_fields__
    return peer.Config(**{k: v for k, v in case["config"].items() if k in names})


def check_pretrain(label: str, case: dict, golden: dict[str, Tensor], kind: str, out: Comparison) -> None:
    network = peer.MaskedAutoencoder(config_of(case), peer.Parts(kind)).double()
    tables = {name: getattr(network, name).clone() for name in ("pos_embed", "decoder_pos_embed")}
    load_parameters(network, golden)
    for name, table in tables.items():
        # The tables are made in float64, stored as float32, so they equal the checkpoint's to one rounding.
        out.add(label, f"param/{name} (float32)", table.float(), golden[f"param/{name}"].float())
    images, targets = golden["input/images"], golden["input/targets"]
    out.add(label, "patches", peer.patchify(images, network.config.patch_size), golden["patches"])
    phases = {
        "random": peer.random_masking(golden["input/noise"]),
        "attention": peer.attention_masking(golden["input/idsShuffle"], case["maskRatio"], case["throwRatio"]),
    }
    for phase, masking in phases.items():
        latent = network.encode(images, masking.kept)
        out.add(label, f"{phase}/latent", latent, golden[f"{phase}/latent"])
        out.add(label, f"{phase}/pred", network.decode(latent, masking)[0], golden[f"{phase}/pred"])
        for pixels in ("raw", "norm-pix"):
            for cls_loss in ("softmax-ce", "ce"):
                prefix = f"{phase}/{pixels}/{cls_loss}"
                network.zero_grad()
                losses = network(images, targets, masking, pixels == "norm-pix", cls_loss)
                losses[0].backward()
                for name, loss in zip(("loss", "reconstructionLoss", "classificationLoss"), losses, strict=True):
                    out.add(label, f"{prefix}/{name}", loss, golden[f"{prefix}/{name}"])
                out.gradients(label, prefix, network, golden)
    check_adamw(label, case, golden, network, out)
    network.blocks[-1].attn.kind = "explicit"
    load_parameters(network, golden)
    with torch.no_grad():
        attention, weights = network.attention_maps(images)
    out.add(label, "maps/lastBlockClsAttention", attention, golden["maps/lastBlockClsAttention"])
    out.add(label, "maps/weights", weights, golden["maps/weights"])


def check_finetune(label: str, case: dict, golden: dict[str, Tensor], kind: str, out: Comparison) -> None:
    network = peer.Classifier(config_of(case), peer.Parts(kind)).double()
    load_parameters(network, golden)
    images, targets = golden["input/images"], golden["input/targets"]
    kept = peer.attention_masking(golden["input/idsShuffle"], case["maskRatio"], case["throwRatio"]).kept
    rates = peer.drop_path_rates(case["dropPath"]["rate"], network.config.depth)
    scale = peer.drop_path_scale(golden["drop-path/keep"], rates)
    out.add(label, "fullLogits", network(images), golden["fullLogits"])
    out.add(label, "maskedLogits", network(images, kept), golden["maskedLogits"])
    out.add(label, "drop-path/logits", network(images, kept, scale), golden["drop-path/logits"])
    losses = {
        "ce": lambda: F.cross_entropy(network(images, kept), targets),
        "label-smoothing-0.1": lambda: F.cross_entropy(network(images, kept), targets, label_smoothing=0.1),
        "soft-target": lambda: F.cross_entropy(network(images, kept), golden["input/softTargets"]),
        "drop-path": lambda: F.cross_entropy(network(images, kept, scale), targets),
    }
    for name, loss_of in losses.items():
        network.zero_grad()
        loss = loss_of()
        loss.backward()
        out.add(label, f"{name}/loss", loss, golden[f"{name}/loss"])
        out.gradients(label, name, network, golden)
    check_adamw(label, case, golden, network, out)


def check_adamw(label: str, case: dict, golden: dict[str, Tensor], network: nn.Module, out: Comparison) -> None:
    """Ten steps of the attention phase with both AdamW implementations that the benchmark times."""
    settings = case["adamw"]
    for fused in (False, True):
        load_parameters(network, golden)
        if isinstance(network, peer.Classifier):
            groups = peer.finetune_groups(network, 0.0, settings["weightDecay"], settings["layerDecay"])
        else:
            groups = peer.pretrain_groups(network, 0.0, settings["weightDecay"])
        optimizer = torch.optim.AdamW(groups, betas=tuple(settings["betas"]), eps=settings["eps"], fused=fused)
        name = f"adamw{' fused' if fused else ''}"
        for step, lr in enumerate(settings["lr_per_step"]):
            for group in optimizer.param_groups:
                group["lr"] = lr * group.get("lr_scale", 1.0)
            images = golden["adamw/images"][step]
            order = golden["adamw/idsShuffle"][step]
            masking = peer.attention_masking(order, case["maskRatio"], case["throwRatio"])
            targets = golden["input/targets"]
            optimizer.zero_grad()
            if isinstance(network, peer.Classifier):
                logits = network(images, masking.kept)
                loss = F.cross_entropy(logits, targets, label_smoothing=settings["labelSmoothing"])
            else:
                loss = network(images, targets, masking, settings["normPix"], settings["clsLoss"])[0]
            loss.backward()
            if settings.get("clipGradNorm"):
                norm = nn.utils.clip_grad_norm_(network.parameters(), settings["clipGradNorm"])
                out.add(label, f"{name}/gradNorm/{step}", norm, golden[f"adamw/gradNorm/{step}"])
            out.add(label, f"{name}/loss/{step}", loss, golden[f"adamw/loss/{step}"])
            optimizer.step()
            for key, value in network.state_dict().items():
                expected = golden.get(f"adamw/after{step + 1}/{key}")
                if expected is not None:
                    out.add(label, f"{name}/after{step + 1}/{key}", value, expected)


def check_fp32(label: str, case: dict, golden: dict[str, Tensor], parts: peer.Parts, out: Comparison) -> None:
    """Loss and every gradient of one attention-phase step in fp32 against the float64 golden."""
    masking = peer.attention_masking(golden["input/idsShuffle"], case["maskRatio"], case["throwRatio"])
    images, targets = golden["input/images"].float(), golden["input/targets"]
    if label.startswith("finetune"):
        classifier = peer.Classifier(config_of(case), parts)
        load_parameters(classifier, golden)
        network, prefix = classifier, "ce"
        loss = F.cross_entropy(classifier(images, masking.kept), targets)
    else:
        autoencoder = peer.MaskedAutoencoder(config_of(case), parts)
        load_parameters(autoencoder, golden)
        network, prefix = autoencoder, "attention/raw/softmax-ce"
        loss = autoencoder(images, targets, masking)[0]
    loss.backward()
    out.add(label, f"{prefix}/loss", loss, golden[f"{prefix}/loss"])
    out.gradients(label, prefix, network, golden)


def check_segment(label: str, case: dict, golden: dict[str, Tensor], kind: str, out: Comparison) -> None:
    """Loss, logits and every gradient of the last head's training, and three steps of both Adams that are timed."""
    sizes, settings = case["config"], case["adam"]
    tap = sizes["taps"][-1]
    name = f"Head{len(sizes['taps']) - 1}"
    steps = 3
    for fused in (False, True):
        network = segmenter.Segmenter(config_of(case), peer.Parts(kind), sizes["head_width"], tap, name).double()
        known = network.state_dict().keys()
        given = {k.removeprefix("param/"): v for k, v in golden.items() if k.startswith("param/")}
        missing = network.load_state_dict({k: v for k, v in given.items() if k in known}, strict=False).missing_keys
        if any(not re.search("running_|num_batches", key) for key in missing):
            raise ValueError(f"{label}: expected every tensor in the golden, got none for {missing}")
        optimizer = segmenter.adam(network, fused, settings["lr"], settings["l2"], settings["eps"])
        for step in range(steps):
            optimizer.zero_grad()
            logits = network(golden["input/images"], case["output_size"])
            loss = segmenter.loss_of(logits, golden["input/masks"].double())
            loss.backward()
            if step == 0:
                out.add(label, "last/loss", loss, golden["last/loss"])
                out.add(label, "last/logits", logits, golden["last/logits"])
                out.gradients(label, "last", network, golden)
            optimizer.step()
        for key, value in network.state_dict().items():
            expected = golden.get(f"last/after{steps}/{key}")
            # A bias that BatchNorm takes away has rounding noise for a gradient, and Adam makes that large.
            if expected is not None and not re.search(r"UP_stage_\d\.0\.bias$", key):
                out.add(label, f"adam{' fused' if fused else ''}/after{steps}/{key}", value, expected)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--goldens", type=Path, required=True, help="folder that holds index.json")
    parser.add_argument("--json", action="store_true", help="print every row as JSON")
    arguments = parser.parse_args()
    torch.set_num_threads(1)

    index = json.loads((arguments.goldens / "index.json").read_text())
    out = Comparison()
    segmentation = load_file(arguments.goldens / "segmentation/small.safetensors")
    check_segment("segmentation/small", index["segmentation/small"], segmentation, "explicit", out)
    for name, check in (("pretrain/micro", check_pretrain), ("finetune/micro-avg", check_finetune)):
        golden = load_file(arguments.goldens / f"{name}.safetensors")
        for kind in ("explicit", "sdpa"):
            check(f"{name} {kind}", index[name], golden, kind, out)
        parts = peer.Parts("sdpa", peer.OneDnnLinear)
        check_fp32(f"{name} sdpa onednn fp32", index[name], golden, parts, out)

    failed = [row for row in out.rows if not row["ok"]]
    if arguments.json:
        print(json.dumps(out.rows, indent=1))
    else:
        for case in dict.fromkeys(row["case"] for row in out.rows):
            rows = [row for row in out.rows if row["case"] == case]
            worst = max(rows, key=lambda row: row["maxAbsError"])
            print(f"{case}: {len(rows)} tensors, largest error {worst['maxAbsError']:.2e} ({worst['quantity']})")
        for row in failed:
            print(f"FAILED {row['case']} {row['quantity']}: {row['maxAbsError']:.2e} > {row['tolerance']:.2e}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
