"""Times torchvision's training pipeline: ImageFolder, DataLoader, one JSON line per epoch.

python loader_peer.py FOLDER WORKERS BATCH EPOCHS [dicom]
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision import datasets, transforms
from torchvision.transforms import InterpolationMode


def load_dicom(path: str) -> Image.Image:
    """The first frame as 8-bit grey by the file's window, or by its range, then RGB as torchvision's own loader gives."""
    import pydicom
    from pydicom.pixels import apply_modality_lut, apply_voi_lut

    dataset = pydicom.dcmread(path)
    values = dataset.pixel_array
    if values.ndim == 3 and int(dataset.get("NumberOfFrames", 1)) > 1:
        values = values[0]
    if dataset.SamplesPerPixel == 1:
        values = apply_voi_lut(apply_modality_lut(values, dataset), dataset).astype(np.float32)
        low, high = values.min(), values.max()
        values = ((values - low) / max(high - low, 1e-6) * 255).round().astype(np.uint8)
    return Image.fromarray(values).convert("RGB")


def main() -> None:
    folder, workers, batch, epochs = sys.argv[1], *map(int, sys.argv[2:5])
    torch.set_num_threads(1)
    transform = transforms.Compose(
        [
            transforms.RandomResizedCrop(224, interpolation=InterpolationMode.BICUBIC),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    if "dicom" in sys.argv[5:]:
        data = datasets.DatasetFolder(folder, load_dicom, is_valid_file=lambda path: Path(path).is_file(), transform=transform)
    else:
        data = datasets.ImageFolder(folder, transform)
    loader = DataLoader(data, batch, shuffle=True, num_workers=workers, persistent_workers=workers > 0)
    for _ in range(epochs):
        started = time.perf_counter()
        images = sum(len(labels) for _, labels in loader)
        seconds = time.perf_counter() - started
        print(json.dumps({"images": images, "seconds": seconds}), flush=True)


main()
