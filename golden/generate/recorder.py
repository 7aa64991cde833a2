"""Writes reference cases, format 1, for a model of your own.

A case is one computation that a port must repeat. Declare the inputs, run the original in single and in
double precision, save:

    case = Case(
        "mymodel", "train_step", "one training step on a batch of 4",
        framework="pytorch", framework_version=torch.__version__,
        repository="me/mymodel", commit="1a2b3c4", entry="train.py:step",
    )
    case.configure(lr=1e-3)
    case.parameter("linear.weight", [8, 3], uniform(-0.5, 0.5))
    case.input("x/0", [4, 3], uniform(0.0, 1.0))
    case.noise("noise/0", [4, 8], normalish(1.0))

    def step(tensors):  # names to arrays in, names to arrays out, in the precision of the arrays
        return {"loss": …, "grad/linear.weight": …}

    case.run(step)
    case.save("golden")  # golden/mymodel/train_step/{case.toml,values.safetensors}

A recipe fills inputs from their names, so they need no space and every language computes the same bits;
`case.stored` is for inputs that no recipe can fill. The difference of the runs in double and in single
precision is the noise of the case, from which tolerances are computed: record both if possible. Draw no
random number in `step`: declare it as noise.

Modules in PyTorch need no list of parameters: see `torch_tensors.declare`.
"""

import json
import math
import pathlib
import platform

import numpy as np

import fill
import reader
import tensorfile
from digest import digest

FULL_ELEMENTS_MAX = 4096  # an output with more is stored as a digest
NAMES = {np.dtype(dtype): name for name, dtype in fill.DTYPES.items()}


def uniform(lo, hi):
    """Uniform in `[lo, hi)`."""
    return {"kind": "uniform", "lo": float(lo), "hi": float(hi)}


def normalish(std):
    """Bell-shaped around 0 with this standard deviation, within 6 of it."""
    return {"kind": "normalish", "std": float(std)}


def constant(c):
    """The same number everywhere."""
    return {"kind": "constant", "c": c}


def images():
    """Uniform bytes (dtype u8)."""
    return {"kind": "bytes"}


def permutation():
    """Every index once (dtype i64)."""
    return {"kind": "permutation"}


class Case:
    """A case that is being recorded; see the module's documentation for the order of calls."""

    def __init__(
        self,
        system,
        name,
        summary,
        *,
        framework,
        framework_version,
        repository,
        entry,
        commit="unknown",
        changes=(),
        notes=(),
        threads=1,
    ):
        """`changes`: one sentence per change that was needed to run the original; `entry`: what was
        called (`file.py:function`); `notes`: what a reader should know before comparing."""
        self.system, self.name, self.summary = system, name, summary
        self.notes = list(notes)
        self.origin = {
            "framework": framework,
            "framework_version": framework_version,
            "python": platform.python_version(),
            "repository": repository,
            "commit": commit,
            "entry": entry,
            "changes": list(changes),
            "platform": f"{platform.machine()}, {platform.system()}, {threads} thread(s)",
        }
        self.config = {}
        self._tensors, self._stored = {}, {}
        self._runs, self._declared = {}, []

    def configure(self, **settings):
        """Adds settings under the original's argument names: numbers, strings, booleans, lists."""
        self.config.update(settings)

    def parameter(self, name, shape, spec, dtype="f32"):
        """Declares a tensor that the optimizer trains."""
        self._declare("parameter", name, shape, spec, dtype)

    def buffer(self, name, shape, spec, dtype="f32"):
        """Declares a tensor that the model stores and does not train."""
        self._declare("buffer", name, shape, spec, dtype)

    def input(self, name, shape, spec, dtype="f32"):
        """Declares data."""
        self._declare("input", name, shape, spec, dtype)

    def noise(self, name, shape, spec, dtype="f32"):
        """Declares a random draw of the original; declare them in the order drawn."""
        self._declare("noise", name, shape, spec, dtype)

    def choice(self, name, shape, spec, dtype="f32"):
        """Declares a random decision of the original, such as the coin of teacher forcing."""
        self._declare("choice", name, shape, spec, dtype)

    def stored(self, role, name, array):
        """Declares a tensor that no recipe can fill; it is stored in values.safetensors."""
        array = np.asarray(array)
        self._stored[f"in/{name}"] = array
        self._declare(role, name, array.shape, {"kind": "stored"}, NAMES[array.dtype])

    def _declare(self, role, name, shape, spec, dtype):
        if name in self._tensors:
            raise ValueError(f"tensor `{name}` is declared twice")
        shape = [int(n) for n in shape]
        entry = {"name": name, "role": role, "dtype": dtype, "shape": shape, "fill": spec}
        self._tensors[name] = entry

    @property
    def seed_prefix(self):
        """The prefix of a tensor's name in the fill recipe."""
        return f"{self.system}/{self.name}"

    def opened(self):
        """Returns the case as a port reads it, without outputs."""
        head = {"system": self.system, "case": self.name, "summary": self.summary}
        head.update(origin=self.origin, config=self.config, seed_prefix=self.seed_prefix)
        opened = reader.Case(None, {**head, "tensor": list(self._tensors.values())})
        opened.stored = self._stored
        return opened

    def tensors(self, precision=np.float32):
        """Returns all inputs by name, floating-point tensors in this precision."""
        opened = self.opened()
        return {name: opened.tensor(name, precision) for name in self._tensors}

    def run(self, compute, double=True):
        """Calls `compute` on the tensors in single and, if `double`, in double precision.

        `compute` returns outputs by name, in the order in which it computes them; the first
        divergent output of a report follows from this order.
        """
        self.record(np.float32, compute(self.tensors(np.float32)))
        if double:
            self.record(np.float64, compute(self.tensors(np.float64)))

    def record(self, precision, outputs):
        """Adds the outputs of a run made by other means."""
        self._runs[np.dtype(precision)] = {
            name: np.asarray(value) for name, value in outputs.items()
        }

    def output(self, name, shape, dtype="f32"):
        """Declares an output without values.

        A case with such outputs and without runs is for `golden parity`, which compares two ports with
        each other; no port can be checked against it.
        """
        shape = [int(n) for n in shape]
        kind = _kind(math.prod(shape))
        self._declared.append({"name": name, "kind": kind, "dtype": dtype, "shape": shape})

    def save(self, root):
        """Writes `root/<system>/<case>/` and returns its path."""
        single = self._runs.get(np.dtype(np.float32), {})
        double = self._runs.get(np.dtype(np.float64), {})
        if bool(single) == bool(self._declared):
            raise ValueError(f"case `{self.seed_prefix}` needs either a run in single precision or declared outputs")
        if double and list(double) != list(single):
            raise ValueError("the runs in single and in double precision have different outputs")
        entries, values = list(self._declared), dict(self._stored)
        for name, value in single.items():
            entry, stored = _output(name, value, double.get(name))
            entries.append(entry)
            values.update(stored)
        folder = pathlib.Path(root, self.system, self.name)
        folder.mkdir(parents=True, exist_ok=True)
        tensorfile.write(folder / "values.safetensors", values)
        (folder / "case.toml").write_text(self._toml(entries), encoding="utf-8")
        return folder

    def _toml(self, outputs):
        head = {"format": reader.FORMAT, "system": self.system, "case": self.name}
        head.update(summary=self.summary, seed_prefix=self.seed_prefix)
        if self.notes:
            head["notes"] = self.notes
        parts = [_table(None, head), _table("[selftest]", fill.selftest())]
        parts += [_table("[origin]", self.origin), _table("[config]", self.config)]
        parts += [_table("[[tensor]]", entry) for entry in self._tensors.values()]
        parts += [_table("[[output]]", entry) for entry in outputs]
        return "\n".join(parts)


def _kind(elements):
    return "full" if elements <= FULL_ELEMENTS_MAX else "digest"


def _output(name, single, double):
    """Returns the table `[[output]]` of an output and its stored values."""
    if single.dtype not in NAMES:
        raise TypeError(f"output `{name}` has type {single.dtype}, which cases do not support")
    kind = _kind(single.size)
    keep, folder = (np.asarray, "out") if kind == "full" else (digest, "digest")
    entry = {"name": name, "kind": kind, "dtype": NAMES[single.dtype], "shape": list(single.shape)}
    stored = {f"{folder}/{name}": keep(single)}
    if double is not None and double.dtype.kind == "f":
        if double.shape != single.shape:
            raise ValueError(f"output `{name}` has another shape in double precision")
        stored[f"{folder}64/{name}"] = keep(double.astype(np.float64))
        if single.dtype.kind == "f":
            entry["noise"] = noise(single, double)
    return entry, stored


def noise(single, double):
    """Returns max |single - double| / max |double|, rounded up to three digits."""
    difference = np.abs(single.astype(np.float64) - double).max(initial=0.0)
    scale = np.abs(double).max(initial=0.0)
    if not np.isfinite(difference) or not np.isfinite(scale):
        raise ValueError("failed to compute the noise: an output is not finite")
    ratio = float(difference / scale) if scale else float(difference)
    if ratio == 0.0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(ratio)) - 2)
    return float(f"{math.ceil(ratio / step) * step:.2e}")


def _table(header, entries):
    lines = [header] if header else []
    lines += [f"{_key(key)} = {_value(value)}" for key, value in entries.items()]
    return "\n".join(lines) + "\n"


def _key(key):
    bare = key.isascii() and key.replace("_", "a").replace("-", "a").isalnum()
    return key if bare else json.dumps(key)


def _value(value):
    """Returns a value as TOML; strings are written as in JSON, of which TOML's are a superset."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return repr(float(value))  # `inf` and `nan` are the same word in both
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    raise TypeError(f"case.toml cannot hold a {type(value).__name__}")
