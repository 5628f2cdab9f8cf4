"""The method's two networks in plain PyTorch: the peer that the benchmark times.

Shape letters: B batch, C channels, H x W image, p patch size, L patches, D width,
K kept patches, M masked patches, V = K + M patches seen by the decoder.
Parameter names equal the checkpoint keys of timm's ViT and of MAE.
Source: "Medical supervised masked autoencoders" (arXiv 2305.05871).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

AttentionKind = Literal["explicit", "sdpa"]
ClsLoss = Literal["softmax-ce", "ce"]

LAYER_NORM_EPS = 1e-6
CLS_LOSS_WEIGHT = 0.1


@dataclass(frozen=True)
class Config:
    """Sizes of an encoder, its head and its decoder (zeros where there is no decoder)."""

    img_size: int
    patch_size: int
    embed_dim: int
    depth: int
    num_heads: int
    num_classes: int
    decoder_embed_dim: int = 0
    decoder_depth: int = 0
    decoder_num_heads: int = 0
    in_chans: int = 3

    @property
    def grid(self) -> int:
        return self.img_size // self.patch_size

    @property
    def patches(self) -> int:
        return self.grid**2

    @property
    def patch_values(self) -> int:
        return self.patch_size**2 * self.in_chans


PRESETS = {
    "large": Config(224, 16, 1024, 24, 16, 4, 512, 8, 16),
    "base": Config(224, 16, 768, 12, 12, 4, 512, 8, 16),
    "tiny": Config(224, 16, 192, 12, 3, 4, 192, 4, 3),
}


def sincos_position_embedding(dim: int, grid: int) -> Tensor:
    """Fixed 2-D table [1, 1 + grid*grid, dim]; the cls row is zero, the column axis comes first."""
    frequency = 10000.0 ** -(torch.arange(dim // 4, dtype=torch.float64) / (dim / 4))
    angle = torch.arange(grid, dtype=torch.float64)[:, None] * frequency
    axis = torch.cat([angle.sin(), angle.cos()], dim=1)
    column = axis[None, :, :].expand(grid, grid, -1)
    row = axis[:, None, :].expand(grid, grid, -1)
    table = torch.cat([column, row], dim=2).reshape(grid * grid, dim)
    return torch.cat([torch.zeros(1, dim, dtype=torch.float64), table])[None].float()


def patchify(images: Tensor, patch_size: int) -> Tensor:
    """[B, C, H, W] -> [B, L, p*p*C], values in (row, column, channel) order, channel fastest."""
    b, c, h, w = images.shape
    p = patch_size
    x = images.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1)
    return x.reshape(b, (h // p) * (w // p), p * p * c)


@dataclass(frozen=True)
class Masking:
    """Patch indices of one batch: kept [B, K] (seen by the encoder) and masked [B, M] (rebuilt)."""

    kept: Tensor
    masked: Tensor


def attention_masking(order: Tensor, mask_ratio: float = 0.45, throw_ratio: float = 0.30) -> Masking:
    """An order [B, L] drawn by attention: its head is masked, its middle thrown, its tail kept."""
    patches = order.shape[1]
    masked = int(patches * mask_ratio)
    thrown = int(patches * (mask_ratio + throw_ratio))
    return Masking(kept=order[:, thrown:], masked=order[:, :masked])


def random_masking(noise: Tensor, mask_ratio: float = 0.75) -> Masking:
    """Ordinary MAE masking from uniform noise [B, L]: nothing is thrown."""
    order = noise.argsort(dim=1)
    kept = int(order.shape[1] * (1 - mask_ratio))
    return Masking(kept=order[:, :kept], masked=order[:, kept:])


def gather_tokens(x: Tensor, ids: Tensor) -> Tensor:
    """Rows of x [B, T, D] named by ids [B, N] -> [B, N, D]."""
    return x.gather(1, ids[:, :, None].expand(-1, -1, x.shape[2]))


@torch.library.custom_op("peer::onednn_product", mutates_args=())
def onednn_product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x [.., K] times weight [N, K] transposed, plus bias [N], by oneDNN; fp32 only."""
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


@onednn_product.register_fake
def _(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return x.new_empty(*x.shape[:-1], weight.shape[0])


class OneDnnProduct(torch.autograd.Function):
    """x W' + b with its three derivatives by oneDNN, where nn.Linear would take MKL's products."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return onednn_product(x, weight, bias)

    @staticmethod
    def backward(ctx, dy: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        dx = onednn_product(dy, weight.t(), None) if ctx.needs_input_grad[0] else None
        dy2, x2 = dy.reshape(-1, dy.shape[-1]), x.reshape(-1, x.shape[-1])
        return dx, onednn_product(dy2.t(), x2.t(), None), dy2.sum(dim=0)


class OneDnnLinear(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return OneDnnProduct.apply(x, self.weight, self.bias)


@dataclass(frozen=True)
class Parts:
    """Which of PyTorch's equivalent implementations a network is built from."""

    attention: AttentionKind = "explicit"
    linear: type[nn.Linear] = nn.Linear


class PatchEmbed(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        p = config.patch_size
        self.proj = nn.Conv2d(config.in_chans, config.embed_dim, kernel_size=p, stride=p)

    def forward(self, images: Tensor) -> Tensor:
        return self.proj(images).flatten(2).transpose(1, 2)


class Attention(nn.Module):
    """Multi-head self-attention; "explicit" keeps its softmax as `weights`, "sdpa" never forms it."""

    def __init__(self, dim: int, heads: int, parts: Parts) -> None:
        super().__init__()
        self.heads = heads
        self.kind = parts.attention
        self.qkv = parts.linear(dim, 3 * dim)
        self.proj = parts.linear(dim, dim)
        self.weights: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        b, n, d = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        if self.kind == "sdpa":
            mixed = F.scaled_dot_product_attention(q, k, v)
        else:
            scores = (q @ k.transpose(-2, -1)) * (d // self.heads) ** -0.5
            self.weights = scores.softmax(dim=-1)
            mixed = self.weights @ v
        return self.proj(mixed.transpose(1, 2).reshape(b, n, d))


class Mlp(nn.Module):
    def __init__(self, dim: int, parts: Parts) -> None:
        super().__init__()
        self.fc1 = parts.linear(dim, 4 * dim)
        self.fc2 = parts.linear(4 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    """Pre-norm block; `scale` [2, B] multiplies the attention and the MLP branch (drop-path)."""

    def __init__(self, dim: int, heads: int, parts: Parts) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.attn = Attention(dim, heads, parts)
        self.norm2 = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.mlp = Mlp(dim, parts)

    def forward(self, x: Tensor, scale: Tensor | None = None) -> Tensor:
        if scale is None:
            x = x + self.attn(self.norm1(x))
            return x + self.mlp(self.norm2(x))
        x = x + self.attn(self.norm1(x)) * scale[0, :, None, None]
        return x + self.mlp(self.norm2(x)) * scale[1, :, None, None]


def initialise(module: nn.Module) -> None:
    """Xavier-uniform for every linear weight and the flattened patch kernel; biases zero, LayerNorm 1/0."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Conv2d):
        nn.init.xavier_uniform_(module.weight.view(module.weight.shape[0], -1))
        nn.init.zeros_(module.bias)


class Encoder(nn.Module):
    """What both networks share: patch embedding, cls token, position table, blocks."""

    def __init__(self, config: Config, parts: Parts, train_pos_embed: bool) -> None:
        super().__init__()
        self.config = config
        self.patch_embed = PatchEmbed(config)
        self.cls_token = nn.Parameter(torch.randn(1, 1, config.embed_dim) * 0.02)
        self.pos_embed = nn.Parameter(
            sincos_position_embedding(config.embed_dim, config.grid), requires_grad=train_pos_embed
        )
        self.blocks = nn.ModuleList(Block(config.embed_dim, config.num_heads, parts) for _ in range(config.depth))

    def embed(self, images: Tensor, kept: Tensor | None) -> Tensor:
        """[B, C, H, W] -> [B, 1 + K, D]; all L patches where `kept` is None."""
        x = self.patch_embed(images) + self.pos_embed[:, 1:]
        if kept is not None:
            x = gather_tokens(x, kept)
        cls = self.cls_token + self.pos_embed[:, :1]
        return torch.cat([cls.expand(x.shape[0], -1, -1), x], dim=1)


class MaskedAutoencoder(Encoder):
    """Pre-training network: encoder with a head on its cls token, and the MAE decoder."""

    def __init__(self, config: Config, parts: Parts = Parts()) -> None:
        super().__init__(config, parts, train_pos_embed=False)
        d, e = config.embed_dim, config.decoder_embed_dim
        self.norm = nn.LayerNorm(d, eps=LAYER_NORM_EPS)
        self.head = parts.linear(d, config.num_classes)
        self.decoder_embed = parts.linear(d, e)
        self.mask_token = nn.Parameter(torch.randn(1, 1, e) * 0.02)
        self.decoder_pos_embed = nn.Parameter(sincos_position_embedding(e, config.grid), requires_grad=False)
        self.decoder_blocks = nn.ModuleList(
            Block(e, config.decoder_num_heads, parts) for _ in range(config.decoder_depth)
        )
        self.decoder_norm = nn.LayerNorm(e, eps=LAYER_NORM_EPS)
        self.decoder_pred = parts.linear(e, config.patch_values)
        self.apply(initialise)

    def encode(self, images: Tensor, kept: Tensor | None) -> Tensor:
        """[B, C, H, W] -> normalised latent [B, 1 + K, D]."""
        x = self.embed(images, kept)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def decode(self, latent: Tensor, masking: Masking) -> tuple[Tensor, Tensor, Tensor]:
        """Latent -> predicted pixels [B, V, p*p*C] in image order, their patch ids and their mask [B, V]."""
        x = self.decoder_embed(latent)
        masked = masking.masked.shape[1]
        ids, place = torch.cat([masking.masked, masking.kept], dim=1).sort(dim=1)
        tokens = torch.cat([self.mask_token.expand(x.shape[0], masked, -1), x[:, 1:]], dim=1)
        positions = self.decoder_pos_embed[0, 1:][ids]
        x = torch.cat([x[:, :1] + self.decoder_pos_embed[:, :1], gather_tokens(tokens, place) + positions], dim=1)
        for block in self.decoder_blocks:
            x = block(x)
        pred = self.decoder_pred(self.decoder_norm(x))[:, 1:]
        return pred, ids, (place < masked).to(pred.dtype)

    def forward(
        self,
        images: Tensor,
        targets: Tensor,
        masking: Masking,
        norm_pix_loss: bool = False,
        cls_loss: ClsLoss = "softmax-ce",
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Total, reconstruction and classification loss (scalars) of images [B, C, H, W], targets [B]."""
        latent = self.encode(images, masking.kept)
        logits = self.head(latent[:, 0])
        # PARITY: the published program gives softmaxed logits to a cross-entropy that softmaxes again.
        scores = logits.softmax(dim=1) if cls_loss == "softmax-ce" else logits
        classification = F.cross_entropy(scores, targets)

        pred, ids, mask = self.decode(latent, masking)
        pixels = gather_tokens(patchify(images, self.config.patch_size), ids)
        if norm_pix_loss:
            variance, mean = torch.var_mean(pixels, dim=-1, keepdim=True)
            pixels = (pixels - mean) / (variance + 1e-6).sqrt()
        error = ((pred - pixels) ** 2).mean(dim=-1)
        reconstruction = (error * mask).sum() / mask.sum()
        return reconstruction + CLS_LOSS_WEIGHT * classification, reconstruction, classification

    def attention_maps(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Last block's cls attention [B, heads, L] and the weights [B, g, g] in [0, 1] made from it.

        The whole encoder runs, as in the published program.
        """
        self.encode(images, None)
        softmax = self.blocks[-1].attn.weights
        if softmax is None:
            raise ValueError('attention_maps: the last block must use "explicit" attention')
        attention = softmax[:, :, 0, 1:]
        shifted = attention - attention.amin(dim=-1, keepdim=True)
        weights = (shifted / shifted.amax(dim=-1, keepdim=True)).mean(dim=1)
        return attention, weights.reshape(-1, self.config.grid, self.config.grid)


class Classifier(Encoder):
    """Fine-tuning network: average of the patch tokens, `fc_norm`, head."""

    def __init__(self, config: Config, parts: Parts = Parts()) -> None:
        super().__init__(config, parts, train_pos_embed=True)
        self.fc_norm = nn.LayerNorm(config.embed_dim, eps=LAYER_NORM_EPS)
        self.head = parts.linear(config.embed_dim, config.num_classes)
        self.apply(initialise)
        nn.init.trunc_normal_(self.head.weight, std=2e-5)

    def forward(self, images: Tensor, kept: Tensor | None = None, scale: Tensor | None = None) -> Tensor:
        """[B, C, H, W] -> logits [B, classes]; `kept` [B, K] or all patches; `scale` [depth, 2, B]."""
        x = self.embed(images, kept)
        for i, block in enumerate(self.blocks):
            x = block(x, None if scale is None else scale[i])
        return self.head(self.fc_norm(x[:, 1:].mean(dim=1)))


def drop_path_rates(rate: float, depth: int) -> Tensor:
    """Drop probabilities [depth], rising linearly from 0 to `rate`."""
    return torch.linspace(0, rate, depth, dtype=torch.float64)


def drop_path_scale(keep: Tensor, rates: Tensor) -> Tensor:
    """Keep draws [depth, 2, B] of zeros and ones -> branch factors keep / (1 - rate)."""
    return keep / (1 - rates.to(keep.dtype))[:, None, None]


def pretrain_groups(model: MaskedAutoencoder, lr: float, weight_decay: float = 0.05) -> list[dict]:
    """AdamW groups: decay on trained tensors of rank 2 and more, cls and mask token included."""
    trained = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim < 2], "lr": lr, "weight_decay": 0.0},
        {"params": [p for p in trained if p.ndim >= 2], "lr": lr, "weight_decay": weight_decay},
    ]


def finetune_groups(
    model: Classifier, lr: float, weight_decay: float = 0.05, layer_decay: float = 0.75
) -> list[dict]:
    """AdamW groups with layer-wise lr decay, `lr_scale` in each; no decay on rank 1, position table, cls."""
    last = model.config.depth + 1
    groups: dict[tuple[int, bool], dict] = {}
    for name, parameter in model.named_parameters():
        if name in ("cls_token", "pos_embed") or name.startswith("patch_embed."):
            layer = 0
        elif name.startswith("blocks."):
            layer = int(name.split(".")[1]) + 1
        else:
            layer = last
        decays = parameter.ndim > 1 and name not in ("cls_token", "pos_embed")
        scale = layer_decay ** (last - layer)
        group = groups.setdefault(
            (layer, decays),
            {"params": [], "lr": lr * scale, "lr_scale": scale, "weight_decay": weight_decay if decays else 0.0},
        )
        group["params"].append(parameter)
    return list(groups.values())
