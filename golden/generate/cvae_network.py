"""The conditional video VAE in plain PyTorch: network, training step, prediction.

The lab report's system: a VGG encoder and decoder, a Gaussian LSTM as posterior and optionally as learned
prior, and an LSTM that predicts the next code (after SVG with a learned prior, Denton and Fergus 2018).
Module names give the state_dict keys of the original, so its checkpoints load. Nothing here draws a random
number: noise is an argument. Start from `Cvae`.

Shapes: B sequences, T frames, G = g_dim, Z = z_dim, R = rnn_size, C = cond_dim; frames are
[B, 3, S, S] in [0, 1], with a side S of 64 (VGG-64) or 128 (VGG-128).

Where the report deviates from SVG, this follows the report: the predictor has a BatchNorm, and the
skip connection is updated up to and including t = n_past.
"""

import dataclasses

import torch
from torch import nn
from torch.nn import functional

LEAKY_SLOPE = 0.2


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Sizes of the modules under the original's argument names; `width` is 64 in the original."""

    side: int = 64
    width: int = 64
    g_dim: int = 128
    z_dim: int = 64
    rnn_size: int = 256
    cond_dim: int = 7
    predictor_rnn_layers: int = 2
    posterior_rnn_layers: int = 1
    prior_rnn_layers: int = 0  # 0: the prior is N(0, I)
    skip_connections: bool = True


class ConvBlock(nn.Module):
    """3x3 convolution, BatchNorm, LeakyReLU (`vgg_layer`)."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, 1, 1),
            nn.BatchNorm2d(outputs),
            nn.LeakyReLU(LEAKY_SLOPE, inplace=True),
        )

    def forward(self, x):
        return self.main(x)


def blocks(*channels):
    """A chain of convolution blocks through these numbers of channels."""
    return [ConvBlock(a, b) for a, b in zip(channels, channels[1:])]


def widths(side, width):
    """Channels of the encoder's blocks: four for frames of 64 pixels, five for 128 (`vgg_128`)."""
    return [width * min(2**k, 8) for k in range((side // 4).bit_length() - 1)]


class Encoder(nn.Module):
    """A frame to its code [B, G] and the maps that the decoder sees (`vgg_encoder`)."""

    def __init__(self, width, g_dim, side=64):
        super().__init__()
        inputs, self.count = 3, 0
        for k, outputs in enumerate(widths(side, width)):
            layers = blocks(inputs, *[outputs] * (2 if k < 2 else 3))
            self.add_module(f"c{k + 1}", nn.Sequential(*layers))
            inputs, self.count = outputs, k + 1
        code = (nn.Conv2d(inputs, g_dim, 4, 1, 0), nn.BatchNorm2d(g_dim), nn.Tanh())
        self.add_module(f"c{self.count + 1}", nn.Sequential(*code))
        self.mp = nn.MaxPool2d(2, 2)

    def forward(self, x):
        maps = []
        for k in range(self.count):
            maps.append(getattr(self, f"c{k + 1}")(self.mp(maps[-1]) if maps else x))
        code = getattr(self, f"c{self.count + 1}")(self.mp(maps[-1]))  # 4x4 to 1x1
        return code.flatten(1), maps


class Decoder(nn.Module):
    """A code [B, G] and the skip maps, if any, to a frame (`vgg_decoder`)."""

    def __init__(self, width, g_dim, side=64, joined=2):
        super().__init__()
        of_blocks = widths(side, width)
        last = of_blocks[-1]
        self.count = len(of_blocks)
        self.upc1 = nn.Sequential(
            nn.ConvTranspose2d(g_dim, last, 4, 1, 0),
            nn.BatchNorm2d(last),
            nn.LeakyReLU(LEAKY_SLOPE, inplace=True),
        )
        for k in reversed(range(self.count)):
            c = of_blocks[k]
            inner = [c] * (min(k + 1, 3) - 1)
            layers = blocks(joined * c, *inner, of_blocks[max(k - 1, 0)])
            if k == 0:
                layers += [nn.ConvTranspose2d(c, 3, 3, 1, 1), nn.Sigmoid()]
            self.add_module(f"upc{self.count + 1 - k}", nn.Sequential(*layers))
        self.up = nn.UpsamplingNearest2d(scale_factor=2)

    def forward(self, g, skip):
        d = self.upc1(g[:, :, None, None])  # 4x4
        for k in reversed(range(self.count)):
            d = self.up(d)
            if skip is not None:
                d = torch.cat([d, skip[k]], 1)
            d = getattr(self, f"upc{self.count + 1 - k}")(d)
        return d


class Recurrent(nn.Module):
    """Linear embedding and a stack of LSTM cells, the first part of both recurrent modules.

    The state is an argument and a result: one pair (h, c), each [B, R], per layer.
    """

    def __init__(self, inputs, rnn_size, layers):
        super().__init__()
        self.embed = nn.Linear(inputs, rnn_size)
        self.lstm = nn.ModuleList(nn.LSTMCell(rnn_size, rnn_size) for _ in range(layers))

    def zero_state(self, like):
        """The initial state; `like` gives batch size, type and device."""
        rnn_size = self.embed.out_features
        return [2 * (like.new_zeros(len(like), rnn_size),) for _ in self.lstm]

    def advance(self, x, state):
        """Returns the top layer's h [B, R] and the state after one step."""
        h, after = self.embed(x), []
        for cell, previous in zip(self.lstm, state):
            h, c = cell(h, previous)
            after.append((h, c))
        return h, after


class GaussianLstm(Recurrent):
    """A code to mean and log-variance of z (`gaussian_lstm`)."""

    def __init__(self, inputs, z_dim, rnn_size, layers):
        super().__init__(inputs, rnn_size, layers)
        self.mu_net = nn.Linear(rnn_size, z_dim)
        self.logvar_net = nn.Linear(rnn_size, z_dim)

    def forward(self, x, state):
        h, state = self.advance(x, state)
        return self.mu_net(h), self.logvar_net(h), state


class FramePredictor(Recurrent):
    """Condition, code and z to the next code (`lstm`)."""

    def __init__(self, inputs, outputs, rnn_size, layers):
        super().__init__(inputs, rnn_size, layers)
        self.output = nn.Sequential(
            nn.Linear(rnn_size, outputs), nn.BatchNorm1d(outputs), nn.Tanh()
        )

    def forward(self, x, state):
        h, state = self.advance(x, state)
        return self.output(h), state


class Cvae(nn.Module):
    """All modules, in the order in which the original's optimizer lists them."""

    def __init__(self, sizes):
        super().__init__()
        inputs = sizes.cond_dim + sizes.g_dim + sizes.z_dim
        self.z_dim = sizes.z_dim
        self.frame_predictor = FramePredictor(
            inputs, sizes.g_dim, sizes.rnn_size, sizes.predictor_rnn_layers
        )
        gaussian = (sizes.g_dim, sizes.z_dim, sizes.rnn_size)
        self.posterior = GaussianLstm(*gaussian, sizes.posterior_rnn_layers)
        self.prior = None
        if sizes.prior_rnn_layers:
            self.prior = GaussianLstm(*gaussian, sizes.prior_rnn_layers)
        self.encoder = Encoder(sizes.width, sizes.g_dim, sizes.side)
        joined = 2 if sizes.skip_connections else 1
        self.decoder = Decoder(sizes.width, sizes.g_dim, sizes.side, joined)


def sample(mu, logvar, epsilon):
    """Returns z = mu + exp(logvar / 2) * epsilon (`reparameterize`)."""
    return mu + torch.exp(0.5 * logvar) * epsilon


def kl_to_standard_normal(mu, logvar, batch_size):
    """KL(N(mu, exp(logvar)) || N(0, I)), summed, over the batch size (`kl_criterion`)."""
    return -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / batch_size


def kl_between(mu1, logvar1, mu2, logvar2, batch_size):
    """KL(N(mu1, exp(logvar1)) || N(mu2, exp(logvar2))), summed, over the batch size."""
    sigma1, sigma2 = (0.5 * logvar1).exp(), (0.5 * logvar2).exp()
    squared = (mu1 - mu2).pow(2)
    terms = torch.log(sigma2 / sigma1) + (logvar1.exp() + squared) / (2 * logvar2.exp()) - 0.5
    return terms.sum() / batch_size


@dataclasses.dataclass(frozen=True)
class SkipRule:
    """Which frame's maps reach the decoder: at t <= n_past the current one, then the last of those."""

    n_past: int
    last_frame_skip: bool = False  # True: always the current one
    skip_connections: bool = True

    def refreshes(self, t):
        return self.skip_connections and (self.last_frame_skip or t <= self.n_past)


@dataclasses.dataclass
class Objective:
    """The two terms of the loss, summed over time, and the outputs of all modules."""

    mse: torch.Tensor
    kld: torch.Tensor
    trace: dict

    def loss(self, beta):
        """The differentiated loss."""
        return self.mse + self.kld * beta


def objective(model, x, cond, teacher_forcing, skips, noise):
    """Runs a batch in the modules' current mode and returns the terms of the loss (`train`).

    `x` is [B, T, 3, S, S], `cond` is [B, T, C]. `noise(t, "posterior")` returns [B, Z]; with a
    learned prior `noise(t, "prior")` is drawn after it, and the sample is not used. Without
    teacher forcing only frame 0 is a true frame, and gradients flow through the whole roll-out.

    The true frame is encoded before the previous one: BatchNorm's running statistics change twice per
    step, in this order, even if both are the same frame.
    """
    x, cond = x.permute(1, 0, 2, 3, 4), cond.permute(1, 0, 2)
    batch_size = x.shape[1]
    trace = {}
    predictor = model.frame_predictor.zero_state(x[0])
    posterior = model.posterior.zero_state(x[0])
    prior = model.prior.zero_state(x[0]) if model.prior is not None else None
    mse = kld = 0
    previous, skip = x[0], None
    for t in range(1, len(x)):
        h_target, _ = model.encoder(x[t])
        mu, logvar, posterior = model.posterior(h_target, posterior)
        z = sample(mu, logvar, noise(t, "posterior"))
        h, maps = model.encoder(previous)
        if skips.refreshes(t):
            skip = maps
        if prior is not None:
            mu_prior, logvar_prior, prior = model.prior(h, prior)
            unused = sample(mu_prior, logvar_prior, noise(t, "prior"))
            trace[f"prior/z/{t}"] = unused
            trace[f"prior/mu/{t}"], trace[f"prior/logvar/{t}"] = mu_prior, logvar_prior
        g, predictor = model.frame_predictor(torch.cat([cond[t - 1], h, z], 1), predictor)
        prediction = model.decoder(g, skip)
        previous = x[t] if teacher_forcing else prediction

        mse = mse + functional.mse_loss(x[t], prediction)
        if prior is None:
            kld = kld + kl_to_standard_normal(mu, logvar, batch_size)
        else:
            kld = kld + kl_between(mu, logvar, mu_prior, logvar_prior, batch_size)
        trace[f"h/{2 * t - 1}"], trace[f"h/{2 * t}"] = h_target, h  # in the order of the calls
        trace[f"posterior/z/{t}"] = z
        trace[f"posterior/mu/{t}"], trace[f"posterior/logvar/{t}"] = mu, logvar
        trace[f"g/{t}"], trace[f"prediction/{t}"] = g, prediction
    return Objective(mse, kld, trace)


@torch.no_grad()
def predict(model, x, cond, source, skips, noise):
    """Rolls the model out in evaluation mode and returns T frames [B, 3, S, S] (`pred`).

    True frames are fed, and returned, up to n_past; predictions there are computed to advance the
    states, and discarded. `source` is the source of z: `fixed` (N(0, I)), `prior` or `posterior`,
    which reads the current input frame. `noise(t)` is [B, Z].
    """
    model.eval()
    x, cond = x.permute(1, 0, 2, 3, 4), cond.permute(1, 0, 2)
    predictor = model.frame_predictor.zero_state(x[0])
    gaussian = {"fixed": None, "prior": model.prior, "posterior": model.posterior}[source]
    state = gaussian.zero_state(x[0]) if gaussian is not None else None
    x_t, skip = x[0], None
    frames = [x_t]
    for t in range(1, len(cond)):
        h, maps = model.encoder(x_t)
        if skips.refreshes(t):
            skip = maps
        if gaussian is None:
            z = noise(t)
        else:
            mu, logvar, state = gaussian(h, state)
            z = sample(mu, logvar, noise(t))
        g, predictor = model.frame_predictor(torch.cat([cond[t - 1], h, z], 1), predictor)
        prediction = model.decoder(g, skip)
        x_t = x[t] if t < skips.n_past else prediction
        frames.append(x_t)
    return frames
