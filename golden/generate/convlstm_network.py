"""The sequence-to-sequence ConvLSTM autoencoder in plain PyTorch: network and training objective.

The tutorial's system: two ConvLSTM cells read the context, two more predict by feeding the top hidden
state back, one convolution turns hidden states into frames. Module names give the state_dict keys of the
original. Start from `ConvLstmAutoencoder`.

Shapes: B sequences, T given and N predicted frames, F = nf channels of a hidden state.
"""

import torch
from torch import nn
from torch.nn import functional


class ConvLstmCell(nn.Module):
    """One convolution of x and h gives all gates, in the order i, f, o, g; no peepholes."""

    def __init__(self, inputs, hidden, kernel_size=(3, 3), bias=True):
        super().__init__()
        self.hidden = hidden
        padding = (kernel_size[0] // 2, kernel_size[1] // 2)
        self.conv = nn.Conv2d(inputs + hidden, 4 * hidden, kernel_size, padding=padding, bias=bias)

    def zero_state(self, x):
        """h and c `[B, F, H, W]` for inputs like `x`."""
        shape = (x.shape[0], self.hidden, *x.shape[-2:])
        return x.new_zeros(shape), x.new_zeros(shape)

    def forward(self, x, state):
        h, c = state
        i, f, o, g = torch.split(self.conv(torch.cat([x, h], 1)), self.hidden, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class ConvLstmAutoencoder(nn.Module):
    """Frames [B, T, C, H, W] to predicted frames [B, 1, N, H, W] in (0, 1)."""

    CELLS = tuple(f"{side}_{n}_convlstm" for side in ("encoder", "decoder") for n in (1, 2))

    def __init__(self, hidden, channels=1):
        super().__init__()
        for name in self.CELLS:
            inputs = channels if name == self.CELLS[0] else hidden
            self.add_module(name, ConvLstmCell(inputs, hidden))
        self.decoder_CNN = nn.Conv3d(hidden, 1, (1, 3, 3), padding=(0, 1, 1))

    def forward(self, x, horizon):
        """Returns the prediction and the last state of every cell by its name."""
        states = {name: getattr(self, name).zero_state(x[:, 0]) for name in self.CELLS}

        def advance(side, v):
            for name in self.CELLS:
                if name.startswith(side):
                    states[name] = getattr(self, name)(v, states[name])
                    v = states[name][0]
            return v

        for t in range(x.shape[1]):
            v = advance("encoder", x[:, t])
        rolled = []
        for _ in range(horizon):
            v = advance("decoder", v)
            rolled.append(v)
        return torch.sigmoid(self.decoder_CNN(torch.stack(rolled, 2))), states


class Lightning(nn.Module):
    """The module that the original trains, for the prefix `model.` of its names."""

    def __init__(self, hidden):
        super().__init__()
        self.model = ConvLstmAutoencoder(hidden)

    def objective(self, batch, n_past, n_ahead):
        """The prediction without axes of length 1, and its mean squared error.

        `batch` is [B, T, H, W, 1], as the data set gives it.
        """
        frames = batch.permute(0, 1, 4, 2, 3)
        y = frames[:, n_past : n_past + n_ahead].squeeze()
        y_hat = self.model(frames[:, :n_past], n_ahead)[0].squeeze()
        return y_hat, functional.mse_loss(y_hat, y)
