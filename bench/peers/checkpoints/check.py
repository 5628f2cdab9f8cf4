"""Checkpoints in and out against the programs they are of: the same outputs here and there, and the same bits.

Usage: python check.py FOLDER [--node node_modules/.bin/node]

Needs torch, timm, transformers and safetensors (requirements.txt). Makes small models with random weights by timm,
transformers and the published classes, has run.ts convert and run them, loads what comes back strictly (strict=True, or
from_pretrained without a missing or unexpected key) and compares. Writes a row per check and ends with 1 if one fails.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

import torch
import transformers
from published import DECODER, SIZES, LinearProbe, MaskedAutoencoder, chunked, classifier, randomised, trained_by_dino
from safetensors.torch import load_file, save_file
from timm.layers import resample_abs_pos_embed, resample_patch_embed
from timm.models.beit import Beit

ROOT = Path(__file__).resolve().parents[3]
TOLERANCE = 1e-5
BATCH, SIDE, PATCH = 3, 32, 8
KEPT = [1, 4, 6, 11]

HF = {
    "hidden_size": SIZES["embed_dim"],
    "num_hidden_layers": SIZES["depth"],
    "num_attention_heads": SIZES["num_heads"],
    "image_size": SIDE,
    "patch_size": PATCH,
}
hidden = {"intermediate_size": 4 * SIZES["embed_dim"]}
painting = {
    "decoder_hidden_size": DECODER["width"],
    "decoder_num_hidden_layers": DECODER["depth"],
    "decoder_num_attention_heads": DECODER["heads"],
    "decoder_intermediate_size": 4 * DECODER["width"],
}
heads = {"numHeads": SIZES["num_heads"]}
both = {**heads, "decoderNumHeads": DECODER["heads"]}


def rows(images, side):
    """Patches as our graphs take them: row n · B + b, each in (channel, row, column) order."""
    p = images.unfold(2, side, side).unfold(3, side, side)  # B C gh gw p p
    return p.permute(2, 3, 0, 1, 4, 5).reshape(-1, images.shape[1] * side * side).contiguous()


def feeds_of(images, reconstructs, side=PATCH):
    patches = rows(images, side)
    if not reconstructs:
        return {"patches": patches}
    count = len(patches) // BATCH
    masked = [n for n in range(count) if n not in KEPT]
    place = lambda chosen: torch.tensor([n + 1 for n in chosen for _ in range(BATCH)], dtype=torch.int64)
    seen = patches.reshape(count, BATCH, -1)[KEPT].reshape(len(KEPT) * BATCH, -1)
    return {"patches": seen, "positions": place(KEPT), "maskPositions": place(masked)}


def in_our_order(prediction):
    """[B, L, p·p·C] as our graph gives it: kept patches first, row n · B + b."""
    order = KEPT + [n for n in range(prediction.shape[1]) if n not in KEPT]
    return prediction[:, order].transpose(0, 1).reshape(-1)


def hf_prediction(model, images):
    noise = torch.ones(BATCH, (SIDE // PATCH) ** 2)
    noise[:, KEPT] = torch.linspace(0, 0.5, len(KEPT))
    return model(images, noise=noise).logits


class Case:
    def __init__(self, name, model, state, forward, to, options=None, output="logits", exact=True, folder=None):
        self.name, self.model, self.state, self.forward, self.to = name, model, state, forward, to
        self.options, self.output, self.exact, self.folder = options or {}, output, exact, folder


def cases():
    plain = lambda m, x: m(x)
    found = []

    def add(name, model, state=None, forward=plain, to=None, **more):
        model = randomised(model)
        found.append(Case(name, model, (state or (lambda m: m.state_dict()))(model), forward, to or {}, **more))

    mae = lambda m, x: m(x, KEPT)
    published = lambda m: m.published()
    to_mae = {"mae": lambda c: MaskedAutoencoder(), "hf": "ViTMAEForPreTraining", "timm": lambda c: classifier(num_classes=0)}
    add("mae-pretrain", MaskedAutoencoder(), published, mae, to_mae, options={**both}, output="prediction")
    add(
        *("msmae-pretrain", MaskedAutoencoder(classes=3), published, mae, {"mae": lambda c: MaskedAutoencoder(), "hf": "ViTMAEForPreTraining"}),
        **{"options": {**both}, "output": "prediction"},
    )
    avg = {"timm": lambda c: classifier(global_pool="avg"), "mae": lambda c: classifier(global_pool="avg")}
    add("mae-finetuned", classifier(global_pool="avg"), to=avg, options=heads)
    cls = {"timm": lambda c: classifier(), "hf": "ViTForImageClassification", "mae": lambda c: classifier()}
    add("mae-linprobe", LinearProbe(5), published, to={**cls, "mae": lambda c: LinearProbe(5)}, options=heads, exact=False)
    add("timm-cls", classifier(), to=cls, options=heads)
    add("timm-half", classifier().half().float(), lambda m: {k: v.half() for k, v in m.half().float().state_dict().items()}, to=cls, options=heads)
    add("timm-layer-scale", classifier(init_values=0.5), to=cls, options=heads, exact=False)
    add("timm-no-embed-class", classifier(no_embed_class=True), to=cls, options=heads, exact=False)
    add("timm-no-qkv-bias", classifier(qkv_bias=False), to=cls, options=heads, exact=False)
    encoder = {"timm": lambda c: classifier(num_classes=0), "hf": "ViTModel"}
    add("timm-encoder", classifier(num_classes=0), to=encoder, options=heads, output="features")
    add(
        *("dinov2", classifier(num_classes=0, init_values=0.5), lambda m: chunked(m.state_dict()), plain, encoder),
        **{"options": heads, "output": "features", "exact": False},
    )
    wrapped = lambda m: trained_by_dino(chunked(m.state_dict()), "backbone.", "dino_head")
    add(
        *("retfound-dinov2", classifier(num_classes=0, init_values=0.5), wrapped, plain, encoder),
        **{"options": heads, "output": "features", "exact": False},
    )
    dino = lambda m: trained_by_dino(m.state_dict(), "module.backbone.", "head")
    add("dino", classifier(num_classes=0), dino, to=encoder, options=heads, output="features")
    vit_mae = transformers.ViTMAEForPreTraining(transformers.ViTMAEConfig(**HF, **hidden, **painting))
    add("hf-vitmae", vit_mae, forward=hf_prediction, to={"hf": "ViTMAEForPreTraining"}, output="prediction", folder=vit_mae)
    labels = {"num_labels": 5}
    vit = transformers.ViTForImageClassification(transformers.ViTConfig(**HF, **hidden, **labels))
    add("hf-vit", vit, forward=lambda m, x: m(x).logits, to={"hf": "ViTForImageClassification"}, folder=vit)
    bare = transformers.ViTModel(transformers.ViTConfig(**HF, **hidden))
    add("hf-vit-bare", bare, forward=lambda m, x: m(x).last_hidden_state[:, 0], to={"hf": "ViTModel"}, output="features", folder=bare)
    dinov2 = transformers.Dinov2Model(transformers.Dinov2Config(**HF))
    add("hf-dinov2", dinov2, forward=lambda m, x: m(x).last_hidden_state[:, 0], to=encoder, output="features", exact=False, folder=dinov2)
    return found


def refusals():
    small = {k: v for k, v in SIZES.items()}
    yield "registers", classifier(reg_tokens=4).state_dict(), "register tokens"
    yield "beit", Beit(**small, num_classes=5, use_rel_pos_bias=True).state_dict(), "relative position bias"
    yield "no-class-token", classifier(class_token=False, global_pool="avg").state_dict(), "no cls token"
    yield "normed-queries", classifier(qk_norm=True).state_dict(), "normalised queries"


RESIZED = 4
"""The place of `timm-cls` in the list."""


def size_of(options):
    size = options.get("inputSize", SIDE)
    return (size, size) if isinstance(size, int) else (size["height"], size["width"])


def resizings():
    """Options, and what timm makes of the tensors that they change."""
    antialias = {"inputSize": {"height": 48, "width": 24}, "resizePositions": "bicubic-antialias"}
    yield "positions-timm", antialias, lambda s: {"pos_embed": resample_abs_pos_embed(s["pos_embed"], [6, 3], [4, 4])}
    plain = {"inputSize": {"height": 24, "width": 48}}
    yield "positions-mae", plain, lambda s: {"pos_embed": interpolated(s["pos_embed"], (3, 6))}
    flexible = {"inputSize": 64, "patchSize": 16, "resizePatches": True}
    kernel = "patch_embed.proj.weight"
    yield "patches-16", flexible, lambda s: {kernel: resample_patch_embed(s[kernel], [16, 16])}
    yield "patches-4", {"inputSize": 16, "patchSize": 4, "resizePatches": True}, lambda s: {kernel: resample_patch_embed(s[kernel], [4, 4])}
    yield "grey", {"inChans": 1}, lambda s: {kernel: s[kernel].sum(1, keepdim=True)}


def interpolated(table, grid):
    """As MAE does it, without antialias."""
    patches = table[:, 1:].reshape(1, 4, 4, -1).permute(0, 3, 1, 2)
    resized = torch.nn.functional.interpolate(patches, size=grid, mode="bicubic", align_corners=False)
    return torch.cat([table[:, :1], resized.permute(0, 2, 3, 1).flatten(1, 2)], 1)


def parts_of(state):
    """Teacher and student by themselves, or the model, and what programs keep beside them."""
    beside = {"epoch": 3, "args": argparse.Namespace(lr=1e-3, model="vit"), "optimizer": {"state": {}, "param_groups": []}}
    if "teacher" not in {k.split(".")[0] for k in state}:
        return {"model": state, **beside}
    part = lambda name: {k.removeprefix(f"{name}."): v for k, v in state.items() if k.startswith(f"{name}.")}
    return {"student": part("student"), "teacher": part("teacher"), **beside}


class Rows:
    def __init__(self):
        self.failed = 0

    def add(self, case, check, value, ok):
        self.failed += not ok
        print(f"{'ok  ' if ok else 'FAIL'} {case:20} {check:34} {value}")


def difference(a, b):
    return float((a.reshape(-1).double() - b.reshape(-1).double()).abs().max())


def load_strictly(how, case, path):
    """The model of another program with what we wrote, and the state it was given."""
    if not isinstance(how, str):
        model = how(case).eval()
        state = load_file(path)
        mapped = state
        if isinstance(model, (MaskedAutoencoder, LinearProbe)):
            outside = {k for k in model.state_dict() if not k.startswith("encoder.")}
            mapped = {(k if k in outside else f"encoder.{k}"): v for k, v in state.items()}
        model.load_state_dict(mapped, strict=True)
        return model
    options = {"add_pooling_layer": False} if how == "ViTModel" else {}
    model, info = getattr(transformers, how).from_pretrained(path.parent, output_loading_info=True, **options)
    left = {k: v for k, v in info.items() if v}
    if left:
        raise RuntimeError(f"not loaded strictly: {left}")
    return model.eval()


def forward_of(how, case, model, images):
    if isinstance(model, MaskedAutoencoder):
        return model(images, KEPT)
    if how == "ViTMAEForPreTraining":
        return hf_prediction(model, images)
    if how == "ViTForImageClassification":
        return model(images).logits
    if how == "ViTModel":
        return model(images).last_hidden_state[:, 0]
    return model(images)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--node", default=str(ROOT / "node_modules/.bin/node"))
    arguments = parser.parse_args()
    folder = arguments.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    images, listed, made, out = torch.randn(BATCH, 3, SIDE, SIDE), [], cases(), Rows()
    with torch.no_grad():
        expected = {c.name: c.forward(c.model, images) for c in made}
    for case in made:
        reconstructs = case.output == "prediction"
        save_file({k: v.contiguous() for k, v in feeds_of(images, reconstructs).items()}, folder / f"{case.name}.feeds.safetensors")
        checkpoint = f"{case.name}.safetensors"
        if case.folder is not None:
            checkpoint = f"{case.name}-theirs/model.safetensors"
            case.folder.save_pretrained(folder / f"{case.name}-theirs")
        elif case.name.startswith(("mae", "retfound", "dino")):
            # As these programs write it: parts in a pickle, with other objects beside them.
            checkpoint = f"{case.name}.pth"
            torch.save(parts_of(case.state), folder / checkpoint)
        else:
            save_file({k: v.contiguous() for k, v in case.state.items()}, folder / checkpoint)
        listed.append({"name": case.name, "checkpoint": checkpoint, "options": case.options, "to": list(case.to), "batch": BATCH})
    for name, options, _ in resizings():
        save_file(made[RESIZED].state, folder / f"{name}.safetensors")
        save_file(feeds_of(torch.randn(BATCH, options.get("inChans", 3), *size_of(options)), False, options.get("patchSize", PATCH)), folder / f"{name}.feeds.safetensors")
        listed.append({"name": name, "checkpoint": f"{name}.safetensors", "options": {**heads, **options}, "to": [], "batch": BATCH})
    for name, state, _ in refusals():
        save_file({k: v.contiguous() for k, v in state.items()}, folder / f"{name}.safetensors")
        listed.append({"name": name, "checkpoint": f"{name}.safetensors", "options": heads, "to": [], "batch": BATCH})
    (folder / "cases.json").write_text(json.dumps(listed))
    subprocess.run([arguments.node, str(Path(__file__).with_name("run.ts")), str(folder)], check=True, cwd=ROOT)
    results = json.loads((folder / "results.json").read_text())

    for case in made:
        result = results[case.name]
        if "error" in result:
            out.add(case.name, "in", result["error"], False)
            continue
        theirs = expected[case.name]
        theirs = in_our_order(theirs) if case.output == "prediction" else theirs.reshape(-1)
        ours = load_file(folder / f"{case.name}.outputs.safetensors")[case.output]
        worst = difference(ours, theirs)
        out.add(case.name, f"in, {result['layout']}, {result['kind']}", f"{worst:.1e}", worst <= TOLERANCE)
        for name, how in case.to.items():
            path = folder / case.name / name / "model.safetensors"
            try:
                with torch.no_grad():
                    model = load_strictly(how, case, path)
                    encoder_of = name == "timm" and case.output == "prediction"
                    if encoder_of:
                        worst = difference(model(images), case.model.encoder(images))
                    else:
                        worst = difference(forward_of(how, case, model, images), expected[case.name])
            except RuntimeError as error:
                out.add(case.name, f"out to {name}", str(error)[:300], False)
                continue
            out.add(case.name, f"out to {name}, strictly", f"{worst:.1e}", worst <= TOLERANCE)
        if case.exact and case.folder is None:
            name = next(iter(case.to))
            written = load_file(folder / case.name / name / "model.safetensors")
            source = {k.removeprefix("teacher.module.backbone."): v for k, v in case.state.items()}
            same = [torch.equal(v, source[k].float()) for k, v in written.items()]
            out.add(case.name, f"out to {name}, bits", f"{sum(same)} of {len(same)} tensors", all(same))
        elif case.exact:
            written = load_strictly(case.to["hf"], case, folder / case.name / "hf" / "model.safetensors").state_dict()
            source = case.folder.state_dict()
            same = [torch.equal(v, source[k]) for k, v in written.items()]
            out.add(case.name, "out to hf, bits", f"{sum(same)} of {len(same)} tensors", all(same))
    for name, _, expected_of in resizings():
        if "error" in results[name]:
            out.add(name, "resized", results[name]["error"], False)
            continue
        written = load_file(folder / name / "own.safetensors")
        for key, value in expected_of(made[RESIZED].state).items():
            worst = difference(written[key], value)
            out.add(name, f"{key} is timm's", f"{worst:.1e}", worst <= TOLERANCE)
    for name, _, reason in refusals():
        told = results[name].get("error", "loaded")
        out.add(name, "refused by name", told[:140], reason in told)
    sys.exit(1 if out.failed else 0)


if __name__ == "__main__":
    main()
