"""A segmenter of msmae in PyTorch. Needs torch, and safetensors where the file is of it.

    msmae convert runs/segment/best.safetensors model.pth --to pytorch

    model, facts = load("model.pth")
    logits = model(images)    # images [B, C, H, W]: (pixel / 255 - facts["mean"]) / facts["std"], logits [B, outputs, H, W]
    mask = logits.sigmoid() > 0.5 if logits.shape[1] == 1 else logits.argmax(1)    # of facts["class_names"]
"""

import json
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, dim, heads, ratio, eps):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps), nn.LayerNorm(dim, eps)
        self.attn = nn.ModuleDict({"qkv": nn.Linear(dim, 3 * dim), "proj": nn.Linear(dim, dim)})
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(dim, round(dim * ratio)), "fc2": nn.Linear(round(dim * ratio), dim)})

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.attn["qkv"](self.norm1(x)).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, d)
        x = x + self.attn["proj"](attended)
        return x + self.mlp["fc2"](F.gelu(self.mlp["fc1"](self.norm2(x))))


def naive(features, width, outputs):
    conv = nn.Sequential(nn.Conv2d(features, width, 1), nn.BatchNorm2d(width), nn.ReLU())
    return {"conv": conv, "cls_seg": nn.Conv2d(width, outputs, 1)}


def pup(features, width, outputs):
    def stage(inputs):
        grow = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        return nn.Sequential(nn.Conv2d(inputs, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), grow)

    stages = {f"UP_stage_{i}": stage(features if i == 1 else width) for i in range(1, 5)}
    return {**stages, "cls_seg": nn.Conv2d(width, outputs, 3, padding=1)}


def light(features, width, outputs):
    def layer(inputs, side):
        conv = nn.Conv2d(inputs, width, side, padding=side // 2, bias=False)
        grow = nn.Identity() if side == 1 else nn.Upsample(scale_factor=2, mode="bilinear")
        return nn.Sequential(OrderedDict(grow=grow, conv=conv, norm=nn.BatchNorm2d(width), relu=nn.ReLU()))

    layers = nn.Sequential(layer(features, 1), layer(width, 3), layer(width, 3))
    return {"layers": layers, "cls_seg": nn.Conv2d(width, outputs, 1)}


HEADS = {"setr-naive": naive, "setr-pup": pup, "light": light}


class Segmenter(nn.Module):
    def __init__(self, config):
        super().__init__()
        chans, dim, patch = config["inChans"], config["embedDim"], config["patchSize"]
        patches = (config["inputHeight"] // patch) * (config["inputWidth"] // patch)
        outputs = 1 if config["numClasses"] == 2 else config["numClasses"]
        block = dim, config["numHeads"], config["mlpRatio"], config.get("normEpsilon", 1e-6)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + patches, dim))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(chans, dim, patch, patch)})
        self.blocks = nn.ModuleList(Block(*block) for _ in range(config["depth"]))
        # The last head tells. Those of the other taps are there where they taught, and are not asked.
        self.last = len(config["taps"]) - 1
        taught = range(0 if config["deepSupervision"] else self.last, self.last + 1)
        head = lambda: nn.Sequential(OrderedDict(HEADS[config["head"]](dim, config["headWidth"], outputs)))
        self.heads = nn.ModuleDict({f"Head{i}": head() for i in taught})
        self.tap = config["taps"][-1]

    def forward(self, images):
        x = self.patch_embed["proj"](images)
        grid = x.shape
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x.flatten(2).transpose(1, 2)], 1) + self.pos_embed
        for block in self.blocks[: self.tap + 1]:
            x = block(x)
        features = x[:, 1:].transpose(1, 2).reshape(grid)
        logits = self.heads[f"Head{self.last}"](features)
        return F.interpolate(logits, images.shape[2:], mode="bilinear")


def load(path):
    """The model, ready to be asked, and what is known of it: class names, mean and std by channel, licence, config."""
    path = Path(path)
    if path.suffix == ".safetensors":
        from safetensors import safe_open

        with safe_open(path, "pt") as file:
            state = {key: file.get_tensor(key) for key in file.keys()}
            said = file.metadata()
        facts = {name: json.loads(said[name]) for name in ("mean", "std", "class_names", "config")}
        facts["licence"] = said["licence"]
    else:
        state = torch.load(path, weights_only=True)
        facts = json.loads(path.with_suffix(".json").read_text())
    model = Segmenter(facts["config"])
    model.load_state_dict(state, strict=True)
    return model.eval(), facts
