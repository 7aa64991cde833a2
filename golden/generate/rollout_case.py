"""Writes a case of live parity: the roll-out of exported weights.

    python rollout_case.py ROOT WEIGHTS.safetensors [--batch 4] [--horizon 10]

`WEIGHTS.safetensors` is written by `reprise export RUN` for a run of system `cvae`. Its tensors become
the case's; their shapes give the sizes of the network; the recipe fills frames and noise. `golden parity`
then compares the predictions of our model with those of the original's modules in PyTorch, loaded with
`load_state_dict(strict=True)`.
"""

import argparse
import re

import torch

import tensorfile
from cvae_network import Cvae, Sizes
from recorder import Case, normalish, uniform

N_PAST = 2


def layers(state, module):
    """Counts the LSTM layers of a module."""
    found = {match[1] for name in state if (match := re.match(rf"{module}\.lstm\.(\d+)\.", name))}
    return len(found)


def sizes_of(state):
    """Returns the sizes of the network with these tensors."""
    width = state["encoder.c1.0.main.0.weight"].shape[0]
    rnn_size, inputs = state["frame_predictor.embed.weight"].shape
    z_dim = state["posterior.mu_net.weight"].shape[0]
    g_dim = state["posterior.embed.weight"].shape[1]
    return Sizes(
        width=width,
        g_dim=g_dim,
        z_dim=z_dim,
        rnn_size=rnn_size,
        cond_dim=inputs - g_dim - z_dim,
        predictor_rnn_layers=layers(state, "frame_predictor"),
        posterior_rnn_layers=layers(state, "posterior"),
        prior_rnn_layers=layers(state, "prior"),
    )


def prepare(state, batch_size, horizon):
    """Declares the case: the exported values, frames, conditions and noise."""
    sizes = sizes_of(state)
    case = Case(
        "cvae",
        "rollout_of_exported_weights",
        "live parity: the roll-out of a trained checkpoint",
        framework="pytorch",
        framework_version=torch.__version__,
        repository="golden/generate of this repository",
        entry="cvae.py:run_prediction",
    )
    learned = sizes.prior_rnn_layers > 0
    settings = {name: getattr(sizes, name) for name in Sizes.__dataclass_fields__}
    if not learned:
        del settings["prior_rnn_layers"]
    case.configure(batch_size=batch_size, n_past=N_PAST, n_future=horizon, **settings)
    case.configure(last_frame_skip=False, lr=0.002, beta1=0.9, warm_steps=0)
    case.configure(mode="learned" if learned else "fixed")
    trained = {name for name, _ in Cvae(sizes).named_parameters()}
    for name, value in state.items():
        case.stored("parameter" if name in trained else "buffer", name, value)
    frames = N_PAST + horizon
    case.input("x", [batch_size, frames, 3, 64, 64], uniform(0.0, 1.0))
    case.input("cond", [batch_size, frames, sizes.cond_dim], uniform(-1.0, 1.0))
    for t in range(1, frames):
        case.noise(f"noise/{t}", [batch_size, sizes.z_dim], normalish(1.0))
    for t in range(frames):
        case.output(f"prediction/{t}", [batch_size, 3, 64, 64])
    return case


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", help="folder to write the case to")
    parser.add_argument("weights", help="the exported safetensors file")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--horizon", type=int, default=10)
    arguments = parser.parse_args()
    state = tensorfile.read(arguments.weights)
    print(prepare(state, arguments.batch, arguments.horizon).save(arguments.root))


if __name__ == "__main__":
    main()
