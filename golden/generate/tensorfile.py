"""Reads and writes safetensors files without the package of that name.

The format is an unsigned 64-bit length, that many bytes of JSON with the type, shape and offsets of
every tensor, then the elements, little-endian and row-major. Nothing is executed or unpickled.
"""

import json
import math

import numpy as np

DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "U8": "|u1"}
NAMES = {np.dtype(code): name for name, code in DTYPES.items()}


def write(path, tensors):
    """Writes a mapping of names to arrays of f32, f64, i64 or u8, sorted by name."""
    arrays = {name: np.asarray(tensors[name], order="C") for name in sorted(tensors)}
    header, end = {}, 0
    for name, array in arrays.items():
        if array.dtype not in NAMES:
            raise TypeError(f"tensor `{name}` has type {array.dtype}, which cases do not support")
        start, end = end, end + array.nbytes
        entry = {"dtype": NAMES[array.dtype], "shape": list(array.shape)}
        header[name] = {**entry, "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the elements are aligned
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in arrays.values():
            file.write(array.tobytes())


def read(path):
    """Returns the arrays of a file by name; raises `ValueError` if the file is inconsistent."""
    with open(path, "rb") as file:
        content = file.read()
    start = 8 + int.from_bytes(content[:8], "little")
    if len(content) < 8 or start > len(content):
        raise ValueError(f"`{path}` is not a safetensors file: its header is truncated")
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        dtype = DTYPES.get(entry["dtype"])
        if dtype is None:
            raise ValueError(f"`{path}`: tensor `{name}` has the unsupported type {entry['dtype']}")
        begin, end = entry["data_offsets"]
        elements = content[start + begin : start + end]
        if len(elements) != math.prod(entry["shape"]) * np.dtype(dtype).itemsize:
            raise ValueError(f"`{path}`: tensor `{name}` has {len(elements)} bytes, which do not match its shape")
        tensors[name] = np.frombuffer(elements, dtype).reshape(entry["shape"])
    return tensors
