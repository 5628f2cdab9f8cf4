"""Reference values and gradients of losses of masks, from PyTorch in float64, held against MONAI's where it has them.

Usage: python segmentation_losses.py OUT_DIR   (writes torch-mask-losses.json)
"""

import json
import sys
from pathlib import Path

import torch
from monai.losses import DiceLoss, FocalLoss, TverskyLoss
from torch.nn import functional as F

SMOOTH = 1e-5
GAMMAS = (0, 0.5, 2)
TVERSKY = (0.3, 0.7)
torch.manual_seed(20261128)


def pixels(logits, targets):
    if logits.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return -(targets * logits.log_softmax(1)).sum(1, keepdim=True)


def mean(values, weights):
    return (values * weights).sum() / weights.sum()


def sums(logits, targets, weights):
    if logits.shape[1] == 1:
        p, t = logits.sigmoid(), targets
    else:
        p, t = logits.softmax(1)[:, 1:], targets[:, 1:]
    p, t = p * weights, t * weights
    return [part.sum((2, 3)) for part in (p * t, p, t)]


def dice(logits, targets, weights):
    both, p, t = sums(logits, targets, weights)
    return 1 - ((2 * both + SMOOTH) / (p + t + SMOOTH)).mean()


def tversky(logits, targets, weights):
    both, p, t = sums(logits, targets, weights)
    wrong = TVERSKY[0] * (p - both) + TVERSKY[1] * (t - both)
    return 1 - ((both + SMOOTH) / (both + wrong + SMOOTH)).mean()


def focal(gamma):
    def loss(logits, targets, weights):
        surprise = pixels(logits, targets)
        return mean((1 - (-surprise).exp()) ** gamma * surprise, weights)

    return loss


LOSSES = {
    "ce": lambda x, t, w: mean(pixels(x, t), w),
    "bce-dice": lambda x, t, w: 0.5 * mean(pixels(x, t), w) + dice(x, t, w),
    "ce-dice": lambda x, t, w: mean(pixels(x, t), w) + dice(x, t, w),
    "dice": dice,
    "tversky": tversky,
    **{f"focal-{gamma}": focal(gamma) for gamma in GAMMAS},
}


def against_monai(logits, targets):
    """MONAI counts every pixel, so that weights are 1 here."""
    several = logits.shape[1] > 1
    kind = dict(softmax=True, include_background=False) if several else dict(sigmoid=True)
    smooth = dict(smooth_nr=SMOOTH, smooth_dr=SMOOTH)
    ones = torch.ones_like(logits[:, :1])
    pairs = [
        (dice(logits, targets, ones), DiceLoss(**kind, **smooth)(logits, targets)),
        (tversky(logits, targets, ones), TverskyLoss(**kind, **smooth, alpha=TVERSKY[0], beta=TVERSKY[1])(logits, targets)),
    ]
    for gamma in GAMMAS:
        # Its mean is over classes as well.
        theirs = FocalLoss(gamma=gamma, use_softmax=several)(logits, targets) * logits.shape[1]
        pairs.append((focal(gamma)(logits, targets, ones), theirs))
    for ours, theirs in pairs:
        assert abs(ours.item() / theirs.item() - 1) < 1e-6, (ours, theirs)


def case(channels, weighted, extreme):
    shape = (2, channels, 3, 4)
    classes = torch.randint(0, max(2, channels), (2, 1, 3, 4))
    classes[1] = 0 if channels > 1 else classes[1]
    targets = classes.double() if channels == 1 else torch.cat([classes == k for k in range(channels)], 1).double()
    logits = torch.randn(shape, dtype=torch.float64) * 2
    against_monai(logits, targets)
    if extreme:
        for at, value in zip(range(0, logits.numel(), 3), (100, -100, 40, -40, 100, -100)):
            logits.view(-1)[at] = value
    weights = torch.ones(2, 1, 3, 4, dtype=torch.float64)
    if weighted:
        weights[0, 0, 1] = 0
        weights[1, 0, :, 2] = 0
    values = {}
    for name, loss in LOSSES.items():
        x = logits.clone().requires_grad_()
        result = loss(x, targets, weights)
        (gradient,) = torch.autograd.grad(result, x)
        # A power of exactly 0 has no derivative for exponents below 1; ours has.
        if gradient.isfinite().all():
            values[name] = {"loss": result.item(), "gradient": gradient.flatten().tolist()}
    flat = {"logits": logits, "classes": torch.where(weights == 0, 255, classes), "targets": targets}
    return {
        "name": f"{channels} channels, {'some pixels ignored' if weighted else 'all pixels'}"
        + (", logits of ±100" if extreme else ""),
        "shape": list(shape),
        **{key: value.flatten().tolist() for key, value in flat.items()},
        "weighted": weighted,
        "values": values,
    }


def main():
    kinds = [(1, False, False), (1, True, False), (1, False, True), (3, False, False), (3, True, False), (4, True, True)]
    cases = [case(*kind) for kind in kinds]
    # One case a line.
    lines = ",\n".join(json.dumps(made, separators=(",", ":")) for made in cases)
    text = f'{{"torch":"{torch.__version__.split("+")[0]}","cases":[\n{lines}\n]}}\n'
    (Path(sys.argv[1]) / "torch-mask-losses.json").write_text(text)


if __name__ == "__main__":
    main()
