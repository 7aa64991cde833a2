"""The conditional video VAE in plain PyTorch: network, training step, prediction.

The lab report's system: a VGG encoder and decoder, a Gaussian LSTM as posterior and optionally as learned
prior, and an LSTM that predicts the next code (after SVG with a learned prior, Denton and Fergus 2018).
Module names give the state_dict keys of the original, so its checkpoints load. Nothing here draws a random
number: noise is an argument. Start from `Cvae`.

Shapes: B sequences, T frames, G = g_dim, Z = z_dim, R = rnn_size, C = cond_dim; frames are
[B, 3, 64, 64] in [0, 1].

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

    width: int = 64
    g_dim: int = 128
    z_dim: int = 64
    rnn_size: int = 256
    cond_dim: int = 7
    predictor_rnn_layers: int = 2
    posterior_rnn_layers: int = 1
    prior_rnn_layers: int = 0  # 0: the prior is N(0, I)


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


class Encoder(nn.Module):
    """A frame to its code [B, G] and the four maps that the decoder sees (`vgg_encoder`)."""

    def __init__(self, width, g_dim):
        super().__init__()
        a, b, c, d = width, 2 * width, 4 * width, 8 * width
        self.c1 = nn.Sequential(*blocks(3, a, a))
        self.c2 = nn.Sequential(*blocks(a, b, b))
        self.c3 = nn.Sequential(*blocks(b, c, c, c))
        self.c4 = nn.Sequential(*blocks(c, d, d, d))
        self.c5 = nn.Sequential(nn.Conv2d(d, g_dim, 4, 1, 0), nn.BatchNorm2d(g_dim), nn.Tanh())
        self.mp = nn.MaxPool2d(2, 2)

    def forward(self, x):
        h1 = self.c1(x)  # 64x64
        h2 = self.c2(self.mp(h1))  # 32x32
        h3 = self.c3(self.mp(h2))  # 16x16
        h4 = self.c4(self.mp(h3))  # 8x8
        h5 = self.c5(self.mp(h4))  # 4x4 to 1x1
        return h5.flatten(1), [h1, h2, h3, h4]


class Decoder(nn.Module):
    """A code [B, G] and the skip maps to a frame (`vgg_decoder`)."""

    def __init__(self, width, g_dim):
        super().__init__()
        a, b, c, d = width, 2 * width, 4 * width, 8 * width
        self.upc1 = nn.Sequential(
            nn.ConvTranspose2d(g_dim, d, 4, 1, 0),
            nn.BatchNorm2d(d),
            nn.LeakyReLU(LEAKY_SLOPE, inplace=True),
        )
        self.upc2 = nn.Sequential(*blocks(2 * d, d, d, c))
        self.upc3 = nn.Sequential(*blocks(2 * c, c, c, b))
        self.upc4 = nn.Sequential(*blocks(2 * b, b, a))
        self.upc5 = nn.Sequential(
            *blocks(2 * a, a), nn.ConvTranspose2d(a, 3, 3, 1, 1), nn.Sigmoid()
        )
        self.up = nn.UpsamplingNearest2d(scale_factor=2)

    def forward(self, g, skip):
        h1, h2, h3, h4 = skip
        d1 = self.upc1(g[:, :, None, None])  # 4x4
        d2 = self.upc2(torch.cat([self.up(d1), h4], 1))  # 8x8
        d3 = self.upc3(torch.cat([self.up(d2), h3], 1))  # 16x16
        d4 = self.upc4(torch.cat([self.up(d3), h2], 1))  # 32x32
        return self.upc5(torch.cat([self.up(d4), h1], 1))  # 64x64


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
        self.encoder = Encoder(sizes.width, sizes.g_dim)
        self.decoder = Decoder(sizes.width, sizes.g_dim)


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

    def refreshes(self, t):
        return self.last_frame_skip or t <= self.n_past


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

    `x` is [B, T, 3, 64, 64], `cond` is [B, T, C]. `noise(t, "posterior")` returns [B, Z]; with a
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
    """Rolls the model out in evaluation mode and returns T frames [B, 3, 64, 64] (`pred`).

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
