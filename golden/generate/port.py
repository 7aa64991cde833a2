"""The contract between `golden check --command` and a port in Python.

The command runs as `CMD CASE_FOLDER OUTPUT_FILE`, with `REPRISE_PRECISION` set to `f32` or `f64`. It
writes a safetensors file with every output of the case under its name, in full, in the original's
shape and layout. Outputs that the case does not declare are ignored; a missing output makes the case
invalid. The command's stderr is quoted if its exit code is not 0.
"""

import argparse
import os
import sys

import numpy as np

import tensorfile
from reader import Case

PRECISIONS = {"f32": np.float32, "f64": np.float64}


class Unsupported(Exception):
    """The case needs something that the port does not implement."""


def requested_precision():
    """Returns the NumPy type that `REPRISE_PRECISION` names; the default is single precision."""
    name = os.environ.get("REPRISE_PRECISION", "f32")
    if name not in PRECISIONS:
        raise SystemExit(f"error: invalid REPRISE_PRECISION `{name}`\nhint: use f32 or f64")
    return PRECISIONS[name]


def as_declared(value, dtype, precision):
    """Returns an output in its type in a run of `precision`.

    An output declared f32 has the type of the precision; others keep their declared type.
    """
    types = {"f32": precision, "f64": np.float64, "i64": np.int64, "u8": np.uint8}
    return np.asarray(value, types[dtype])


def declared(case, outputs, precision):
    """Returns the `outputs` that the case declares, in the declared shapes and types."""
    return {
        name: as_declared(outputs[name], entry["dtype"], precision).reshape(entry["shape"])
        for name, entry in case.outputs.items()
        if name in outputs
    }


def main(run, description):
    """Runs `run(case, precision)`, which returns outputs by name, as a command."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("case", help="folder of the case")
    parser.add_argument("output", help="safetensors file to write")
    arguments = parser.parse_args()
    precision = requested_precision()
    try:
        case = Case.load(arguments.case)
        outputs = declared(case, run(case, precision), precision)
    except (Unsupported, ValueError, OSError) as error:
        print(f"error: failed to run `{arguments.case}`: {error}", file=sys.stderr)
        sys.exit(1)
    tensorfile.write(arguments.output, outputs)
