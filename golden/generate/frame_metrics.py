"""MSE, SSIM and PSNR of predicted frames as the lab report's `finn_eval_seq` computes them.

After Finn, Goodfellow and Levine 2016; SSIM after Wang et al. 2004. Frames are [C, H, W] with data
range 1, and everything is computed in double precision.
"""

import numpy as np

SIDE, SIGMA = 11, 1.5  # of the Gaussian window
C1, C2 = 0.01**2, 0.03**2  # (K1 L)^2 and (K2 L)^2 with data range L = 1


def mse(truth, frame):
    """Mean squared difference over channels and pixels."""
    return np.mean((truth - frame) ** 2)


def psnr(truth, frame):
    """-10 log10 of each channel's mean squared difference, mean over channels, in dB."""
    return np.mean([-10.0 * np.log10(mse(x, y)) for x, y in zip(truth, frame)])


def _window():
    offsets = np.arange(SIDE) - SIDE // 2
    weights = np.exp(-(offsets**2) / (2.0 * SIGMA**2))
    return weights / weights.sum()


def _filtered(plane):
    """The Gaussian mean around every pixel whose window is inside; the window is separable."""
    weights = _window()
    for axis in (0, 1):
        windows = np.lib.stride_tricks.sliding_window_view(plane, SIDE, axis)
        plane = windows @ weights
    return plane


def ssim(truth, frame):
    """Structural similarity: mean over positions, then over channels, with NaN as -1."""
    scores = []
    for x, y in zip(truth, frame):
        mu_x, mu_y = _filtered(x), _filtered(y)
        var_x, var_y = _filtered(x * x) - mu_x**2, _filtered(y * y) - mu_y**2
        covariance = _filtered(x * y) - mu_x * mu_y
        similarity = ((2 * mu_x * mu_y + C1) * (2 * covariance + C2)) / (
            (mu_x**2 + mu_y**2 + C1) * (var_x + var_y + C2)
        )
        score = similarity.mean()
        scores.append(-1.0 if np.isnan(score) else score)
    return np.mean(scores)


def score(truth, frames):
    """Returns `mse`, `ssim` and `psnr` as [B, N] and `psnr_mean` as [1] for [B, N, C, H, W]."""
    truth, frames = np.asarray(truth, np.float64), np.asarray(frames, np.float64)
    scores = {
        name: np.array([[of(x, y) for x, y in zip(*pair)] for pair in zip(truth, frames)])
        for name, of in [("mse", mse), ("ssim", ssim), ("psnr", psnr)]
    }
    scores["psnr_mean"] = scores["psnr"].mean(keepdims=True).reshape(1)
    return scores
