"""The fill recipe of reference cases, format 1, in vectorised NumPy.

The inputs of a case are not stored: every language computes them with the same bits from the tensor's
name. This module is that recipe; start from `fill`. `selftest` gives the two draws by which a reader
first checks its own recipe.

Integers are unsigned, of 64 bits, and wrap; everything else is IEEE double precision, rounded to
single precision once at the end.
"""

import numpy as np

GOLDEN_GAMMA = 0x9E3779B97F4A7C15  # odd step of the counter (SplitMix64, Steele et al. 2014)
MASK = (1 << 64) - 1
CHUNK = 1 << 20  # elements filled at a time, to limit temporary memory
SELFTEST_NAME = "selftest/x"


def fnv1a64(data):
    """Returns the 64-bit FNV-1a hash of `data`."""
    h = 0xCBF29CE484222325
    for byte in data:
        h = (h ^ byte) * 0x100000001B3 & MASK
    return h


def mix(z):
    """Scrambles every element of a `uint64` array (the finalizer of SplitMix64)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def unit(name, start, stop):
    """Returns draws `start` to `stop - 1` of `name`: doubles in [0, 1), multiples of 2^-24."""
    counters = np.arange(start + 1, stop + 1, dtype=np.uint64)
    state = np.uint64(fnv1a64(name.encode())) + counters * np.uint64(GOLDEN_GAMMA)
    return (mix(state) >> np.uint64(40)).astype(np.float64) * 2.0**-24


def _chunks(n):
    return ((start, min(start + CHUNK, n)) for start in range(0, n, CHUNK))


def uniform(name, n, lo, hi):
    """Uniform in `[lo, hi)`."""
    values = np.empty(n, np.float32)
    for start, stop in _chunks(n):
        values[start:stop] = lo + (hi - lo) * unit(name, start, stop)
    return values


def normalish(name, n, std):
    """Bell-shaped around 0: an element is a sum of twelve draws, which is exact."""
    values = np.empty(n, np.float32)
    for start, stop in _chunks(n):
        draws = unit(name, 12 * start, 12 * stop).reshape(-1, 12)
        values[start:stop] = std * (draws.sum(axis=1) - 6.0)
    return values


def byte(name, n):
    """Uniform bytes."""
    return np.floor(256.0 * unit(name, 0, n)).astype(np.uint8)


def permutation(name, n):
    """Every index below `n` once, sorted by draw and among equal draws by index."""
    return np.argsort(unit(name, 0, n), kind="stable").astype(np.int64)


DTYPES = {"f32": np.float32, "f64": np.float64, "i64": np.int64, "u8": np.uint8}


def fill(name, shape, dtype, spec):
    """Returns the tensor that `spec`, the table `fill` of a case's tensor, describes.

    `name` is `<seed_prefix>/<tensor name>`; `dtype` is f32, f64, i64 or u8. Floating-point values are
    rounded to single precision in either type. `stored` is an error: it has no recipe.
    """
    keys = dict(spec)
    kind = keys.pop("kind")
    wanted = {
        "uniform": {"lo", "hi"},
        "normalish": {"std"},
        "constant": {"c"},
        "bytes": set(),
        "permutation": set(),
    }
    if kind not in wanted:
        raise ValueError(f"tensor `{name}`: no recipe for fill `{kind}`")
    if set(keys) != wanted[kind]:
        raise ValueError(f"tensor `{name}`: `{kind}` needs exactly the keys {sorted(wanted[kind])}")
    n = int(np.prod(shape, dtype=np.int64))
    if kind == "uniform":
        values = uniform(name, n, float(keys["lo"]), float(keys["hi"]))
    elif kind == "normalish":
        values = normalish(name, n, float(keys["std"]))
    elif kind == "constant":
        single = dtype in ("f32", "f64")
        values = np.full(n, np.float32(keys["c"]) if single else int(keys["c"]))
    elif kind == "bytes":
        values = byte(name, n)
    else:
        values = permutation(name, n)
    return values.astype(DTYPES[dtype]).reshape(shape)


def selftest():
    """Returns the table `[selftest]` of a case."""
    first, second = unit(SELFTEST_NAME, 0, 2)
    return {"name": SELFTEST_NAME, "unit_0": float(first), "unit_1": float(second)}


def check_selftest(stated):
    """Raises `ValueError` unless this recipe gives the draws in the table `[selftest]` of a case."""
    drawn = [float(x) for x in unit(stated["name"], 0, 2)]
    if drawn != [stated["unit_0"], stated["unit_1"]]:
        raise ValueError(f"the self-test of the fill recipe failed: {drawn}, expected {stated}")
