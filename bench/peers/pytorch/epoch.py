"""Fine-tunes with the method in plain PyTorch from files to figures, and tells how long each stage of an epoch took.

Usage: python epoch.py TRAIN EVAL --model base --batch 16 --threads 2 --workers 2 --epochs 2

TRAIN and EVAL hold class folders. As the published program does it: attention maps of all training images by the whole
encoder before the first epoch; each epoch the images through a DataLoader (random resized crop, mirror, normalisation), their
maps cropped with them, patches drawn by these, one AdamW step a batch on the quarter that is kept; then EVAL on all
patches, and weights with the optimiser's state saved. One JSON line: stages, each [wall seconds, processor seconds] with the loader's
processes, per epoch; maps once.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import datasets, transforms
from torchvision.transforms import functional as TF

import model as peer
from step import BLR, DROP_PATH, LABEL_SMOOTHING, SEED

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def seconds_now() -> tuple[float, float]:
    """The clock, and the processor's time of this process and of its children that have ended."""
    spent = os.times()
    return time.perf_counter(), spent.user + spent.system + spent.children_user + spent.children_system


def timed(work: Callable[[], object]) -> list[float]:
    before = seconds_now()
    work()
    return [after - begun for after, begun in zip(seconds_now(), before)]


class Augmented(Dataset):
    """Training images [3, S, S] with their maps [g, g], cropped and mirrored alike, and their classes."""

    def __init__(self, folder: str, size: int) -> None:
        self.data = datasets.ImageFolder(folder)
        self.size = size
        self.maps: Tensor | None = None
        self.normalise = transforms.Normalize(MEAN, STD)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, int]:
        image, label = self.data[index]
        top, left, height, width = transforms.RandomResizedCrop.get_params(image, (0.2, 1.0), (3 / 4, 4 / 3))
        shape = [self.size, self.size]
        picture = TF.resized_crop(image, top, left, height, width, shape, transforms.InterpolationMode.BICUBIC)
        whole = self.maps[index][None]
        grid = whole.shape[1]
        down, across = grid / image.height, grid / image.width
        rows = slice(int(top * down), max(int(top * down) + 1, round((top + height) * down)))
        columns = slice(int(left * across), max(int(left * across) + 1, round((left + width) * across)))
        weights = TF.resize(whole[:, rows, columns], [grid, grid], antialias=True)
        if torch.rand(1) < 0.5:
            picture, weights = TF.hflip(picture), TF.hflip(weights)
        return self.normalise(TF.to_tensor(picture)), weights[0], label


def plain(folder: str, size: int) -> datasets.ImageFolder:
    steps = [transforms.Resize([size, size]), transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    return datasets.ImageFolder(folder, transforms.Compose(steps))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train")
    parser.add_argument("eval")
    parser.add_argument("--model", choices=sorted(peer.PRESETS), required=True)
    for name, usual in (("batch", 16), ("threads", 2), ("workers", 2), ("epochs", 2)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    arguments = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(arguments.threads)

    config = peer.PRESETS[arguments.model]
    batch, lr = arguments.batch, BLR * arguments.batch / 256
    training = Augmented(arguments.train, config.img_size)
    network = peer.Classifier(config)
    optimizer = torch.optim.AdamW(peer.finetune_groups(network, lr), betas=(0.9, 0.999))
    rates = peer.drop_path_rates(DROP_PATH, config.depth).float()

    def loader(data: Dataset, drawn: bool = False) -> DataLoader:
        return DataLoader(data, batch, shuffle=drawn, drop_last=drawn, num_workers=arguments.workers)

    @torch.inference_mode()
    def refresh() -> None:
        network.eval()
        maps = []
        for images, _ in loader(plain(arguments.train, config.img_size)):
            network(images)
            attention = network.blocks[-1].attn.weights[:, :, 0, 1:]
            shifted = attention - attention.amin(dim=-1, keepdim=True)
            weights = (shifted / shifted.amax(dim=-1, keepdim=True)).mean(dim=1)
            maps.append(weights.reshape(-1, config.grid, config.grid))
        training.maps = torch.cat(maps)

    def train() -> None:
        network.train()
        for images, weights, labels in loader(training, drawn=True):
            order = torch.multinomial(weights.flatten(1) + 1e-6, config.patches)
            keep = (1 - rates)[:, None, None].expand(-1, 2, len(labels)).bernoulli()
            logits = network(images, peer.attention_masking(order).kept, peer.drop_path_scale(keep, rates))
            loss = F.cross_entropy(logits, labels, label_smoothing=LABEL_SMOOTHING)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    @torch.inference_mode()
    def evaluate() -> None:
        network.eval()
        for images, labels in loader(plain(arguments.eval, config.img_size)):
            (network(images).argmax(dim=1) == labels).sum().item()

    with tempfile.TemporaryDirectory() as folder:

        def save() -> None:
            torch.save({"model": network.state_dict(), "optimizer": optimizer.state_dict()}, f"{folder}/last.pth")

        stages = {"maps": timed(refresh), "training": [], "evaluation": [], "saving": []}
        for _ in range(arguments.epochs):
            for name, work in (("training", train), ("evaluation", evaluate), ("saving", save)):
                stages[name].append(timed(work))
    print(json.dumps(stages))


main()
