"""Writes what pydicom makes of DICOM test files, as reference values for the decoder's tests.

Usage: python dicom_reference.py DATA_FOLDER OUTPUT.json [ARRAYS_FOLDER]
Needs pydicom >= 3 with pylibjpeg, pylibjpeg-libjpeg, pylibjpeg-openjpeg and pylibjpeg-rle. For every file: shape, dtype
and SHA-256 (C order, little endian) of `pixel_array`, or the failure's class. For pictures with a modality or VOI
transformation or a palette: values at evenly spaced pixels of the first frame.
"""

import copy
import hashlib
import json
import os
import sys
import warnings

import numpy as np
import pydicom
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut

warnings.simplefilter("ignore")

POINTS = 61
LOSSY = {
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.203",
}


def spaced(array):
    """Values of evenly spaced pixels."""
    flat = array.reshape(-1, array.shape[-1]) if array.ndim == 3 else array.reshape(-1)
    at = np.linspace(0, len(flat) - 1, POINTS).astype(int)
    return flat[at].ravel().tolist()


def with_frame_attributes(ds):
    """Copies the first frame's functional groups to where the single-frame functions look."""
    ds = copy.deepcopy(ds)
    for name in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        if name not in ds:
            continue
        groups = ds[name][0]
        for macro in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            for element in groups[macro][0] if macro in groups else []:
                ds[element.tag] = element
    return ds


def level_range(ds):
    """The range that apply_windowing and apply_voi map to."""
    if ds.get("VOILUTSequence"):
        return 0, 2 ** ds.VOILUTSequence[0].LUTDescriptor[2] - 1
    if ds.get("ModalityLUTSequence"):
        low, high = 0, 2 ** ds.ModalityLUTSequence[0].LUTDescriptor[2] - 1
    elif ds.PixelRepresentation == 0:
        low, high = 0, 2**ds.BitsStored - 1
    else:
        low, high = -(2 ** (ds.BitsStored - 1)), 2 ** (ds.BitsStored - 1) - 1
    slope, intercept = ds.get("RescaleSlope", 1), ds.get("RescaleIntercept", 0)
    return low * float(slope) + float(intercept), high * float(slope) + float(intercept)


def display(ds, array):
    """Values in the file's unit, levels in [0, 1] after its first window, colours of its palette."""
    result = {}
    ds = with_frame_attributes(ds)
    frames = int(ds.get("NumberOfFrames", 1) or 1)
    frame = array[0] if frames > 1 else array
    if ds.PhotometricInterpretation == "PALETTE COLOR":
        result["rgb"] = spaced(apply_color_lut(frame, ds))
    if not ds.PhotometricInterpretation.startswith("MONOCHROME"):
        return result
    values = apply_modality_lut(frame, ds)
    if "RescaleSlope" in ds or "ModalityLUTSequence" in ds:
        result["values"] = [float(f"{value:.9g}") for value in spaced(values)]
    if ("WindowCenter" in ds or "VOILUTSequence" in ds):
        if "PixelRepresentation" not in ds:
            # Float pixel data has no range of its own; any will do, since levels are taken relative to it.
            ds.PixelRepresentation, ds.BitsStored = 0, 16
        low, high = level_range(ds)
        levels = (np.asarray(apply_voi_lut(values, ds), dtype="float64") - low) / (high - low)
        result["levels"] = [round(float(level), 6) for level in spaced(levels)]
    return result


def describe(path, arrays):
    try:
        ds = pydicom.dcmread(path, force=True)
        if not any(name in ds for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
            return {"error": "NoPixels"}
        array = ds.pixel_array
    except Exception as error:
        return {"error": type(error).__name__}
    little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<")))
    if arrays:
        np.save(os.path.join(arrays, os.path.basename(path) + ".npy"), little)
    syntax = str(ds.file_meta.TransferSyntaxUID)
    entry = {
        "syntax": syntax,
        "shape": list(array.shape),
        "dtype": array.dtype.newbyteorder("=").name,
        "sha256": hashlib.sha256(little.tobytes()).hexdigest(),
    }
    if syntax in LOSSY:
        frame = little[0] if little.ndim == 4 else little
        entry["points"] = spaced(frame)
    entry.update(display(ds, array))
    return entry


def main():
    root, output = sys.argv[1:3]
    arrays = sys.argv[3] if len(sys.argv) > 3 else None
    files = {}
    for folder, _, names in os.walk(root):
        for name in names:
            if name.endswith((".txt", ".json", ".icc", ".dump", ".gz")) or name == "README":
                continue
            path = os.path.join(folder, name)
            files[os.path.relpath(path, root)] = describe(path, arrays)
    files = dict(sorted(files.items()))
    with open(output, "w", encoding="utf8") as file:
        lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in files.items())
        file.write(f'{{\n"pydicom": "{pydicom.__version__}",\n"files": {{\n{lines}\n}}\n}}\n')


main()
