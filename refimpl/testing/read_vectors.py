"""Read golden vectors with plain Python, no NumPy: a model for readers in other languages.

    python read_vectors.py DIR

checks every hash of the manifest, then the cases of least squares in DIR
against the few lines of loops below, and prints how many values agreed.
``read_vectors.c`` beside this file does the same in C.
"""

import hashlib
import json
import math
import pathlib
import struct
import sys
import zipfile


def read_case(path):
    """A case from its .json file: the document, with every array as nested lists and every number as a float."""
    path = pathlib.Path(path)
    archive = path.with_suffix(".npz")

    def value(node):
        if isinstance(node, list):      # settings, and batches of unequal size
            return [value(part) for part in node]
        if not isinstance(node, dict):
            return node
        if "shape" in node:
            if "npz" in node:
                flat = read_npy(archive, node["npz"])
            else:
                flat = [float.fromhex(text) for text in node["hex"]] if "hex" in node else node["decimal"]
            return nested(flat, node["shape"])
        if set(node) == {"decimal", "hex"}:
            return float.fromhex(node["hex"])
        return {key: value(part) for key, part in node.items()}

    return value(json.loads(path.read_text(encoding="utf-8")))


def nested(flat, shape):
    """A flat list in row-major order as nested lists of a shape; a single value for the shape []."""
    if not shape:
        return flat[0]
    step = len(flat) // shape[0]
    return [nested(flat[i * step:(i + 1) * step], shape[1:]) for i in range(shape[0])]


def read_npy(archive, name):
    """One array of an .npz file, flat: a NPY header of version 1, then little-endian numbers."""
    with zipfile.ZipFile(archive) as files:
        content = files.read(f"{name}.npy")
    size, = struct.unpack("<H", content[8:10])
    header = content[10:10 + size].decode("latin1")
    kind = next(letter for code, letter in (("<f8", "d"), ("<f4", "f"), ("<i8", "q")) if f"'{code}'" in header)
    body = content[10 + size:]
    return list(struct.unpack(f"<{len(body) // struct.calcsize(kind)}{kind}", body))


def wrong_hashes(directory):
    """Files whose content is not what the manifest says."""
    directory = pathlib.Path(directory)
    manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    return [path for path, wanted in manifest["sha256"].items()
            if hashlib.sha256((directory / path).read_bytes()).hexdigest() != wanted]


def least_squares(w, x, y, half):
    """(predictions, loss, gradient) of the mean of half·(⟨w, x_i⟩ − y_i)²."""
    predicted = [sum(a * b for a, b in zip(w, row)) for row in x]
    residual = [p - label for p, label in zip(predicted, y or [0.0] * len(x))]
    loss = half * sum(r * r for r in residual) / len(x)
    gradient = [2 * half * sum(r * row[j] for r, row in zip(residual, x)) / len(x) for j in range(len(w))]
    return predicted, loss, gradient


def agrees(got, expected, tolerance):
    """Whether |got − expected| ≤ tolerance in every entry of nested lists of equal shape; NaN and infinity never
    are."""
    if isinstance(expected, list):
        parts = tolerance if isinstance(tolerance, list) and len(tolerance) == len(expected) else [
            tolerance[0] if isinstance(tolerance, list) else tolerance] * len(expected)
        return (isinstance(got, list) and len(got) == len(expected)
                and all(agrees(*each) for each in zip(got, expected, parts)))
    return not isinstance(got, list) and abs(got - expected) <= tolerance < math.inf


def main(directory):
    """Check what lies in a directory; returns the exit status."""
    bad = wrong_hashes(directory)
    if bad:
        print("not what the manifest says:", *bad)
        return 1
    agreed = failed = 0
    for model, half in (("LinearRegression", 0.5), ("LeastSquares", 1.0)):
        for path in sorted(pathlib.Path(directory, "cases", model).glob("*.json")):
            case = read_case(path)
            inputs, expected = case["inputs"], case["expected"]
            found = least_squares(inputs["w"], inputs["x"], inputs["y"], half)
            for name, got in zip(("predict", "loss", "gradient"), found):
                if agrees(got, expected[name]["value"], expected[name]["tolerance"]):
                    agreed += 1
                else:
                    failed += 1
                    print("differs:", case["name"], name)
    print(f"{agreed} values agree, {failed} differ")
    return 1 if failed or not agreed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
