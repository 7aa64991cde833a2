"""Runs the training cases of system `mocogan` with the networks in plain PyTorch.

    REPRISE_PRECISION=f32|f64 python mocogan.py CASE_FOLDER OUTPUT_FILE

An external port: live parity compares its outputs with our port's, bit for bit. The settings and
tensors of a case decide what is computed, never its name.
"""

import sys
from dataclasses import dataclass

import numpy as np
import torch

import port
from mocogan_network import Mocogan, discriminator_loss, generator_loss
from torch_tensors import after, array, tensor

NETWORKS = ("image_discriminator", "video_discriminator", "generator")
LOSSES = {"image_discriminator": "l_image_dis", "video_discriminator": "l_video_dis", "generator": "l_gen"}
BLOCKS = {
    "ImageDiscriminator": 4,
    "PatchImageDiscriminator": 3,
    "VideoDiscriminator": 4,
    "PatchVideoDiscriminator": 3,
    "CategoricalVideoDiscriminator": 4,
}


@dataclass
class Sizes:
    video_length: int
    side: int
    channels: int
    content: int
    categories: int
    motion: int
    generator_width: int
    discriminator_width: int


class Draws:
    """Noise and choices in the order in which the original drew them: `draw/<n>/<what>`."""

    def __init__(self, case, precision):
        self.case, self.precision, self.taken = case, precision, 0

    def next(self, what):
        name = f"draw/{self.taken:04}/{what}"
        self.taken += 1
        if name not in self.case.tensors:
            raise port.Unsupported(f"a case without the draw `{name}`")
        return tensor(self.case, name, self.precision)

    noise = choice = next


def build(case, precision):
    """Returns the networks with the case's sizes and values."""
    config = case.config
    shape = case.tensors["generator.main.0.weight"]["shape"]
    sizes = Sizes(
        video_length=config["video_length"],
        side=shape[2] * 16,
        channels=config["n_channels"],
        content=config["dim_z_content"],
        categories=config["dim_z_category"],
        motion=config["dim_z_motion"],
        generator_width=config["ngf"],
        discriminator_width=config["ndf"],
    )
    kinds = config["image_discriminator"], config["video_discriminator"]
    sigma = config["noise_sigma"] if config["use_noise"] else None
    categorical = kinds[1].startswith("Categorical")
    model = Mocogan(sizes, BLOCKS[kinds[0]], BLOCKS[kinds[1]], categorical, sigma)
    names = case.named("parameter") + case.named("buffer")
    values = {name: tensor(case, name, precision) for name in names}
    # The cases omit PyTorch's counters of batches.
    counted = {n: b for n, b in model.state_dict().items() if n.endswith("num_batches_tracked")}
    model.to(next(iter(values.values())).dtype)
    model.load_state_dict({**counted, **values}, strict=True)
    return model.train()


def run(case, precision):
    """Iterations of training: losses of each, first gradients, and the state after the last."""
    if "train_batches" not in case.config:
        raise port.Unsupported("a case without training")
    config, model, draws = case.config, build(case, precision), Draws(case, precision)
    adams = {
        name: torch.optim.Adam(
            getattr(model, name).parameters(),
            lr=config["lr"],
            betas=config["betas"],
            eps=config["adam_eps"],
            weight_decay=config["weight_decay"],
        )
        for name in NETWORKS
    }
    losses, gradients = {name: [] for name in NETWORKS}, {}
    for iteration in range(config["train_batches"]):
        real = f"real/{iteration}"
        images, videos = (tensor(case, f"{real}/{it}", precision) for it in ("images", "videos"))
        truth = None
        if config["use_categories"]:
            truth = tensor(case, f"{real}/categories", precision).squeeze(1)
        for name in NETWORKS:
            model.zero_grad()
            if name == "image_discriminator":
                with torch.no_grad():
                    fake = model.generator.images(len(images), draws)
                loss = discriminator_loss(model.image_discriminator, images, fake, None, draws)
            elif name == "video_discriminator":
                with torch.no_grad():
                    fake, _ = model.generator.videos(len(videos), draws)
                loss = discriminator_loss(model.video_discriminator, videos, fake, truth, draws)
            else:
                loss = generator_loss(model, len(images), len(videos), config["use_infogan"], draws)
            loss.backward()
            losses[name].append(array(loss))
            if iteration == 0:
                for key, parameter in getattr(model, name).named_parameters():
                    gradients[f"grad/{name}.{key}"] = array(parameter.grad).copy()
            adams[name].step()
    outputs = {LOSSES[name]: np.array(values) for name, values in losses.items()}
    return {**outputs, **gradients, **after(model)}


if __name__ == "__main__":
    torch.manual_seed(0)  # initial values that the case overwrites; nothing else draws
    sys.exit(port.main(run, __doc__.splitlines()[0]))
