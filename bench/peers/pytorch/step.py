"""Times one step of the PyTorch peer on the CPU and prints one JSON document.

Usage: python step.py --phase finetune --model base --batch 32 --threads 2 --mode best --repeats 5 --json

Mode `eager` is PyTorch as it comes: explicit attention whose softmax is kept, nn.Linear, the default AdamW.
Mode `best` is what was measured to help in fp32 on a CPU: scaled_dot_product_attention, fused AdamW, oneDNN products,
transparent huge pages and torch.compile. `--linear` and `--compile` change one of these. Mode `bf16` is `best` under
autocast to bfloat16, with PyTorch's own choice of products: parameters, gradients and the optimiser stay in fp32.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import re
import shutil
import statistics
import sys
import time
from collections.abc import Callable

if {"best", "bf16", "--mode=best", "--mode=bf16"} & set(sys.argv):
    # PyTorch's allocator reads this once, before the first tensor, so it must be set before the import.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

import model as peer
import segmenter

PHASES = (
    "finetune",
    "finetune-full",
    "pretrain-attention",
    "pretrain-random",
    "maps",
    "infer-full",
    "infer-masked",
    "segment",
    "infer-segment",
    "train-resnet",
    "train-swin",
)
HEAD_WIDTH = 256
SEED = 0
BLR = 1e-3
DROP_PATH = 0.1
LABEL_SMOOTHING = 0.1

# A step returns the seconds that its optimiser took; 0 where the phase has none.
Step = Callable[[], float]


def build_network(phase: str, config: peer.Config, mode: str, linear: str) -> nn.Module:
    parts = peer.Parts(
        attention="explicit" if mode == "eager" else "sdpa",
        linear=peer.OneDnnLinear if linear == "onednn" else nn.Linear,
    )
    if phase.startswith("train-"):
        # They need packages that no other phase needs.
        import networks

        return networks.build(phase, config, mode, parts.linear)
    if phase in ("finetune", "finetune-full", "infer-full", "infer-masked"):
        network: nn.Module = peer.Classifier(config, parts)
    elif phase in ("segment", "infer-segment"):
        network = segmenter.Segmenter(config, parts, HEAD_WIDTH, tap=config.depth - 1)
    else:
        network = peer.MaskedAutoencoder(config, parts)
    if phase == "maps":
        network.blocks[-1].attn.kind = "explicit"
    return network


def compile_network(network: nn.Module, phase: str) -> None:
    """Compiles each block: equal blocks share their code, so this costs a fraction of the whole network."""
    if phase.startswith("train-"):
        network.compile(dynamic=False)
        return
    for module in network.modules():
        if isinstance(module, peer.Block) and module.attn.kind == "sdpa":
            module.compile(dynamic=False)


def recompute_blocks(network: nn.Module) -> None:
    """Keeps of each block what goes into it and runs it again in the backward pass; blocks draw no random numbers."""
    for module in network.modules():
        if isinstance(module, peer.Block):
            again = functools.partial(checkpoint, module.forward, use_reentrant=False, preserve_rng_state=False)
            module.forward = again


def build_step(phase: str, network: nn.Module, batch: int, mode: str) -> Step:
    """One closure per phase over fixed random images [B, 3, H, W]; masks and drop-path are drawn every step."""
    config = network.config
    images = torch.randn(batch, config.in_chans, config.img_size, config.img_size)
    targets = torch.randint(config.num_classes, (batch,))
    weights = torch.rand(batch, config.patches) + 1e-3
    fused = mode != "eager"
    narrow = torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=mode == "bf16")

    def attention_masking() -> peer.Masking:
        return peer.attention_masking(torch.multinomial(weights, config.patches))

    if phase in ("maps", "infer-full", "infer-masked", "infer-segment"):
        network.eval()
        kept = attention_masking().kept if phase == "infer-masked" else None

        @torch.inference_mode()
        def infer() -> float:
            with narrow:
                if phase == "maps":
                    network.attention_maps(images)
                elif phase == "infer-segment":
                    network(images)
                else:
                    network(images, kept)
            return 0.0

        return infer

    lr = BLR * batch / 256
    if phase == "segment":
        optimizer = segmenter.adam(network, fused)
        masks = torch.rand(batch, 1, config.img_size, config.img_size).gt(0.5).float()

        def loss_of() -> Tensor:
            return segmenter.loss_of(network(images), masks)
    elif phase.startswith("train-"):
        import networks

        optimizer = torch.optim.AdamW(networks.groups(network), lr=lr, betas=(0.9, 0.999), fused=fused)
        images = networks.images_for(network, images)

        def loss_of() -> Tensor:
            return F.cross_entropy(network(images), targets, label_smoothing=LABEL_SMOOTHING)
    elif phase in ("finetune", "finetune-full"):
        optimizer = torch.optim.AdamW(peer.finetune_groups(network, lr), betas=(0.9, 0.999), fused=fused)
        rates = peer.drop_path_rates(DROP_PATH, config.depth).float()
        keep_probability = (1 - rates)[:, None, None].expand(-1, 2, batch)

        def loss_of() -> Tensor:
            scale = peer.drop_path_scale(keep_probability.bernoulli(), rates)
            kept = attention_masking().kept if phase == "finetune" else None
            logits = network(images, kept, scale)
            return F.cross_entropy(logits, targets, label_smoothing=LABEL_SMOOTHING)
    else:
        optimizer = torch.optim.AdamW(peer.pretrain_groups(network, lr), betas=(0.9, 0.95), fused=fused)

        def loss_of() -> Tensor:
            if phase == "pretrain-random":
                masking = peer.random_masking(torch.rand(batch, config.patches))
            else:
                masking = attention_masking()
            return network(images, targets, masking)[0]

    def train() -> float:
        optimizer.zero_grad()
        with narrow:
            loss = loss_of()
        loss.backward()
        if not loss.isfinite():
            raise FloatingPointError(f"{phase}: expected a finite loss, got {loss.item()}")
        start = time.perf_counter()
        optimizer.step()
        return time.perf_counter() - start

    return train


def peak_rss_bytes() -> int:
    """Highest resident set of this process so far (VmHWM of Linux)."""
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status: expected a line VmHWM, got none; this needs Linux")


def blas_info() -> dict:
    """Versions of the libraries that do the matrix products."""
    text = torch.__config__.show()

    def version(pattern: str) -> str | None:
        found = re.search(pattern, text)
        return found.group(1) if found else None

    return {
        "available": torch.backends.mkl.is_available(),
        "version": version(r"Math Kernel Library Version (\S+)"),
        "onednn": version(r"MKL-DNN v(\S+)"),
        "cpuCapability": torch.backends.cpu.get_cpu_capability(),
    }


def prepare(arguments: argparse.Namespace) -> tuple[Step, dict]:
    """The step after its untimed runs, and what is known of it before it is timed."""
    torch.manual_seed(SEED)
    torch.set_num_threads(arguments.threads)
    torch.set_default_device(arguments.device)
    import_rss = peak_rss_bytes()
    network = build_network(arguments.phase, peer.PRESETS[arguments.model], arguments.mode, arguments.linear)
    if arguments.recompute:
        recompute_blocks(network)
    if arguments.compile:
        compile_network(network, arguments.phase)
    step = build_step(arguments.phase, network, arguments.batch, arguments.mode)

    start = time.perf_counter()
    for _ in range(arguments.warmup):
        step()
    return step, {
        "phase": arguments.phase,
        "model": arguments.model,
        "batch": arguments.batch,
        "threads": arguments.threads,
        "mode": arguments.mode,
        "device": arguments.device,
        "linear": arguments.linear,
        "compiled": arguments.compile,
        "recompute": arguments.recompute,
        "hugePages": os.environ.get("THP_MEM_ALLOC_ENABLE") == "1",
        "importRssBytes": import_rss,
        "warmupSeconds": time.perf_counter() - start,
        "torch": torch.__version__,
        "mkl": blas_info(),
    }


def timed(step: Step) -> tuple[float, float, float]:
    """Seconds of one step, of its optimiser, and of the processor: all threads together.

    On a graphics card a step is over when the card is done; the optimiser's seconds are then those of the host.
    """
    start, before = time.perf_counter(), time.process_time()
    optimizer = step()
    if torch.get_default_device().type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start, optimizer, time.process_time() - before


def measure(arguments: argparse.Namespace) -> dict:
    step, description = prepare(arguments)
    times = [timed(step) for _ in range(arguments.repeats)]
    steps, optimizers, processor = zip(*times)
    return {
        **description,
        "stepSeconds": statistics.median(steps),
        "optimizerSeconds": statistics.median(optimizers),
        "processorSeconds": statistics.median(processor),
        "peakRssBytes": peak_rss_bytes(),
        "allStepSeconds": steps,
    }


def serve(arguments: argparse.Namespace) -> None:
    """One step per line on stdin, so that a caller can alternate this program with another on the same machine.

    Prints a JSON document per line: the description, the times of each step, and at the end of stdin the peak memory.
    """
    step, description = prepare(arguments)
    print(json.dumps(description), flush=True)
    for _ in sys.stdin:
        seconds, optimizer, processor = timed(step)
        times = {"stepSeconds": seconds, "optimizerSeconds": optimizer, "processorSeconds": processor}
        print(json.dumps(times), flush=True)
    print(json.dumps({"peakRssBytes": peak_rss_bytes()}), flush=True)


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected an integer of at least 1, got {text}")
    return value


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phase", choices=PHASES, required=True)
    parser.add_argument("--model", choices=sorted(peer.PRESETS), required=True)
    parser.add_argument("--batch", type=positive, required=True, help="images per step")
    parser.add_argument("--threads", type=positive, default=2)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--mode", choices=("eager", "best", "bf16"), default="eager")
    parser.add_argument("--repeats", type=positive, default=5, help="timed steps; the median is reported")
    parser.add_argument("--warmup", type=positive, default=2, help="untimed steps before")
    parser.add_argument("--linear", choices=("mkl", "onednn"), help="products of linear layers; best: onednn")
    parser.add_argument(
        "--compile",
        action=argparse.BooleanOptionalAction,
        help="torch.compile every block; best: where a C++ compiler is found",
    )
    parser.add_argument("--recompute", action="store_true", help="compute blocks again instead of keeping them")
    parser.add_argument("--serve", action="store_true", help="run one step per line of stdin; JSON lines on stdout")
    parser.add_argument("--json", action="store_true", help="print JSON instead of one readable line")
    arguments = parser.parse_args()
    if arguments.linear is None:
        arguments.linear = "onednn" if arguments.mode == "best" and arguments.device == "cpu" else "mkl"
    if arguments.compile is None:
        arguments.compile = arguments.mode != "eager" and shutil.which("g++") is not None
    if arguments.serve:
        serve(arguments)
        return 0
    result = measure(arguments)
    if arguments.json:
        print(json.dumps(result))
    else:
        print(
            "{phase} {model} batch {batch} {mode}: {stepSeconds:.3f} s a step, "
            "optimiser {optimizerSeconds:.3f} s, peak {peak:.2f} GB".format(
                **result, peak=result["peakRssBytes"] / 1e9
            )
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
