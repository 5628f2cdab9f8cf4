"""Small models under the keys of programs that are no package, from timm's blocks."""

from functools import partial

import torch
from timm.models.vision_transformer import Block, VisionTransformer
from torch import nn

SIZES = {"img_size": 32, "patch_size": 8, "embed_dim": 64, "depth": 2, "num_heads": 4}
DECODER = {"width": 32, "depth": 2, "heads": 2}
eps = partial(nn.LayerNorm, eps=1e-6)


def randomised(model, scale=0.05):
    """Every trained tensor moved off its first value, so that none is zero or one by construction."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            # The decoder's table is fixed, with a row of zeros for the cls token.
            if "decoder_pos_embed" not in name:
                p.add_(scale * torch.randn_like(p))
    return model.eval()


class MaskedAutoencoder(nn.Module):
    """MAE, with a head on the cls token as in MSMAE where there are classes."""

    def __init__(self, classes=0):
        super().__init__()
        self.encoder = VisionTransformer(**SIZES, num_classes=0)
        width, patches = SIZES["embed_dim"], 16
        self.head = nn.Linear(width, classes) if classes else None
        self.decoder_embed = nn.Linear(width, DECODER["width"])
        self.mask_token = nn.Parameter(torch.zeros(1, 1, DECODER["width"]))
        table = torch.randn(1, 1 + patches, DECODER["width"])
        table[:, 0] = 0
        self.decoder_pos_embed = nn.Parameter(table, requires_grad=False)
        self.decoder_blocks = nn.ModuleList(
            Block(DECODER["width"], DECODER["heads"], qkv_bias=True, norm_layer=eps) for _ in range(DECODER["depth"])
        )
        self.decoder_norm = eps(DECODER["width"])
        self.decoder_pred = nn.Linear(DECODER["width"], 8 * 8 * 3)

    def forward(self, images, kept):
        """Predictions [B, L, p·p·C] of all patches, where `kept` [K] are seen."""
        e = self.encoder
        x = e.patch_embed(images) + e.pos_embed[:, 1:]
        cls = (e.cls_token + e.pos_embed[:, :1]).expand(len(x), -1, -1)
        seen = e.norm(e.blocks(torch.cat([cls, x[:, kept]], 1)))
        embedded = self.decoder_embed(seen)
        tokens = self.mask_token.repeat(len(x), x.shape[1], 1)
        tokens[:, kept] = embedded[:, 1:]
        rows = torch.cat([embedded[:, :1], tokens], 1) + self.decoder_pos_embed
        for block in self.decoder_blocks:
            rows = block(rows)
        return self.decoder_pred(self.decoder_norm(rows))[:, 1:]

    def published(self):
        """The state under the program's keys."""
        return {k.removeprefix("encoder."): v for k, v in self.state_dict().items()}


class LinearProbe(nn.Module):
    """MAE's linear probe: the cls token, a normalisation without scale, a linear layer."""

    def __init__(self, classes):
        super().__init__()
        self.encoder = VisionTransformer(**SIZES, num_classes=0)
        norm = nn.BatchNorm1d(SIZES["embed_dim"], affine=False, eps=1e-6)
        self.head = nn.Sequential(norm, nn.Linear(SIZES["embed_dim"], classes))
        with torch.no_grad():
            norm.running_mean.normal_(0, 0.3)
            norm.running_var.uniform_(0.5, 2)

    def forward(self, images):
        return self.head(self.encoder(images))

    published = MaskedAutoencoder.published


def classifier(**options):
    return VisionTransformer(**{**SIZES, "num_classes": 5, **options})


def chunked(state):
    """As DINOv2 writes it: blocks in a chunk, and a mask token."""
    keys = {k.replace("blocks.", "blocks.0.", 1): v for k, v in state.items()}
    return {**keys, "mask_token": torch.randn(1, SIZES["embed_dim"])}


def trained_by_dino(state, prefix, head):
    """As the trainers of DINO and DINOv2 write it: teacher and student, each with a head."""
    other = {f"student.{prefix}{k}": torch.randn_like(v) for k, v in state.items()}
    return {
        **other,
        **{f"teacher.{prefix}{k}": v for k, v in state.items()},
        f"teacher.{prefix.replace('backbone.', '')}{head}.mlp.0.weight": torch.randn(8, SIZES["embed_dim"]),
    }
