"""KL weight and teacher-forcing ratio by epoch, as in the lab report's training script."""


def kl_weights(niter, cycles, ratio, beta=1.0):
    """Returns the KL weight of every epoch: `cycles` ramps from 0 to `beta` (`kl_annealing`).

    A ramp takes the first `ratio` of its cycle and accumulates its steps, with rounding; it ends when it
    reaches 1, for any `beta`. The report's monotonic schedule is one cycle with ratio 1/4.
    """
    table = [beta] * niter
    period = niter / cycles
    step = beta / (period * ratio)
    for cycle in range(cycles):
        weight, j = 0.0, 0
        while weight < 1.0 and j < period * ratio:
            table[int(j + cycle * period)] = weight
            weight += step
            j += 1
    return table


def teacher_forcing_ratios(niter, tfr, start, lower):
    """Returns the ratio of every epoch: it is updated at an epoch's end, from epoch `start` on.

    The slope depends on the initial ratio; the intercept is always 1.
    """
    table, ratio = [], tfr
    for epoch in range(niter):
        table.append(ratio)
        if epoch >= start:
            slope = (lower - tfr) / (niter - start)
            ratio = max(slope * (epoch - start) + 1.0, lower)
    return table
