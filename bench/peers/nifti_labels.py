"""Checks label volumes against their images with nibabel: the same affine, shape, codes and voxel sizes, and labels where
they belong. Exits with 1 where one is wrong.

Usage: python nifti_labels.py IMAGE=LABELS …

The labels are those of a file that labels every voxel by its place in the canonical order: (x + 3y + 7z) modulo 251.
"""

import sys

import nibabel
import numpy as np


def problems(image_path, labels_path):
    image, labels = nibabel.load(image_path), nibabel.load(labels_path)
    if labels.shape != image.shape:
        yield f"shape {labels.shape}, not {image.shape}"
    if not np.array_equal(labels.affine, image.affine):
        yield f"affine {labels.affine.tolist()}, not {image.affine.tolist()}"
    if labels.get_data_dtype() != np.uint8:
        yield f"dtype {labels.get_data_dtype()}"
    if isinstance(image, nibabel.Nifti1Image):
        for field in ("qform_code", "sform_code"):
            if labels.header[field] != image.header[field]:
                yield f"{field} {labels.header[field]}, not {image.header[field]}"
        if labels.header.get_xyzt_units()[0] != image.header.get_xyzt_units()[0]:
            yield "another unit"
    if not np.allclose(labels.header.get_zooms(), image.header.get_zooms(), rtol=1e-6):
        yield f"voxel sizes {labels.header.get_zooms()}, not {image.header.get_zooms()}"
    canonical = np.asanyarray(nibabel.as_closest_canonical(labels).dataobj)
    x, y, z = np.ogrid[tuple(slice(n) for n in canonical.shape[:3])]
    expected = ((x + 3 * y + 7 * z) % 251).astype(np.uint8)
    if not (canonical == expected.reshape(expected.shape + (1,) * (canonical.ndim - 3))).all():
        yield "labels elsewhere"


def main():
    wrong = 0
    for pair in sys.argv[1:]:
        found = list(problems(*pair.split("=")))
        print(pair.split("=")[0], "ok" if not found else "; ".join(found))
        wrong += bool(found)
    sys.exit(int(wrong > 0))


if __name__ == "__main__":
    main()
