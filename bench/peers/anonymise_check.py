"""Checks with pydicom what `node bench/peers/anonymise-each.ts IN OUT` wrote.

Usage: python anonymise_check.py OUT

For every file that pydicom reads: the copy is read too, its pixel data are the same bytes in the same transfer syntax,
no private attribute is left, the meta information fits the data set, and no text of a name or ID of the original is
found in the bytes before the pixels.
"""

import json
import sys
import warnings
from collections import Counter, defaultdict
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
# Where the value of an attribute names somebody.
NAMING = (
    "PatientName",
    "PatientID",
    "AccessionNumber",
    "ReferringPhysicianName",
    "OperatorsName",
    "InstitutionName",
    "PerformingPhysicianName",
    "StationName",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
)


def names(data):
    for keyword in NAMING:
        for part in str(data.get(keyword, "")).replace("^", " ").replace("=", " ").split():
            if len(part) >= 5:
                yield keyword, part


def compare(original, copy_path):
    copy = pydicom.dcmread(copy_path)
    list(copy.iterall())
    found = []
    for keyword in PIXELS:
        if original.get(keyword) != copy.get(keyword):
            found.append(f"{keyword} differs")
    if copy.file_meta.MediaStorageSOPInstanceUID != copy.get("SOPInstanceUID", ""):
        found.append("meta information does not fit")
    before = getattr(original.file_meta, "TransferSyntaxUID", None)
    if before and before != copy.file_meta.TransferSyntaxUID:
        found.append(f"transfer syntax {before} became {copy.file_meta.TransferSyntaxUID}")
    if any(element.tag.is_private for element in copy.iterall()):
        found.append("private attributes")
    if copy.get("PatientIdentityRemoved") != "YES" or len(copy.DeidentificationMethodCodeSequence) < 1:
        found.append("not marked")
    # The maker of the device is no identity of a patient, though phantoms are often "in" its "hospital".
    values = " ".join(str(e.value) for e in copy.iterall() if e.VR not in ("SQ", "OB", "OW") and e.keyword != "Manufacturer")
    for keyword, part in names(original):
        if part in values and part not in str(original.get("Manufacturer", "")):
            found.append(f"{keyword} is still there: {part}")
    return found


def main():
    warnings.simplefilter("ignore")
    out = Path(sys.argv[1])
    counts = Counter()
    faults = defaultdict(list)
    for row in json.loads((out / "index.json").read_text()):
        name = Path(row["path"]).name
        try:
            original = pydicom.dcmread(row["path"], force=True)
            list(original.iterall())
        except (InvalidDicomError, Exception) as error:  # noqa: BLE001 - whatever pydicom cannot read
            counts[f"pydicom cannot read ({type(error).__name__})"] += 1
            continue
        if row["name"] is None:
            counts["not written"] += 1
            faults[row["reason"].replace(row["path"], "")].append(name)
            continue
        try:
            found = compare(original, out / row["name"])
        except Exception as error:  # noqa: BLE001 - the copy must be readable where the original is
            found = [f"the copy is unreadable: {error!r}"]
        counts["equal" if not found else "different"] += 1
        for fault in found:
            faults[fault].append(name)
    print(json.dumps({"counts": counts, "faults": faults}, indent=1))


if __name__ == "__main__":
    main()
