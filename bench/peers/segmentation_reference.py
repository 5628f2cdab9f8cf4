"""Reference figures of segmentations, from MONAI and from DeepMind's surface-distance.

Usage: python segmentation_reference.py OUT_DIR   (writes segmentation-peers.json)

Needs monai, torch, scipy and surface-distance (pip install surface-distance). Forty pairs of made masks, degenerate ones among
them; each with what MONAI says of border pixels and surface-distance of contours. What a peer calls nan or inf is null here.
"""

import json
import math
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from monai.metrics import (
    compute_average_surface_distance,
    compute_dice,
    compute_hausdorff_distance,
    compute_iou,
    compute_surface_dice,
    get_confusion_matrix,
)
from surface_distance import metrics as surface

warnings.filterwarnings("ignore")
RANDOM = np.random.default_rng(20261128)


def blank(height=24, width=31):
    return np.zeros((height, width), bool)


def disc(y, x, radius, height=24, width=31, squeeze=1.0):
    rows, columns = np.mgrid[:height, :width]
    return (rows - y) ** 2 + ((columns - x) * squeeze) ** 2 <= radius**2


def box(top, left, bottom, right, height=24, width=31):
    mask = blank(height, width)
    mask[top:bottom, left:right] = True
    return mask


def blob(height=24, width=31, share=0.3):
    noise = RANDOM.random((height + 8, width + 8))
    kernel = np.hanning(9)[1:-1]
    for axis in (0, 1):
        noise = np.apply_along_axis(lambda line: np.convolve(line, kernel, "same"), axis, noise)
    inner = noise[4:-4, 4:-4]
    return inner > np.quantile(inner, 1 - share)


def speckle(share, height=24, width=31):
    return RANDOM.random((height, width)) < share


def pairs():
    one = blank()
    one[7, 9] = True
    other = blank()
    other[20, 28] = True
    corner = blank()
    corner[0, 0] = True
    far = blank()
    far[-1, -1] = True
    ring = disc(12, 15, 9) & ~disc(12, 15, 5)
    holes = box(3, 4, 20, 27)
    holes[6:9, 8:11] = False
    holes[12:17, 18:19] = False
    stairs = np.tri(24, 31, 3).astype(bool)
    checks = np.indices((24, 31)).sum(0) % 2 == 0
    line = box(11, 2, 12, 29)
    column = box(1, 5, 23, 6)
    full = ~blank()
    mm = (0.7, 0.4)
    tall = (2.5, 0.3)
    yield "equal discs", disc(12, 15, 8), disc(12, 15, 8), (1, 1)
    yield "shifted discs", disc(12, 15, 8), disc(11, 17, 8), (1, 1)
    yield "shifted discs, anisotropic", disc(12, 15, 8), disc(11, 17, 8), mm
    yield "shifted discs, very anisotropic", disc(12, 15, 8), disc(9, 15, 8), tall
    yield "a disc in a larger one", disc(12, 15, 4), disc(12, 15, 9), (1, 1)
    yield "one pixel, the same", one, one, (1, 1)
    yield "one pixel each", one, other, (1, 1)
    yield "one pixel each, anisotropic", one, other, tall
    yield "opposite corners", corner, far, mm
    yield "one pixel and a disc", one, disc(12, 15, 8), (1, 1)
    yield "a disc and one pixel, anisotropic", disc(12, 15, 8), one, mm
    yield "both empty", blank(), blank(), (1, 1)
    yield "no prediction", blank(), disc(12, 15, 8), (1, 1)
    yield "no prediction, anisotropic", blank(), one, mm
    yield "no truth", disc(12, 15, 8), blank(), (1, 1)
    yield "the whole picture, both", full, full, (1, 1)
    yield "the whole picture and a disc", full, disc(12, 15, 8), mm
    yield "a disc and the whole picture", disc(12, 15, 8), full, (1, 1)
    yield "touching the left border", box(5, 0, 15, 9), box(6, 0, 17, 8), (1, 1)
    yield "touching all borders", box(0, 5, 24, 20) | box(8, 0, 12, 31), box(0, 6, 24, 20), mm
    yield "in a corner", disc(0, 0, 9), disc(1, 2, 9), (1, 1)
    yield "a ring and a disc", ring, disc(12, 15, 9), (1, 1)
    yield "a ring and its hole", ring, disc(12, 15, 5), mm
    yield "holes and none", holes, box(3, 4, 20, 27), (1, 1)
    yield "holes elsewhere, anisotropic", holes, holes[::-1, ::-1].copy(), tall
    yield "stairs", stairs, np.roll(stairs, 2, 1), (1, 1)
    yield "a chess board and its whites", checks, ~checks, (1, 1)
    yield "a chess board, anisotropic", checks, disc(12, 15, 8), mm
    yield "a line and a column", line, column, (1, 1)
    yield "a line and the next but one", line, np.roll(line, 2, 0), tall
    yield "two parts, one found", disc(6, 6, 4) | disc(16, 24, 4), disc(6, 6, 4), (1, 1)
    yield "two parts, other ones", disc(6, 6, 4) | disc(16, 24, 4), disc(18, 6, 3) | disc(5, 25, 4), mm
    yield "blobs", blob(), blob(), (1, 1)
    yield "blobs, anisotropic", blob(), blob(), mm
    yield "a small and a large blob", blob(share=0.05), blob(share=0.5), tall
    yield "speckles", speckle(0.02), speckle(0.02), (1, 1)
    yield "speckles in a disc", disc(12, 15, 9) & speckle(0.5), disc(12, 15, 9), mm
    yield "one row", speckle(0.4, 1, 40), speckle(0.4, 1, 40), mm
    yield "one column", speckle(0.4, 33, 1), speckle(0.4, 33, 1), tall
    yield "one pixel in all", ~blank(1, 1), ~blank(1, 1), (1, 1)


def number(value):
    value = float(value)
    return value if math.isfinite(value) else None


def monai_figures(predicted, truth, spacing, tolerance):
    y_pred, y = (torch.from_numpy(mask)[None, None].double() for mask in (predicted, truth))
    tp, fp, _, fn = get_confusion_matrix(y_pred, y)[0, 0].tolist()
    distance = dict(y_pred=y_pred, y=y, include_background=True, spacing=list(spacing))
    return {
        "dice": number(compute_dice(y_pred, y)),
        "iou": number(compute_iou(y_pred, y)),
        "sensitivity": number(tp / (tp + fn) if tp + fn else math.nan),
        "precision": number(tp / (tp + fp) if tp + fp else math.nan),
        "hd": number(compute_hausdorff_distance(**distance)),
        "hd95": number(compute_hausdorff_distance(percentile=95, **distance)),
        "assd": number(compute_average_surface_distance(symmetric=True, **distance)),
        "nsd": number(compute_surface_dice(class_thresholds=[tolerance], **distance)),
    }


def contour_figures(predicted, truth, spacing, tolerance):
    found = surface.compute_surface_distances(truth, predicted, spacing)
    lengths = [found["surfel_areas_gt"], found["surfel_areas_pred"]]
    distances = [found["distances_gt_to_pred"], found["distances_pred_to_gt"]]
    total = sum(part.sum() for part in lengths)
    return {
        "hd": number(surface.compute_robust_hausdorff(found, 100)),
        "hd95": number(surface.compute_robust_hausdorff(found, 95)),
        # It gives the means of both surfaces apart; this is the mean of both together.
        "assd": number(sum((d * a).sum() for d, a in zip(distances, lengths)) / total if total else math.nan),
        "nsd": number(surface.compute_surface_dice_at_tolerance(found, tolerance)),
    }


def rows(mask):
    return ["".join("1" if inside else "0" for inside in row) for row in mask]


def main():
    cases = []
    for name, predicted, truth, spacing in pairs():
        spacing = tuple(float(step) for step in spacing)
        tolerance = 1.5 * max(spacing) if name.startswith("blobs") else 2.0
        cases.append(
            {
                "name": name,
                "spacing": spacing,
                "tolerance": tolerance,
                "predicted": rows(predicted),
                "truth": rows(truth),
                "borderPixels": monai_figures(predicted, truth, spacing, tolerance),
                "contour": contour_figures(predicted, truth, spacing, tolerance),
            }
        )
    assert len(cases) == 40
    versions = {name: version(name) for name in ("monai", "torch", "scipy", "surface-distance")}
    # One case a line.
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    text = f'{{"versions":{json.dumps(versions)},"cases":[\n{lines}\n]}}\n'
    (Path(sys.argv[1]) / "segmentation-peers.json").write_text(text)


if __name__ == "__main__":
    main()
