"""Reference values of timm, Pillow and torchvision for test/unit/data/augment, as JSON on stdout.

Needs timm 1.0, Pillow 13 and torchvision. Images are made by formula, results are kept as hashes:
    python bench/peers/augment_reference.py > test/unit/data/augment/fixtures/pillow-13-augment.json
"""

import hashlib
import json
import random
import sys

import numpy as np
from PIL import Image
from timm.data import auto_augment as aa
from torchvision.transforms import functional as F

FILL = (124, 116, 104)
FILTERS = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}
WARPS = ["Rotate", "ShearX", "ShearY", "TranslateX", "TranslateY", "TranslateXRel", "TranslateYRel"]


# Height, width and channels.
IMAGES = [("noise", 37, 45, 3), ("smooth", 64, 64, 3), ("smooth", 41, 30, 1), ("noise", 32, 32, 1)]
TINY = [("noise", 2, 3, 3), ("noise", 5, 1, 1)]


def filters_of(name):
    return list(FILTERS) if name in WARPS else ["bilinear"]


def picture(height, width, channels, kind):
    """Coarse noise over all values, or a smooth ramp over some of them."""
    y, x, k = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    if kind == "noise":
        values = x * x * 7 + y * y * 5 + x * y * 3 + k * 91 + ((x * 31) ^ (y * 17))
    else:
        values = 30 + (x * 3 + y * 2) % 160 + k * 20
    pixels = (values & 255).astype(np.uint8)
    return Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels)


def digest(image):
    return hashlib.sha256(np.asarray(image).tobytes()).hexdigest()[:12]


def with_sign(sign, call):
    """Runs with timm's coin showing one side."""
    held = random.random
    random.random = lambda: 0.9 if sign < 0 else 0.1
    try:
        return call()
    finally:
        random.random = held


def level_argument(name, level, sign, short_side):
    rule = aa.LEVEL_TO_ARG[name]
    if rule is None:
        return None
    hparams = {"translate_const": int(short_side * 0.45)}
    return with_sign(sign, lambda: rule(level, hparams))[0]


def levels():
    """Per operation: [level, argument, argument of the other sign]."""
    steps = [i / 2 for i in range(21)] + [3.14159, 9.37, 12, 20, 30]
    rules = [name for name, rule in aa.LEVEL_TO_ARG.items() if rule]
    return {n: [[s, level_argument(n, s, 1, 224), level_argument(n, s, -1, 224)] for s in steps] for n in rules}


def at_magnitudes():
    """Every operation at every whole magnitude and sign, on both kinds of image."""
    rows = []
    for name, function in aa.NAME_TO_OP.items():
        if name == "GaussianBlurRand":
            continue
        for kind, height, width, channels in IMAGES:
            image = picture(height, width, channels, kind)
            for filter_name in filters_of(name):
                hashes = []
                for magnitude in range(11):
                    for sign in (1, -1):
                        argument = level_argument(name, magnitude, sign, min(height, width))
                        arguments = [] if argument is None else [argument]
                        fill = FILL[:channels]
                        try:
                            result = function(image, *arguments, fillcolor=fill, resample=FILTERS[filter_name])
                            hashes.append(digest(result))
                        except ValueError:
                            hashes.append("refused")
                rows.append([name, kind, height, width, channels, filter_name, hashes])
    return rows


def with_arguments():
    """Arguments beyond the magnitudes."""
    arguments = {
        "Rotate": [7.3, -90, 90, 135.25, 180, 270, 360, -720],
        "ShearX": [1.7, -0.013],
        "TranslateX": [3, -7, 100, 0.5],
        "TranslateY": [4, -2.75],
        "GaussianBlur": [0, 0.05, 0.1, 0.5, 1, 1.37, 2, 3.3, 7.9, 40],
        "Color": [0, 0.3, 1, 1.0000001, 1.9, 2.7],
        "Contrast": [0, 0.3, 1, 1.9, 3.1],
        "Brightness": [0, 0.3, 1, 1.9, 3.1],
        "Sharpness": [0, 0.3, 1, 1.9, 3.1],
        "Solarize": [0, 128, 255, 256],
        "SolarizeAdd": [0, 64, 128],
    }
    rows = []
    for name, values in arguments.items():
        for kind, height, width, channels in IMAGES + TINY:
            image = picture(height, width, channels, kind)
            for filter_name in filters_of(name):
                call = lambda value: aa.NAME_TO_OP[name](
                    image, value, fillcolor=FILL[:channels], resample=FILTERS[filter_name]
                )
                rows.append([name, kind, height, width, channels, filter_name, [[v, digest(call(v))] for v in values]])
    return rows


def hues():
    rows = []
    every = np.arange(256, dtype=np.uint8)
    mixed = np.stack([np.repeat(every, 256), np.tile(every, 256), np.repeat(every, 256) * 7 + np.tile(every, 256) * 3], 1)
    image = Image.fromarray(mixed.reshape(256, 256, 3).astype(np.uint8))
    for shift in [-0.5, -0.31, -0.05, -0.001, 0, 0.004, 0.1, 0.27, 0.5]:
        rows.append([shift, digest(F.adjust_hue(image, shift))])
    return rows


def policies():
    flat = lambda policy: [[[op.name, op.prob, op.magnitude] for op in sub] for sub in policy]
    return {name: flat(aa.auto_augment_policy(name)) for name in ["original", "originalr", "v0", "v0r", "3a"]}


def rand_configurations():
    texts = ["rand-m9-mstd0.5-inc1", "rand", "rand-m7-n3-p0.8", "rand-m15-mmax30-mstd101", "rand-mstd1-tweights",
             "rand-m5-t3a", "rand-t3aw-n4-inc1", "rand-m0-mmax0"]
    rows = []
    for text in texts:
        made = aa.rand_augment_transform(text, {})
        first = made.ops[0]
        weights = None if made.choice_weights is None else [float(w) for w in made.choice_weights]
        std = first.magnitude_std
        rows.append({"text": text, "operations": [op.name for op in made.ops], "weights": weights,
                     "layers": made.num_layers, "probability": first.prob, "magnitude": first.magnitude,
                     "deviation": "uniform" if std == float("inf") else std, "limit": first.magnitude_max or 10})
    return rows


def main():
    parts = {"levels": levels(), "magnitudes": at_magnitudes(), "arguments": with_arguments(), "hues": hues(),
             "policies": policies(), "rand": rand_configurations()}
    lines = []
    for name, part in parts.items():
        if isinstance(part, list):
            body = ",\n".join("    " + json.dumps(row) for row in part)
            lines.append(f'  "{name}": [\n{body}\n  ]')
        else:
            body = ",\n".join(f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in part.items())
            lines.append(f'  "{name}": {{\n{body}\n  }}')
    sys.stdout.write("{\n" + ",\n".join(lines) + "\n}\n")


main()
