"""System `physical_interaction` in PyTorch, as a port for `golden check --command`.

Supports the cases of the whole network: forward passes and training steps. Cases of single layers are
unsupported; they are about TensorFlow's own operations.
"""

import numpy as np
import torch

import port
from physical_interaction_network import (
    Adam,
    Network,
    Settings,
    from_original,
    objective,
    to_original,
    unroll,
)
from torch_tensors import array, tensor

LISTED = ("psnr", "recon_cost", "state_cost")


def run(case, precision):
    """Returns the outputs of a case by name."""
    config = case.config
    if "scope" not in config:
        raise port.Unsupported("a single layer")
    images, actions, states = sequences(case, precision)
    network = build(case, precision, images[0], actions[0], states[0])
    adam = Adam(network.parameters(), config["learning_rate"])
    steps = config.get("steps", 0)
    rows = []
    for step in range(max(steps, 1)):
        network.zero_grad()
        feed = feedback(case, precision, step)
        rolled = unroll(network, images, actions, states, config["context_frames"], feed)
        terms = objective(rolled, images, states, config["context_frames"])
        rows.append({**terms, **{f"{n}{i}": v for n in LISTED for i, v in enumerate(terms[n])}})
        if step == 0:
            first = trace(rolled)
        if steps:
            terms["loss"].backward()
            if step == 0:
                first.update(gradients(network, config["scope"]))
            adam.step()
    scalars = [name for name in rows[0] if name not in LISTED]
    stacked = {name: np.array([array(row[name]) for row in rows]) for name in scalars}
    after = {
        f"after/{config['scope']}/{name}": array(to_original(value))
        for name, value in network.value.items()
    }
    return {**stacked, **first, **after}


def sequences(case, precision):
    """Returns frames [B, 3, H, W], actions and states, each a list over time."""
    images, actions, states = (tensor(case, n, precision) for n in ("images", "actions", "states"))
    frames = images.permute(1, 0, 4, 2, 3).contiguous()
    return frames.unbind(0), actions.unbind(1), states.unbind(1)


def build(case, precision, image, action, state):
    """Returns the network with the case's sizes and values."""
    config = case.config
    settings = Settings(
        model=config["model"],
        num_masks=config["num_masks"],
        use_state=bool(config["use_state"]),
        variant=config["variant"],
        width=case.tensors[f"{config['scope']}/conv2/weights"]["shape"][3],
        height=image.shape[2],
        row=image.shape[3],
        actions=action.shape[1],
        states=state.shape[1],
    )
    network = Network(settings).to(image.dtype)
    wanted = {f"{config['scope']}/{name}" for name in network.value}
    if wanted != set(case.named("parameter")):
        raise port.Unsupported("a network with other variables")
    with torch.no_grad():
        for name, value in network.value.items():
            value.copy_(from_original(tensor(case, f"{config['scope']}/{name}", precision)))
    return network


def feedback(case, precision, step):
    """Returns the feedback after the context: predictions, or a mixture by the recorded permutations."""
    k, batch = case.config["schedsamp_k"], case.config["batch_size"]
    if k == -1:
        return lambda t, truth, generated: generated
    single = np.float32
    iteration = np.atleast_1d(case.config.get("iter_num", step))[step]
    share = single(k) / (single(k) + np.exp(single(iteration) / single(k), dtype=single))
    true_frames = int(np.round(single(batch) * share))

    def feed(t, truth, generated):
        order = case.tensor(f"shuffle/step{step}/{t - case.config['context_frames']}", precision)
        chosen = torch.zeros(batch, dtype=torch.bool)
        chosen[order.astype(np.int64)[:true_frames]] = True
        return torch.where(chosen[:, None, None, None], truth, generated)

    return feed


def last(value):
    """Channels last, as TensorFlow has them."""
    return array(value.movedim(1, -1))


def trace(rolled):
    """Returns the intermediates of the first pass."""
    outputs = {f"gen_images/{t}": last(step["image"]) for t, step in enumerate(rolled)}
    outputs.update((f"gen_states/{t}", array(step["state"])) for t, step in enumerate(rolled))
    for name, value in rolled[0].items():
        if name == "masks":
            outputs["step0/masks"] = last(value).reshape(-1, value.shape[1])
        elif name not in ("image", "state", "cells"):
            outputs[f"step0/{name}"] = last(value)
    return outputs


def gradients(network, scope):
    """Returns the gradients in the original's layouts; a missing one is zero, as in TensorFlow."""
    return {
        f"grad/{scope}/{name}": array(
            to_original(value.grad if value.grad is not None else torch.zeros_like(value))
        )
        for name, value in network.value.items()
    }


if __name__ == "__main__":
    torch.use_deterministic_algorithms(True)
    port.main(run, __doc__.splitlines()[0])
