"""Reference values of mixup, cutmix, weighted and focal losses, from timm and PyTorch.

Usage: python mixing_values.py OUT_DIR   (writes mixing.json and losses.json)

The random draws that timm would make are given instead, so that another implementation can be fed the same.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import timm
import torch
from sklearn.utils.class_weight import compute_class_weight
from timm.data.mixup import FastCollateMixup

B, C, H, W, CLASSES = 6, 3, 20, 29, 4
LABELS = [0, 3, 1, 1, 2, 0]
SMOOTHING = 0.1

# Per image: prob and switch (uniform), the share (beta), and two pairs of whole numbers (cutmix).
SCRIPT = [
    {"prob": 0.05, "switch": 0.7, "beta": 0.3712345678901, "integers": [3, 5], "sides": [[7, 11], [2, 9]]},
    {"prob": 0.95, "switch": 0.2, "beta": 0.5, "integers": [19, 28], "sides": [[5, 14], [0, 15]]},
    {"prob": 0.45, "switch": 0.3, "beta": 0.123456789, "integers": [10, 0], "sides": [[9, 10], [11, 3]]},
    {"prob": 0.65, "switch": 0.6, "beta": 0.999999999, "integers": [0, 28], "sides": [[5, 8], [15, 21]]},
    {"prob": 0.15, "switch": 0.1, "beta": 0.0123, "integers": [9, 14], "sides": [[6, 22], [3, 4]]},
    {"prob": 0.25, "switch": 0.9, "beta": 0.6180339887, "integers": [17, 20], "sides": [[12, 9], [8, 0]]},
]

CASES = {
    "mixup": dict(mixup_alpha=0.8),
    "cutmix": dict(cutmix_alpha=1.0),
    "both": dict(mixup_alpha=0.8, cutmix_alpha=1.0, switch_prob=0.5),
    "minmax": dict(cutmix_minmax=[0.25, 0.8]),
    "sometimes": dict(mixup_alpha=0.2, cutmix_alpha=0.5, switch_prob=0.4, prob=0.5),
}


def images():
    size = C * H * W
    index = np.arange(B * size)
    # [B, H, W, C] by a formula that another program can repeat.
    flat = ((index * 7 + (index >> 5) * 13 + (index // size) * 101) & 255).astype(np.uint8)
    return flat.reshape(B, H, W, C)


class Draws:
    """Stands for numpy.random: gives the scripted draws of each image in turn."""

    def __init__(self, mode, options):
        self.switches = options.get("mixup_alpha", 1.0) > 0 and (
            options.get("cutmix_alpha", 0) > 0 or "cutmix_minmax" in options
        )
        self.rands = []
        count = {"batch": 1, "pair": B // 2, "elem": B}[mode]
        script = SCRIPT[:count]
        probs = [s["prob"] for s in script]
        switches = [s["switch"] for s in script]
        if mode == "batch":
            self.rands = [probs[0]] + ([switches[0]] if self.switches else [])
        else:
            self.rands = ([np.array(switches)] if self.switches else []) + [np.array(probs)]
        self.betas = np.array([s["beta"] for s in script])
        self.batch = mode == "batch"
        self.script = script
        self.integers = None

    def rand(self, *_):
        return self.rands.pop(0)

    def beta(self, _a, _b, size=None):
        return float(self.betas[0]) if self.batch else self.betas

    def begin(self, image, minmax):
        step = self.script[image]
        self.integers = [*step["sides"][0], *step["sides"][1]] if minmax else list(step["integers"])

    def randint(self, low, high, size=None):
        value = self.integers.pop(0)
        return int(min(max(value, low), high - 1))


def run(mode, options):
    full = {"mixup_alpha": 0.0, **options}
    mixer = FastCollateMixup(mode=mode, label_smoothing=SMOOTHING, num_classes=CLASSES, **full)
    draws = Draws(mode, full)
    import timm.data.mixup as module

    # A box belongs to the image whose share it is drawn for, which timm does not pass on.
    original = module.cutmix_bbox_and_lam

    def boxed(shape, lam, ratio_minmax=None, correct_lam=True, count=None):
        wanted = [s for s in range(len(draws.script)) if np.float32(SCRIPT[s]["beta"]) == np.float32(lam)]
        draws.begin(wanted[0], ratio_minmax is not None)
        return original(shape, lam, ratio_minmax=ratio_minmax, correct_lam=correct_lam, count=count)

    saved = np.random.rand, np.random.beta, np.random.randint
    module.cutmix_bbox_and_lam = boxed
    np.random.rand, np.random.beta, np.random.randint = draws.rand, draws.beta, draws.randint
    try:
        batch = [(image.transpose(2, 0, 1).copy(), label) for image, label in zip(images(), LABELS)]
        output, target = mixer(batch)
    finally:
        module.cutmix_bbox_and_lam = original
        np.random.rand, np.random.beta, np.random.randint = saved
    pixels = output.permute(0, 2, 3, 1).contiguous().numpy()
    return {
        "mode": mode,
        "options": full,
        "sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
        "sums": pixels.reshape(B, -1).sum(1, dtype=np.int64).tolist(),
        "targets": [float(v) for v in target.float().numpy().reshape(-1)],
    }


def mixing():
    cases = [run(mode, options) for mode in ("batch", "pair", "elem") for options in CASES.values()]
    return {
        "timm": timm.__version__,
        "numpy": np.__version__,
        "shape": [B, H, W, C],
        "classes": CLASSES,
        "labels": LABELS,
        "smoothing": SMOOTHING,
        "script": SCRIPT,
        "cases": cases,
    }


def losses():
    rows, classes = 3, 4
    logits = [0.3, -1.2, 2.5, 0.0, -3.0, 4.0, 0.1, 0.2, 9.0, -9.0, 1.0, 0.5]
    targets = [0.1, 0.2, 0.6, 0.1, 0.0, 1.0, 0.0, 0.0, 0.05, 0.85, 0.05, 0.05]
    weights = [0.5, 2.0, 1.25, 0.0]
    x = torch.tensor(logits, dtype=torch.float64).reshape(rows, classes).requires_grad_()
    t = torch.tensor(targets, dtype=torch.float64).reshape(rows, classes)
    w = torch.tensor(weights, dtype=torch.float64)

    def record(loss):
        (gradient,) = torch.autograd.grad(loss, x)
        return {"loss": loss.item(), "gradient": gradient.reshape(-1).tolist()}

    def focal(gamma):
        log_p = torch.log_softmax(x, 1)
        return record(-(t * (1 - log_p.exp()) ** gamma * log_p).sum(1).mean())

    labels = [0] * 7 + [1] * 2 + [2] * 11
    balanced = compute_class_weight("balanced", classes=np.arange(3), y=np.array(labels))
    return {
        "torch": torch.__version__,
        "rows": rows,
        "logits": logits,
        "targets": targets,
        "weights": weights,
        "weighted": record(torch.nn.CrossEntropyLoss(weight=w)(x, t)),
        "focal": {str(gamma): focal(gamma) for gamma in (0.5, 1, 2, 3.5)},
        "balanced": {"counts": [7, 2, 11], "weights": balanced.tolist()},
    }


def main():
    out = Path(sys.argv[1])
    for name, values in (("mixing", mixing()), ("losses", losses())):
        (out / f"{name}.json").write_text(json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main()
