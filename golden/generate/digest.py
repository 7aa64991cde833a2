"""Digests: the summary that a case stores of a large output."""

import numpy as np

SAMPLES = 64


def digest(values):
    """Returns mean, population standard deviation, l2 norm, largest absolute value, 64 elements.

    Everything is computed in double precision over the elements in row-major order; the elements
    are those at positions floor(k * n / 64), which repeat if there are fewer than 64.
    """
    flat = np.asarray(values, np.float64).ravel()
    positions = np.arange(SAMPLES) * flat.size // SAMPLES
    statistics = [flat.mean(), flat.std(), np.sqrt(np.sum(flat * flat)), np.abs(flat).max()]
    return np.concatenate([statistics, flat[positions]])
