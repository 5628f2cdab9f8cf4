"""The networks that the method is compared with, as torchvision and timm have them: ResNet-18 and Swin-T at 224 pixels."""

from __future__ import annotations

import timm
import torch
import torchvision
from torch import Tensor, nn

import model as peer

WEIGHT_DECAY = 0.05
DROP_PATH = 0.1


def build(phase: str, config: peer.Config, mode: str, linear: type[nn.Linear]) -> nn.Module:
    """The network of a phase; `best` has fused attention and its linear layers' class, and channels last where it convolves."""
    if phase == "train-resnet":
        network: nn.Module = torchvision.models.resnet18(num_classes=config.num_classes)
        if mode != "eager":
            network = network.to(memory_format=torch.channels_last)
    else:
        network = timm.create_model(
            "swin_tiny_patch4_window7_224", num_classes=config.num_classes, drop_path_rate=DROP_PATH
        )
        if mode != "eager":
            for module in network.modules():
                if hasattr(module, "fused_attn"):
                    module.fused_attn = True
                if type(module) is nn.Linear and module.bias is not None:
                    module.__class__ = linear
    network.config = config
    network.channels_last = mode != "eager" and phase == "train-resnet"
    return network.train()


def images_for(network: nn.Module, images: Tensor) -> Tensor:
    return images.to(memory_format=torch.channels_last) if network.channels_last else images


def groups(network: nn.Module) -> list[dict]:
    """Decay on tensors of rank 2 and more that are no tables of relative positions."""

    def decays(name: str, p: Tensor) -> bool:
        return p.ndim >= 2 and not name.endswith("relative_position_bias_table")

    named = list(network.named_parameters())
    return [
        {"params": [p for name, p in named if decays(name, p)], "weight_decay": WEIGHT_DECAY},
        {"params": [p for name, p in named if not decays(name, p)], "weight_decay": 0.0},
    ]
