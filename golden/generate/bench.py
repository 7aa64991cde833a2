"""Runs timed training steps of a network in PyTorch eager mode, on request.

    python bench.py SYSTEM [--width 8] [--batch 8] [--frames 12] [--threads 1] [--mode f32] [--device cpu]

`reprise bench` times its own step and this one in turns: requests are lines on stdin, answers lines on
stdout:

    ready                 printed once, after the warm-up steps
    step N                N training steps:
                          {"seconds": [...], "peak_memory_bytes": n, "base_memory_bytes": m}
    gemm                  {"gflops": x, "sizes": {"256": ...}}: the best rate of square products in f32
    quit                  ends the process, like the end of stdin

A step is forward, backward and Adam, as in the training script, on data in memory: for `cvae` with teacher
forcing and the fixed prior, for `physical_interaction` with CDNA and fed-back predictions. Modes: `f32`;
`bf16`, forward under CPU autocast; `channels_last`, f32 with the convolutions' weights and the frames in
that layout; `physical_interaction` supports only `f32`. Peak memory is the largest resident set of the
process so far, base memory that before the network was built: Python and PyTorch's libraries.
"""

import argparse
import contextlib
import json
import resource
import sys
import time

import torch

import physical_interaction_network as physical
from cvae_network import Cvae, Sizes, SkipRule, objective

MODES = ("f32", "bf16", "channels_last")
COND_DIM = 7
N_PAST = 2
BETA = 0.5
WARM_UP_STEPS = 2
GEMM_SIZES = (256, 512, 1024, 2048)
GEMM_SECONDS = 0.5  # time of repetitions per size


class CvaeStep:
    """A network, its optimizer and the batch of all steps."""

    def __init__(self, arguments):
        width = arguments.width
        sizes = Sizes(width=width, g_dim=2 * width, z_dim=width, rnn_size=4 * width)
        self.model = Cvae(sizes).train()
        self.adam = torch.optim.Adam(self.model.parameters(), lr=0.002, betas=(0.9, 0.999))
        shape = (arguments.batch, arguments.frames)
        self.x = torch.rand(*shape, 3, 64, 64)
        self.cond = torch.rand(*shape, COND_DIM) * 2 - 1
        self.noise = torch.randn(arguments.frames, arguments.batch, sizes.z_dim)
        self.autocast = contextlib.nullcontext
        if arguments.mode == "bf16":
            kind = torch.device(arguments.device).type
            self.autocast = lambda: torch.autocast(kind, torch.bfloat16)
        if arguments.mode == "channels_last":
            self.model.to(memory_format=torch.channels_last)
            frames = self.x.flatten(0, 1).contiguous(memory_format=torch.channels_last)
            self.x = frames.unflatten(0, shape)

    def take(self):
        """Takes one training step and returns its wall time in seconds."""
        start = time.perf_counter()
        self.model.zero_grad()
        with self.autocast():
            terms = objective(
                self.model, self.x, self.cond, True, SkipRule(N_PAST), lambda t, _: self.noise[t]
            )
            loss = terms.loss(BETA)
        loss.backward()
        self.adam.step()
        loss.item()  # as the script reads it
        return time.perf_counter() - start


class PhysicalInteractionStep:
    """The same for CDNA, with the sizes of action and state in our data sets."""

    def __init__(self, arguments):
        if arguments.mode != "f32":
            raise SystemExit(f"error: physical_interaction has no mode `{arguments.mode}`")
        settings = physical.Settings(width=arguments.width, actions=4, states=3)
        self.network = physical.Network(settings)
        self.adam = physical.Adam(self.network.parameters(), 0.001)
        shape = (arguments.frames, arguments.batch)
        self.images = torch.rand(*shape, 3, 64, 64).unbind(0)
        self.actions = (torch.rand(*shape, settings.actions) * 2 - 1).unbind(0)
        self.states = torch.rand(*shape, settings.states).unbind(0)

    def take(self):
        """Takes one training step and returns its wall time in seconds."""
        start = time.perf_counter()
        self.network.zero_grad()
        steps = physical.unroll(
            self.network,
            self.images,
            self.actions,
            self.states,
            N_PAST,
            lambda t, truth, generated: generated,
        )
        loss = physical.objective(steps, self.images, self.states, N_PAST)["loss"]
        loss.backward()
        self.adam.step()
        loss.item()
        return time.perf_counter() - start


STEPS = {"cvae": CvaeStep, "physical_interaction": PhysicalInteractionStep}


def gemm_gflops(n):
    """Returns the best rate of n x n products in f32, at 2 n^3 operations each."""
    a, b = torch.rand(n, n), torch.rand(n, n)
    best, end = float("inf"), time.perf_counter() + GEMM_SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        torch.mm(a, b)
        best = min(best, time.perf_counter() - start)
    return 2 * n**3 / best / 1e9


def peak_memory_bytes():
    """Returns the largest resident set of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes


def answer(request, step, base):
    """Returns the answer to a line as a table, or `None` for `quit`."""
    verb, *rest = request.split() or [""]
    if verb == "quit" and not rest:
        return None
    if verb == "step" and len(rest) == 1 and rest[0].isdigit():
        seconds = [step.take() for _ in range(int(rest[0]))]
        memory = {"peak_memory_bytes": peak_memory_bytes(), "base_memory_bytes": base}
        return {"seconds": seconds, **memory}
    if verb == "gemm" and not rest:
        rates = {str(n): gemm_gflops(n) for n in GEMM_SIZES}
        return {"gflops": max(rates.values()), "sizes": rates}
    return {"error": f"unknown request `{request.strip()}`; use step N, gemm or quit"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("system", choices=STEPS)
    parser.add_argument("--width", type=int, default=8)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--mode", choices=MODES, default="f32")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_default_device(arguments.device)
    torch.backends.cudnn.allow_tf32 = False  # f32 means f32, as in reprise
    base = peak_memory_bytes()
    torch.manual_seed(0)
    step = STEPS[arguments.system](arguments)
    for _ in range(WARM_UP_STEPS):
        step.take()
    print("ready", flush=True)
    for line in sys.stdin:
        table = answer(line, step, base)
        if table is None:
            break
        print(json.dumps(table), flush=True)


if __name__ == "__main__":
    main()
