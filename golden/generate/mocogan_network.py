"""MoCoGAN in plain PyTorch, and the losses of its three networks.

Written from the equations of Tulyakov et al. 2018 (arXiv:1707.04993) and the MP6 assignment; modules have the
names that reference cases use. Random numbers come from a source of draws, so nothing here draws any.
"""

import torch
import torch.nn.functional as F
from torch import nn


class Generator(nn.Module):
    """Latent codes content + category + motion, each turned into a frame."""

    def __init__(self, sizes):
        super().__init__()
        self.sizes = sizes
        latent = sizes.content + sizes.categories + sizes.motion
        width, side = sizes.generator_width, sizes.side
        self.recurrent = nn.GRUCell(sizes.motion, sizes.motion)

        def up(inputs, outputs):
            return nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False)

        def block(conv, channels):
            return [conv, nn.BatchNorm2d(channels), nn.ReLU(True)]

        first = nn.ConvTranspose2d(latent, width * 8, side // 16, 1, 0, bias=False)
        self.main = nn.Sequential(
            *block(first, width * 8),
            *block(up(width * 8, width * 4), width * 4),
            *block(up(width * 4, width * 2), width * 2),
            *block(up(width * 2, width), width),
            up(width, sizes.channels),
            nn.Tanh(),
        )

    def latents(self, samples, draws):
        """Codes of videos, frame by frame `[N * T, Z]`, and the category of each video."""
        sizes, frames = self.sizes, self.sizes.video_length
        content = draws.noise("z_content").repeat_interleave(frames, 0)
        parts, categories = [content], None
        if sizes.categories > 0:
            categories = draws.choice("z_categ")
            one_hot = F.one_hot(categories, sizes.categories).to(content.dtype)
            parts.append(one_hot.repeat_interleave(frames, 0))
        h, motion = draws.noise("gru_initial"), []
        for _ in range(frames):
            h = self.recurrent(draws.noise("gru_noise"), h)
            motion.append(h)
        parts.append(torch.stack(motion, 1).reshape(-1, sizes.motion))
        return torch.cat(parts, 1), categories

    def videos(self, samples, draws):
        """Videos `[N, C, T, S, S]` with their categories."""
        z, categories = self.latents(samples, draws)
        frames = self.main(z[:, :, None, None])
        shape = (samples, self.sizes.video_length, *frames.shape[1:])
        return frames.view(shape).permute(0, 2, 1, 3, 4), categories

    def images(self, samples, draws):
        """Frames `[N, C, S, S]`, some of those of 2 T videos for each."""
        z, _ = self.latents(samples * self.sizes.video_length * 2, draws)
        rows = draws.choice("frame_choice").sort().values
        return self.main(z[rows][:, :, None, None])


class Noise(nn.Module):
    """Adds noise of a standard deviation, drawn at every call; it has no parameters."""

    def __init__(self, sigma):
        super().__init__()
        self.sigma, self.draws = sigma, None

    def forward(self, x):
        return x if self.sigma is None else x + self.draws.noise("instance_noise") * self.sigma


class Discriminator(nn.Module):
    """Judges frames or videos; `blocks` 4 gives one judgement, 3 a grid of them."""

    def __init__(self, sizes, conv, norm, blocks, categories, sigma):
        super().__init__()
        self.categories = categories
        video = conv is nn.Conv3d
        halve = {"stride": (1, 2, 2), "padding": (0, 1, 1)} if video else {"stride": 2, "padding": 1}

        def layer(inputs, outputs):
            return conv(inputs, outputs, 4, bias=False, **halve)

        width = sizes.discriminator_width
        layers = [Noise(sigma), layer(sizes.channels, width), nn.LeakyReLU(0.2)]
        for _ in range(1, blocks):
            layers += [Noise(sigma), layer(width, width * 2), norm(width * 2), nn.LeakyReLU(0.2)]
            width *= 2
        if blocks == 4:
            layers.append(conv(width, 1 + categories, 4, 1, 0, bias=False))
        elif video:
            layers.append(layer(width, 1 + categories))
        else:
            layers += [Noise(sigma), layer(width, 1 + categories)]
        self.main = nn.Sequential(*layers)

    def forward(self, x, draws):
        """Judgements, and the logits of categories, if any."""
        for layer in self.main:
            if isinstance(layer, Noise):
                layer.draws = draws
        h = self.main(x).squeeze()
        if self.categories == 0:
            return h, None
        return h[:, :-self.categories], h[:, -self.categories :]


class Mocogan(nn.Module):
    """The three networks."""

    def __init__(self, sizes, image_blocks, video_blocks, categorical, sigma):
        super().__init__()
        categories = sizes.categories if categorical else 0
        self.generator = Generator(sizes)
        self.image_discriminator = Discriminator(
            sizes, nn.Conv2d, nn.BatchNorm2d, image_blocks, 0, sigma
        )
        self.video_discriminator = Discriminator(
            sizes, nn.Conv3d, nn.BatchNorm3d, video_blocks, categories, sigma
        )


def bce(logits, target):
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def discriminator_loss(discriminator, real, fake, truth, draws):
    """`BCE(D(x), 1) + BCE(D(fake), 0)`, and the cross-entropy of true categories if given."""
    of_real, category = discriminator(real, draws)
    of_fake, _ = discriminator(fake, draws)
    loss = bce(of_real, 1.0) + bce(of_fake, 0.0)
    return loss if truth is None else loss + F.cross_entropy(category, truth)


def generator_loss(model, images, videos, infogan, draws):
    """`BCE(D_I(fake), 1) + BCE(D_V(fake), 1)`, and the cross-entropy of drawn categories."""
    judged, _ = model.image_discriminator(model.generator.images(images, draws), draws)
    loss = bce(judged, 1.0)
    fake, drawn = model.generator.videos(videos, draws)
    judged, category = model.video_discriminator(fake, draws)
    loss = loss + bce(judged, 1.0)
    return loss + F.cross_entropy(category, drawn) if infogan else loss
