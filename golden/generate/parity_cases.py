"""Writes the cases of live parity, which our port and the network in PyTorch both run.

    python parity_cases.py ROOT [--width 8] [--steps 100] [--batch 4] [--case GLOB]

For every kind of training step of system `cvae` two cases are written below `ROOT/cvae/`: one step,
with every gradient and every module's output, and `--steps` steps, with the losses of each and every
parameter and buffer after the last. They have no stored outputs: `golden parity` runs our port and
`cvae.py` on them, on one machine with the same number of threads, and compares bits.

The kinds are ten training steps (prior fixed or learned, teacher forcing or not, skip from the last true
frame or from the last frame; without skip connections; 128x128 frames) and the five trajectories of the lab report: monotonic and
cyclical KL annealing, learned prior, and without teacher forcing, constant KL weight or none.
"""

import argparse
import dataclasses
import fnmatch
import itertools

import torch

from cvae_network import Cvae, Sizes
from cvae_schedules import kl_weights, teacher_forcing_ratios
from recorder import Case, normalish, uniform
from torch_tensors import declare

N_PAST, N_FUTURE = 2, 3
FRAMES = N_PAST + N_FUTURE
COND_DIM = 7
EPOCHS_MAX = 20  # of a trajectory; the steps are distributed evenly over its epochs


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of training step; `beta` and `tfr` map a number of steps to a table by step."""

    name: str
    learned_prior: bool = False
    last_frame_skip: bool = False
    skip_connections: bool = True
    side: int = 64
    beta: object = None
    tfr: object = None


def constant(value):
    return lambda steps: [value] * steps


def by_epoch(table):
    """Turns `table(niter)`, a value by epoch, into a value by step."""

    def by_step(steps):
        niter = min(steps, EPOCHS_MAX)
        values = table(niter)
        return [values[step * niter // steps] for step in range(steps)]

    return by_step


def kinds():
    """Returns the ten training steps and the five trajectories."""
    priors, feedbacks, skips = ("fixed", "learned"), ("tf", "notf"), ("gtskip", "lastframeskip")
    for prior, feedback, skip in itertools.product(priors, feedbacks, skips):
        yield Kind(
            f"train_step_{prior}_{feedback}_{skip}",
            learned_prior=prior == "learned",
            last_frame_skip=skip == "lastframeskip",
            beta=constant(0.5),
            tfr=constant(1.0 if feedback == "tf" else 0.0),
        )
    step = {"beta": constant(0.5), "tfr": constant(1.0)}
    yield Kind("train_step_no_skip", skip_connections=False, **step)
    yield Kind("train_step_128", side=128, **step)
    monotonic = by_epoch(lambda niter: kl_weights(niter, 1, 0.25))
    cyclical = by_epoch(lambda niter: kl_weights(niter, min(4, niter), 0.5))
    decaying = by_epoch(lambda niter: teacher_forcing_ratios(niter, 1.0, niter // 5, 0.0))
    off = constant(0.0)
    yield Kind("trajectory_monotonic", beta=monotonic, tfr=decaying)
    yield Kind("trajectory_cyclical", beta=cyclical, tfr=decaying)
    yield Kind("trajectory_learned", learned_prior=True, beta=monotonic, tfr=decaying)
    yield Kind("trajectory_notf_constkl", beta=constant(1.0), tfr=off)
    yield Kind("trajectory_notf_nokl", beta=off, tfr=off)


def sizes(kind, width):
    """The original's sizes at width 64, an eighth of them at width 8."""
    return Sizes(
        side=kind.side,
        skip_connections=kind.skip_connections,
        width=width,
        g_dim=2 * width,
        z_dim=width,
        rnn_size=4 * width,
        cond_dim=COND_DIM,
        prior_rnn_layers=1 if kind.learned_prior else 0,
    )


def prepare(kind, width, steps, batch_size):
    """Declares a case: the network's values, the data and noise of every step, the coins."""
    case = Case(
        "cvae",
        f"{kind.name}_w{width}_s{steps}",
        f"live parity: {steps} training step(s) at width {width}, {kind.name}",
        framework="pytorch",
        framework_version=torch.__version__,
        repository="golden/generate of this repository",
        entry="cvae.py:run_training",
    )
    betas, ratios = kind.beta(steps), kind.tfr(steps)
    network = sizes(kind, width)
    settings = dataclasses.asdict(network)
    if not kind.learned_prior:
        del settings["prior_rnn_layers"]
    case.configure(lr=0.002, beta1=0.9, optimizer="adam", adam_beta2=0.999, adam_eps=1e-8)
    case.configure(batch_size=batch_size, n_past=N_PAST, n_future=N_FUTURE, **settings)
    case.configure(last_frame_skip=kind.last_frame_skip, learned_prior=kind.learned_prior)
    case.configure(steps=steps, kl_anneal_idx_at_start=0, beta_per_step=betas, tfr_per_step=ratios)
    declare(case, Cvae(network))
    for step in range(steps):
        case.input(f"x/{step}", [batch_size, FRAMES, 3, kind.side, kind.side], uniform(0.0, 1.0))
        case.input(f"cond/{step}", [batch_size, FRAMES, COND_DIM], uniform(-1.0, 1.0))
        for t in range(1, FRAMES):
            for purpose in ("posterior", "prior")[: 1 + kind.learned_prior]:
                shape = [batch_size, network.z_dim]
                case.noise(f"noise/{step}/{t}/{purpose}", shape, normalish(1.0))
    case.choice("coin", [steps], uniform(0.0, 1.0))
    return case


def declare_outputs(case, kind, width, steps, batch_size):
    """Declares the outputs: everything of one step, or losses and final values of many."""
    network = sizes(kind, width)
    code, z = [batch_size, network.g_dim], [batch_size, network.z_dim]
    model = Cvae(network)
    for name in ("loss", "mse", "kld"):
        case.output(name, [steps])
    if steps == 1:
        for t in range(1, FRAMES):
            gaussians = {2 * t - 1: "posterior", 2 * t: "prior"}
            for call, gaussian in gaussians.items():
                case.output(f"h/{call}", code)
                if gaussian == "posterior" or kind.learned_prior:
                    for value in ("z", "mu", "logvar"):
                        case.output(f"{gaussian}/{value}/{t}", z)
            case.output(f"g/{t}", code)
            case.output(f"prediction/{t}", [batch_size, 3, kind.side, kind.side])
        for name, parameter in model.named_parameters():
            case.output(f"grad/{name}", parameter.shape)
    for name, value in model.state_dict().items():
        case.output(f"after/{name}", value.shape, "i64" if value.dtype == torch.int64 else "f32")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", help="folder to write the cases to")
    parser.add_argument("--width", type=int, default=8)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--case", default="*", help="only kinds whose name matches")
    arguments = parser.parse_args()
    for kind in kinds():
        if fnmatch.fnmatch(kind.name, arguments.case):
            for steps in sorted({1, arguments.steps}):
                case = prepare(kind, arguments.width, steps, arguments.batch)
                declare_outputs(case, kind, arguments.width, steps, arguments.batch)
                print(case.save(arguments.root))


if __name__ == "__main__":
    main()
