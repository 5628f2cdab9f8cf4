"""Writes the tables that `data anonymise` works from.

Usage: python anonymise_table.py OUT_DIR   (writes profile.ts and dictionary.ts)

Basic profile: DICOM PS3.15 table E.1-1 of edition 2026c, as dicom-anonymizer 2.1.0 lists it.
Options: the same table of edition 2024c, as idiscore 1.2.0 lists it; an attribute that is newer has no options and
follows the basic profile, which takes away more.
Dictionary: DICOM PS3.6, as pydicom 3.0.2 lists it.
"""

import re
import sys
from importlib.util import find_spec
from pathlib import Path

from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as basic
from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary

ACTIONS = {
    "D_TAGS": "D",
    "Z_TAGS": "Z",
    "X_TAGS": "X",
    "U_TAGS": "U",
    "Z_D_TAGS": "Z/D",
    "X_Z_TAGS": "X/Z",
    "X_D_TAGS": "X/D",
    "X_Z_D_TAGS": "X/Z/D",
    "X_Z_U_STAR_TAGS": "X/Z/U*",
}
OPTIONS = {
    "113110": "uids",
    "113109": "device",
    "113112": "institution",
    "113108": "patient-characteristics",
    "113106": "full-dates",
    "113107": "modified-dates",
    "113105": "descriptors",
    "113104": "structured-content",
}
OPTION_ACTIONS = {"KEEP": "K", "CLEAN": "C"}


def hex_tag(tag):
    group, element, *mask = tag
    if mask:
        # Repeating groups: curves and overlays.
        return f"{group >> 8:02x}xx" + (f"{element:04x}" if mask[1] else "xxxx")
    return f"{group:04x}{element:04x}"


def rows():
    table = {}
    for name, action in ACTIONS.items():
        for tag in getattr(basic, name):
            table[hex_tag(tag)] = [action, {}]
    # Read as text: importing the package asks for much that is not needed here.
    source = Path(find_spec("idiscore").submodule_search_locations[0], "_public_dicom.py").read_text()
    for section in source.split("RawNemaRuleSet(")[1:]:
        option = OPTIONS.get(re.search(r'code="(\d+)"', section)[1])
        if option is None:
            continue
        for tag, action in re.findall(r'(?:SingleTag|RepeatingGroup)\("([^"]+)"\),\s*ActionCodes\.(\w+)', section):
            key = tag.lower().replace(",", "")
            if key in table:
                table[key][1][option] = OPTION_ACTIONS[action]
    return table


def profile():
    table = rows()
    lines = []
    for tag in sorted(table):
        action, chosen = table[tag]
        lines.append(" ".join([tag, action, *(f"{option}={value}" for option, value in chosen.items())]))
    return (
        "// Made by bench/peers/anonymise_table.py; do not edit.\n\n"
        "/**\n * DICOM PS3.15 table E.1-1: tag, action of the basic profile (edition 2026c), actions of the options (edition 2024c).\n */\n"
        "export const PROFILE_TABLE = `\n" + "\n".join(lines) + "\n`;\n"
    )


def dictionary():
    by_vr = {}
    for tag, (vr, *_rest) in DicomDictionary.items():
        if (tag >> 16) % 2 == 0 and tag >> 16 >= 8:
            by_vr.setdefault(vr.split(" ")[0], []).append(f"{tag:08x}")
    for tag, (vr, *_rest) in RepeatersDictionary.items():
        by_vr.setdefault(vr.split(" ")[0], []).append(tag.lower())
    by_vr.pop("NONE", None)
    lines = [f"{vr} " + " ".join(sorted(tags)) for vr, tags in sorted(by_vr.items())]
    return (
        "// Made by bench/peers/anonymise_table.py; do not edit.\n\n"
        "/** DICOM PS3.6: the attributes of the standard by value representation, retired ones too; x stands for any digit. */\n"
        "export const DICTIONARY = `\n" + "\n".join(lines) + "\n`;\n"
    )


def main():
    out = Path(sys.argv[1])
    (out / "profile.ts").write_text(profile())
    (out / "dictionary.ts").write_text(dictionary())


if __name__ == "__main__":
    main()
