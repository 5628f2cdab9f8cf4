"""Reference values of small ResNets and Swin Transformers in float64: torchvision's resnet, timm's swin_transformer.

Usage: python network_reference.py OUT_DIR   (writes resnet.safetensors and swin.safetensors)

Needs torch, torchvision, timm and safetensors. Weights and images are random. Each file holds the weights before (`param/`),
the input, the loss and the logits of a training step, the gradient of every tensor, the running statistics after the step
(`state/`), the weights after three steps of AdamW (`after3/`) and the logits of evaluation then. Numbers that the test must
know beside the tensors are in the metadata.
"""

import json
import sys
from pathlib import Path

import timm
import torch
import torchvision
from safetensors.torch import save_file
from torch.nn import functional as F

BATCH, CLASSES = 3, 4
ADAMW = {"lr": 1e-3, "betas": [0.9, 0.999], "eps": 1e-8, "weightDecay": 0.05}


def randomised(model):
    """Every tensor moved off its first value, so that none is zero or one by construction."""
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.1 * torch.randn_like(p))
    return model.double()


def reference(model, config, out, without_decay=()):
    model = randomised(model)
    tensors, images = {}, torch.randn(BATCH, 3, *config["size"], dtype=torch.float64)
    targets = torch.softmax(2 * torch.randn(BATCH, CLASSES, dtype=torch.float64), -1)
    tensors |= {"input/images": images, "input/targets": targets}
    tensors |= {f"param/{k}": v.clone() for k, v in model.named_parameters()}
    decayed = [p for k, p in model.named_parameters() if p.ndim >= 2 and not k.endswith(without_decay)]
    others = [p for k, p in model.named_parameters() if p.ndim < 2 or k.endswith(without_decay)]
    groups = [
        {"params": decayed, "weight_decay": ADAMW["weightDecay"]},
        {"params": others, "weight_decay": 0.0},
    ]
    adamw = torch.optim.AdamW(groups, lr=ADAMW["lr"], betas=ADAMW["betas"], eps=ADAMW["eps"])
    statistics = lambda: {k: v.clone() for k, v in model.named_buffers() if k.endswith(("running_mean", "running_var"))}
    model.train()
    for step in range(3):
        adamw.zero_grad()
        logits = model(images)
        loss = F.cross_entropy(logits, targets)
        loss.backward()
        if step == 0:
            tensors |= {"loss": loss.detach().reshape(1), "logits": logits.detach()}
            tensors |= {f"grad/{k}": v.grad.clone() for k, v in model.named_parameters()}
            tensors |= {f"state/{k}": v for k, v in statistics().items()}
        adamw.step()
    tensors |= {f"after3/{k}": v.detach().clone() for k, v in model.named_parameters()}
    tensors |= {f"after3/{k}": v for k, v in statistics().items()}
    model.eval()
    with torch.no_grad():
        tensors["eval/logits"] = model(images)
    metadata = {"config": json.dumps(config), "adamw": json.dumps(ADAMW)}
    save_file({k: v.contiguous() for k, v in tensors.items()}, str(out), metadata)
    print(out, sum(v.numel() for v in tensors.values()), "values")


def resnet(config):
    """torchvision's ResNet of basic blocks with its channels narrowed; stages that there are none of do nothing."""
    model = torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=CLASSES)
    model.layer4 = torch.nn.Identity()
    width = config["width"]
    model.inplanes = width
    model.conv1 = torch.nn.Conv2d(3, width, 7, 2, 3, bias=False)
    model.bn1 = torch.nn.BatchNorm2d(width)
    for stage, depth in enumerate(config["depths"]):
        layer = model._make_layer(
            torchvision.models.resnet.BasicBlock, width * 2**stage, depth, stride=1 if stage == 0 else 2
        )
        setattr(model, f"layer{stage + 1}", layer)
    model.fc = torch.nn.Linear(width * 2 ** (len(config["depths"]) - 1), CLASSES)
    return model


def swin(config):
    return timm.models.swin_transformer.SwinTransformer(
        img_size=config["size"],
        patch_size=config["patchSize"],
        num_classes=CLASSES,
        embed_dim=config["embedDim"],
        depths=config["depths"],
        num_heads=config["numHeads"],
        window_size=config["windowSize"],
        mlp_ratio=config["mlpRatio"],
        drop_path_rate=0.0,
    )


def main(folder):
    torch.manual_seed(20261128)
    torch.set_num_threads(1)
    residual = {"size": [32, 24], "width": 3, "depths": [2, 1, 2]}
    reference(resnet(residual), residual, folder / "resnet.safetensors")
    # Of 8 by 6 patches windows of 3 do not fit, are moved along both axes, and after merging along one.
    shifted = {
        "size": [32, 24],
        "patchSize": 4,
        "embedDim": 8,
        "depths": [2, 2],
        "numHeads": [2, 4],
        "windowSize": 3,
        "mlpRatio": 2,
    }
    reference(swin(shifted), shifted, folder / "swin.safetensors", without_decay="relative_position_bias_table")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
