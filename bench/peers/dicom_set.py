"""Wraps the images of an ImageFolder as DICOM files, so that DICOM loading can be tried on a set with classes.

    python dicom_set.py SOURCE TARGET [--limit N]

Each class folder of TARGET becomes a study tree, patient/study/image without extensions, a patient for every ten
images. Grey levels are stored as 12 bits with a rescale to Hounsfield-like values and a window that gives the levels
back, in turn as explicit little endian, deflated, RLE, JPEG 2000 and implicit little endian; one in seven is
MONOCHROME1. Needs pydicom, pylibjpeg-openjpeg, numpy and Pillow.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    MRImageStorage,
    RLELossless,
    generate_uid,
)

SYNTAXES = [
    ExplicitVRLittleEndian,
    DeflatedExplicitVRLittleEndian,
    RLELossless,
    JPEG2000Lossless,
    ImplicitVRLittleEndian,
]
SLOPE, INTERCEPT = 1, -1024


def wrap(path: Path, number: int, patient: str) -> Dataset:
    grey = np.asarray(Image.open(path).convert("L"), dtype=np.uint16)
    inverted = number % 7 == 3
    stored = (255 - grey if inverted else grey) * 16
    image = Dataset()
    image.SOPClassUID = MRImageStorage
    image.SOPInstanceUID = generate_uid(entropy_srcs=["msmae", str(path)])
    image.StudyInstanceUID = generate_uid(entropy_srcs=["msmae", patient])
    image.SeriesInstanceUID = generate_uid(entropy_srcs=["msmae", patient, "1"])
    image.Modality = "MR"
    image.PatientID = patient
    image.PatientName = f"Phantom^{patient}"
    image.InstanceNumber = number
    image.Rows, image.Columns = grey.shape
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    image.RescaleSlope, image.RescaleIntercept = SLOPE, INTERCEPT
    image.WindowWidth = 255 * 16 + 1
    image.WindowCenter = INTERCEPT + 255 * 8 + 0.5
    image.PixelSpacing = [1, 1]
    image.file_meta = FileMetaDataset()
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    syntax = SYNTAXES[number % len(SYNTAXES)]
    compressed = syntax in (RLELossless, JPEG2000Lossless)
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian if compressed else syntax
    image.PixelData = stored.tobytes()
    image["PixelData"].VR = "OW"
    if compressed:
        image.compress(syntax, generate_instance_uid=False)
    return image


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--limit", type=int, default=100, help="images per class and split")
    options = parser.parse_args()
    number = 0
    for folder in sorted(folder for folder in options.source.glob("*/*") if folder.is_dir()):
        relative = folder.relative_to(options.source)
        for index, path in enumerate(sorted(folder.iterdir())[: options.limit]):
            patient = f"{relative.parts[0]}-{relative.parts[1]}-{index // 10:03d}"
            place = options.target / relative / patient / "study-1" / f"IM{index:05d}"
            place.parent.mkdir(parents=True, exist_ok=True)
            wrap(path, number, patient).save_as(place, enforce_file_format=True)
            number += 1
    print(f"{number} files")


if __name__ == "__main__":
    main()
