"""The method's segmenter in plain PyTorch: an encoder at full tokens and one SETR-PUP head.

Shape letters as in model.py; K outputs of a pixel. Names of tensors equal the published program's checkpoint keys.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import model as peer

STAGES = 4
DICE_SMOOTH = 1e-5
LR = 1e-4
L2 = 1e-4
BETAS = (0.9, 0.999)


class SetrPup(nn.Module):
    """[B, D, h, w] -> logits [B, K, 16 h, 16 w]: four times convolution, BatchNorm, ReLU and doubling, then classes."""

    def __init__(self, features: int, width: int, outputs: int) -> None:
        super().__init__()
        self.stages = []
        for number in range(1, STAGES + 1):
            name = f"UP_stage_{number}"
            self.stages.append(name)
            self.add_module(
                name,
                nn.Sequential(
                    nn.Conv2d(features if number == 1 else width, width, 3, padding=1),
                    nn.BatchNorm2d(width),
                    nn.ReLU(),
                    nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
                ),
            )
        self.cls_seg = nn.Conv2d(width, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        for name in self.stages:
            x = getattr(self, name)(x)
        return self.cls_seg(x)


class Segmenter(nn.Module):
    """All patches through `tap` + 1 blocks, no final norm, and the head of that tap; resized to the images if smaller."""

    def __init__(
        self, config: peer.Config, parts: peer.Parts, head_width: int, tap: int, head: str = "Head3"
    ) -> None:
        super().__init__()
        self.config = config
        self.tap = tap
        self.encoder = peer.Encoder(config, parts, train_pos_embed=True)
        self.encoder.apply(peer.initialise)
        self.heads = nn.ModuleDict({head: SetrPup(config.embed_dim, head_width, 1)})

    def forward(self, images: Tensor, size: int | None = None) -> Tensor:
        """[B, C, H, W] -> logits [B, 1, size, size]; of the images' size unless told."""
        x = self.encoder.embed(images, None)
        for block in self.encoder.blocks[: self.tap + 1]:
            x = block(x)
        b, _, d = x.shape
        grid = self.config.grid
        features = x[:, 1:].transpose(1, 2).reshape(b, d, grid, grid)
        [head] = self.heads.values()
        logits = head(features)
        size = size or images.shape[-1]
        if logits.shape[-1] == size:
            return logits
        return F.interpolate(logits, (size, size), mode="bilinear", align_corners=False)


def loss_of(logits: Tensor, masks: Tensor) -> Tensor:
    """0.5 BCE and Dice per image, of logits and masks [B, 1, H, W]."""
    entropy = F.binary_cross_entropy_with_logits(logits, masks)
    inside, truth = logits.sigmoid().flatten(1), masks.flatten(1)
    overlap = (inside * truth).sum(dim=1)
    dice = (2 * overlap + DICE_SMOOTH) / (inside.sum(dim=1) + truth.sum(dim=1) + DICE_SMOOTH)
    return 0.5 * entropy + 1 - dice.mean()


def adam(network: nn.Module, fused: bool, lr: float = LR, l2: float = L2, eps: float = 1e-8) -> torch.optim.Adam:
    """Adam whose weight decay joins the gradient, over every trained tensor."""
    trained = [p for p in network.parameters() if p.requires_grad]
    return torch.optim.Adam(trained, lr=lr, betas=BETAS, eps=eps, weight_decay=l2, fused=fused)
