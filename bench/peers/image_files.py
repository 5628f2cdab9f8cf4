"""Makes small files of invented values in many variants, with what NumPy, nibabel and tifffile read from them.

Usage: python image_files.py > test/unit/data/fixtures/measured-files.json

Needs numpy, nibabel, tifffile and imagecodecs. Each entry: `file` (Base64), `shape`, `dtype` and `sha256` of the array
in C order, little endian; for NIfTI also `orientation` and the SHA-256 of slices as nifti_reference.py has them.
"""

import base64
import hashlib
import io
import json
import pathlib
import sys
import tempfile

import nibabel
import numpy as np
import tifffile

import nifti_reference

random = np.random.default_rng(4)
entries = {}


def noise(dtype, shape):
    """Values over the whole range of a type, in runs, so that packing has something to find."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return random.random(shape) < 0.5
    if dtype.kind in "fc":
        steps = random.normal(size=shape).round(1) * 100
        return (steps + 1j * steps[::-1] if dtype.kind == "c" else steps).astype(dtype)
    info = np.iinfo(dtype)
    array = random.integers(info.min, info.max, size=shape, dtype=dtype, endpoint=True)
    array[1::3] = array[0]
    return array


def add(name, data, array, **more):
    entries[name] = {
        "file": base64.b64encode(data).decode(),
        "shape": list(array.shape),
        "dtype": str(array.dtype.newbyteorder("=")),
        "sha256": nifti_reference.digest(array),
        **more,
    }


def add_tiff(name, array, expected=None, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    add(f"{name}.tif", buffer.getvalue(), array if expected is None else expected)


def tiffs():
    grey = {"photometric": "minisblack"}
    for dtype in ("i1", "i2", "u4", "i4", "f4", "f8"):
        add_tiff(f"grey-{dtype}", noise(dtype, (5, 7)), **grey)
        add_tiff(f"rgb-{dtype}", noise(dtype, (5, 7, 3)), photometric="rgb")
    half = noise("f2", (5, 7))
    add_tiff("grey-f2", half, half.astype("f4"), **grey)
    for packing in ("lzw", "zlib", "packbits"):
        for dtype in ("i2", "f4", "f8"):
            add_tiff(f"{packing}-{dtype}", noise(dtype, (50, 60)), **grey, compression=packing, rowsperstrip=47)
    for dtype in ("i2", "f4", "f8"):
        add_tiff(f"predictor-{dtype}", noise(dtype, (9, 11)), **grey, compression="lzw", predictor=True)
        add_tiff(f"tiles-{dtype}", noise(dtype, (37, 41)), **grey, tile=(16, 32), compression="zlib")
        add_tiff(f"big-endian-{dtype}", noise(dtype, (5, 7)), **grey, byteorder=">")
        add_tiff(f"pages-{dtype}", noise(dtype, (3, 5, 7)), **grey)
        planes = noise(dtype, (3, 5, 7))
        add_tiff(f"planar-{dtype}", planes, np.moveaxis(planes, 0, -1), photometric="rgb", planarconfig="separate")
    both = noise("i2", (9, 11, 3))
    add_tiff("big-endian-predictor-rgb-i2", both, photometric="rgb", byteorder=">", compression="zlib", predictor=True)
    add_tiff("64-bit-i2", noise("i2", (5, 7)), **grey, bigtiff=True)
    one_tile = noise("f8", (5, 16))
    add_tiff("tile-as-wide-as-the-page-f8", one_tile, **grey, tile=(16, 16), compression="zlib")
    alpha = noise("f8", (5, 7, 2))
    add_tiff("alpha-f8", alpha, alpha[..., 0], **grey, extrasamples=["unassalpha"])
    array = noise("i2", (5, 7))
    turns = {
        2: array[:, ::-1],
        3: array[::-1, ::-1],
        4: array[::-1],
        5: array.T,
        6: np.rot90(array, -1),
        7: np.rot90(array, 2).T,
        8: np.rot90(array),
    }
    for orientation, turned in turns.items():
        add_tiff(f"orientation-{orientation}-i2", array, turned, **grey, extratags=[(274, "H", 1, orientation, True)])


def npys():
    def add_npy(name, array):
        buffer = io.BytesIO()
        np.save(buffer, array)
        add(f"{name}.npy", buffer.getvalue(), array)

    for dtype in ("b1", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "c8", "c16"):
        add_npy(f"array-{dtype}", noise(dtype, (5, 7)))
        if not dtype.endswith("1") or dtype == "c16":
            add_npy(f"big-endian-{dtype}", noise(dtype, (5, 7)).astype(">" + dtype))
        add_npy(f"fortran-{dtype}", np.asfortranarray(noise(dtype, (2, 5, 7))))


def niftis():
    flip = np.array([[0, -2.0, 0.3, 5], [0.1, 0, 3.0, 6], [-1.5, 0.2, 0, 7], [0, 0, 0, 1]])
    oblique = np.array([[1.2, 1.1, 0, 0], [-1.1, 1.3, 0.4, 0], [0.2, -0.5, 2.0, 0], [0, 0, 0, 1]])

    def add_nifti(name, array, kind=nibabel.Nifti1Image, affine=flip, endianness="<", slope=None, edit=None):
        header = kind.header_class(endianness=endianness)
        header.set_data_dtype(array.dtype)
        image = kind(array, affine, header)
        if edit:
            edit(image.header)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / f"{name}.nii"
            nibabel.save(image, path)
            data = bytearray(path.read_bytes())
            if slope:
                second = kind is nibabel.Nifti2Image
                at, code = (176, "f8") if second else (112, "f4")
                packed = np.array(slope, dtype=endianness + code).tobytes()
                data[at : at + len(packed)] = packed
                path.write_bytes(data)
            found = nifti_reference.describe(path)
        entries[f"{name}.nii"] = {"file": base64.b64encode(bytes(data)).decode(), **found}

    numbers = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8", "c8", "c16")
    shape = (3, 4, 5)
    for dtype in numbers:
        add_nifti(f"little-{dtype}", noise(dtype, shape))
        add_nifti(f"big-{dtype}", noise(dtype, shape), endianness=">")
        add_nifti(f"second-{dtype}", noise(dtype, shape), kind=nibabel.Nifti2Image)
        add_nifti(f"scaled-{dtype}", noise(dtype, shape), slope=(-0.37, 12.5))
    colours = noise("u1", (*shape, 4))
    rgb = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    rgba = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1"), ("A", "u1")])
    add_nifti("rgb", np.ascontiguousarray(colours[..., :3]).view(rgb)[..., 0])
    add_nifti("rgba", colours.view(rgba)[..., 0])
    add_nifti("second-big-i2", noise("i2", shape), kind=nibabel.Nifti2Image, endianness=">", slope=(2, -1))
    add_nifti("slope-nan", noise("i2", shape), slope=(float("nan"), 3))
    add_nifti("slope-zero", noise("i2", shape), slope=(0, 3))
    add_nifti("oblique", noise("i2", shape), affine=oblique)
    add_nifti("two-axes", noise("i2", (3, 4)))
    add_nifti("five-axes", noise("i2", (3, 4, 5, 2, 2)))

    def only_qform(header):
        header.set_qform(np.array([[0, 0, -2.0, 0], [-1, 0, 0, 0], [0, 3, 0, 0], [0, 0, 0, 1]]), code=1)
        header["sform_code"] = 0

    def no_form(header):
        header["qform_code"] = 0
        header["sform_code"] = 0

    add_nifti("qform", noise("i2", shape), edit=only_qform)
    add_nifti("no-form", noise("i2", shape), affine=None, edit=no_form)


def main():
    tiffs()
    npys()
    niftis()
    json.dump(entries, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
