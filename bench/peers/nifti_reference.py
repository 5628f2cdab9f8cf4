"""Writes what nibabel reads from each NIfTI file of a folder: shape, dtype and hashes of the whole array and of slices.

Usage: python nifti_reference.py FOLDER > test/unit/data/nifti/reference.json

`array` is the SHA-256 of np.asanyarray(image.dataobj) in C order, little endian. `slices` are hashes of float64 slices
of as_closest_canonical, turned as pictures lie: the patient's right on the left, anterior or superior at the top, and
anterior on the left of sagittal ones. Of complex numbers,
the sum of their magnitudes stands in place of a hash; colours have their channels last.
"""

import hashlib
import json
import pathlib
import sys

import nibabel
import numpy as np


def digest(array):
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return hashlib.sha256(np.ascontiguousarray(little).tobytes()).hexdigest()


def values(volume):
    if volume.dtype.names:
        return np.stack([volume[name] for name in volume.dtype.names[:3]], axis=-1).astype(np.float64)
    return volume.astype(np.float64)


def picture(canonical, axis, k):
    if axis == "axial":
        return canonical[::-1, ::-1, k].swapaxes(0, 1)
    if axis == "coronal":
        return canonical[::-1, k, ::-1].swapaxes(0, 1)
    return canonical[k, ::-1, ::-1].swapaxes(0, 1)


def slices(image):
    canonical = np.asanyarray(nibabel.as_closest_canonical(image).dataobj)
    found = {}
    for axis, along in (("axial", 2), ("coronal", 1), ("sagittal", 0)):
        for volume in (0, -1):
            block = canonical.reshape(canonical.shape[:3] + (-1,))[..., volume]
            k = canonical.shape[along] // 3
            index = (0 if volume == 0 else int(np.prod(canonical.shape[3:], dtype=int)) - 1) * canonical.shape[along] + k
            if np.iscomplexobj(block):
                # The last digits of a magnitude depend on the machine's square root.
                shown = picture(np.abs(block.astype(np.complex128)), axis, k)
                found[f"{axis} {index}"] = {"shape": list(shown.shape), "sum": float(shown.sum())}
            else:
                shown = picture(values(block), axis, k)
                found[f"{axis} {index}"] = {"shape": list(shown.shape), "sha256": digest(shown)}
    return found


def describe(path):
    image = nibabel.load(path)
    array = np.asanyarray(image.dataobj)
    entry = {"shape": list(array.shape), "dtype": str(array.dtype.newbyteorder("=")), "sha256": digest(array)}
    if getattr(image, "affine", None) is not None:
        entry["orientation"] = "".join(nibabel.aff2axcodes(image.affine))
        entry["slices"] = slices(image) if len(image.shape) > 2 else {}
    return entry


def main():
    folder = pathlib.Path(sys.argv[1])
    reference = {path.name: describe(path) for path in sorted(folder.iterdir())}
    json.dump({"nibabel": nibabel.__version__, "files": reference}, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
