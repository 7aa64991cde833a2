"""Reads a reference case, format 1: its settings, its filled tensors, its stored results.

A port outside of this repository needs nothing else of the format; start from `Case.load`. A tensor
is filled when `Case.tensor` is called, so opening a case is cheap.
"""

import pathlib

import numpy as np

import fill
import tensorfile

try:
    import tomllib  # Python 3.11 and later
except ModuleNotFoundError:
    try:
        import tomli as tomllib
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "reading case.toml needs Python 3.11, or the package `tomli` (pip install tomli)"
        ) from None

FORMAT = 1


class Case:
    """One reference case.

    `config` is the table of settings under the original's argument names, `tensors` and `outputs`
    are the tables of case.toml by name, in their order there.
    """

    @classmethod
    def load(cls, folder):
        """Opens the case in `folder` and checks the fill recipe against it."""
        folder = pathlib.Path(folder)
        with open(folder / "case.toml", "rb") as file:
            table = tomllib.load(file)
        if table["format"] != FORMAT:
            raise ValueError(f"`{folder}` has format {table['format']}, expected {FORMAT}")
        fill.check_selftest(table["selftest"])
        return cls(folder, table)

    def __init__(self, folder, table):
        self.folder = folder
        self.system, self.name = table["system"], table["case"]
        self.summary, self.notes = table["summary"], table.get("notes", [])
        self.origin, self.config = table["origin"], table["config"]
        self.seed_prefix = table["seed_prefix"]
        self.tensors = {entry["name"]: entry for entry in table.get("tensor", [])}
        self.outputs = {entry["name"]: entry for entry in table.get("output", [])}
        self.stored = None

    @property
    def values(self):
        """The content of values.safetensors by entry (`in/…`, `out/…`, `digest64/…`)."""
        if self.stored is None:
            self.stored = tensorfile.read(self.folder / "values.safetensors")
        return self.stored

    def tensor(self, name, precision=None):
        """Returns an input, filled again at every call.

        With `precision` (`np.float32` or `np.float64`) a floating-point tensor has that type; the
        values of the recipe are always rounded to single precision.
        """
        entry = self.tensors[name]
        if entry["fill"]["kind"] == "stored":
            array = self.values[f"in/{name}"]
        else:
            array = fill.fill(
                f"{self.seed_prefix}/{name}", entry["shape"], entry["dtype"], entry["fill"]
            )
        if precision is not None and array.dtype.kind == "f":
            array = array.astype(precision)
        return array

    def named(self, role):
        """Returns the names of the tensors with a role: parameter, buffer, input, noise or choice."""
        return [name for name, entry in self.tensors.items() if entry["role"] == role]

    def expected(self, name, precision=np.float32):
        """Returns the original's values of an output, in full or as a digest vector.

        `None` if the original has no run in that precision.
        """
        folder = {"full": "out", "digest": "digest"}[self.outputs[name]["kind"]]
        bits = "64" if np.dtype(precision) == np.float64 else ""
        return self.values.get(f"{folder}{bits}/{name}")
