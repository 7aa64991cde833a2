"""Writes the cases of live parity of system `convlstm`.

    python parity_cases_convlstm.py ROOT [--width 8] [--steps 100] [--batch 2] [--case GLOB]

For every kind of training step two cases are written below `ROOT/convlstm/`: one step, with the
prediction and every gradient, and `--steps` steps, with the losses before each and after the last and
every parameter after the last. They have no stored outputs (as those of `parity_cases.py`).

The kinds are a batch of several sequences, a batch of one, whose axis the original's `squeeze` removes,
a horizon longer than the context, and a horizon of one frame.
"""

import argparse
import fnmatch

import torch

from convlstm_network import Lightning
from recorder import Case, uniform
from torch_tensors import declare

SIDE = 32
LEARNING_RATE, BETAS, EPSILON = 1e-4, (0.9, 0.98), 1e-8

# Name: sequences per batch (0: `--batch`), context frames, predicted frames.
KINDS = {
    "train_batch": (0, 4, 3),
    "train_batch_of_one": (1, 4, 3),
    "train_long_horizon": (0, 2, 5),
    "train_single_frame": (0, 3, 1),
}


def prepare(kind, width, steps, batch_size):
    """Declares a case: the network's values, the batch of every step, and the outputs."""
    own, n_past, n_ahead = KINDS[kind]
    batch_size = own or batch_size
    case = Case(
        "convlstm",
        f"{kind}_w{width}_s{steps}",
        f"live parity: {steps} training step(s) with {width} channels, {kind}",
        framework="pytorch",
        framework_version=torch.__version__,
        repository="golden/generate of this repository",
        entry="convlstm.py:run_training",
    )
    case.configure(lr=LEARNING_RATE, beta_1=BETAS[0], beta_2=BETAS[1], adam_eps=EPSILON)
    case.configure(batch_size=batch_size, n_steps_past=n_past, n_steps_ahead=n_ahead, steps=steps)
    case.configure(n_hidden_dim=width, in_chan=1, height=SIDE, width=SIDE)
    lightning = Lightning(width)
    declare(case, lightning)
    for step in range(steps + 1):  # the last is for the loss only
        shape = [batch_size, n_past + n_ahead, SIDE, SIDE, 1]
        case.input(f"batch/{step}", shape, uniform(0.0, 1.0))
    if steps == 1:
        prediction = [extent for extent in (batch_size, n_ahead) if extent > 1]
        case.output("y_hat", [*prediction, SIDE, SIDE])
        for name, parameter in lightning.named_parameters():
            case.output(f"grad/{name}", parameter.shape)
    case.output("losses", [steps + 1])
    for name, value in lightning.state_dict().items():
        case.output(f"after/{name}", value.shape)
    return case


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", help="folder to write the cases to")
    parser.add_argument("--width", type=int, default=8)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--case", default="*", help="only kinds whose name matches")
    arguments = parser.parse_args()
    for kind in KINDS:
        if fnmatch.fnmatch(kind, arguments.case):
            for steps in sorted({1, arguments.steps}):
                print(prepare(kind, arguments.width, steps, arguments.batch).save(arguments.root))


if __name__ == "__main__":
    main()
