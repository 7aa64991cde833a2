"""Prints the errors of a port's outputs against the stored results of a case.

    python compare.py CASE_FOLDER OUTPUT_FILE [f32|f64]

For a first look while writing a port in Python; `golden check --command` computes verdicts with
tolerances. An error is the largest difference over the largest stored value: of all elements of an
output stored in full, or of the statistics and the 64 elements of a digest.
"""

import argparse

import numpy as np

import tensorfile
from digest import digest
from port import PRECISIONS
from reader import Case


def errors(case, outputs, precision):
    """Returns the error of every output as `{name: error}`; a missing output has `inf`."""
    found = {}
    for name, entry in case.outputs.items():
        expected = case.expected(name, precision)
        if expected is None:
            continue
        if name not in outputs:
            found[name] = np.inf
            continue
        value = outputs[name].astype(np.float64)
        if entry["kind"] == "digest":
            value, expected = digest(value), expected.copy()
            count = int(np.prod(entry["shape"]))
            value[2] /= np.sqrt(count)  # the norm grows with the number of elements
            expected[2] /= np.sqrt(count)
            scale = abs(expected[3])
        else:
            expected = expected.astype(np.float64)
            scale = np.abs(expected).max(initial=0.0)
        error = np.abs(value.ravel() - expected.ravel()).max(initial=0.0)
        found[name] = error / scale if scale else error
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("case")
    parser.add_argument("outputs")
    parser.add_argument("precision", nargs="?", default="f32", choices=PRECISIONS)
    arguments = parser.parse_args()
    case = Case.load(arguments.case)
    found = errors(case, tensorfile.read(arguments.outputs), PRECISIONS[arguments.precision])
    for name, error in sorted(found.items(), key=lambda item: -item[1]):
        noise = case.outputs[name].get("noise")
        print(f"{error:9.2e}  noise {noise if noise is not None else '-':<9}  {name}")


if __name__ == "__main__":
    main()
