"""Physical interaction (CDNA, DNA, STP) in plain PyTorch, with the TensorFlow original's numerics.

The system of tensorflow/models `video_prediction` (Finn, Goodfellow and Levine 2016): seven convolutional
LSTMs between convolutions, a motion predicted from the smallest feature map, and masks that merge the
moved frames. Parameters have the original's variable names, without the scope; their layouts are
PyTorch's, `from_original` and `to_original` translate. Nothing here draws a random number. Start from
`Network`.

Shapes: B sequences, T frames, M = num_masks; frames are [B, 3, H, W] in [0, 1].
"""

import dataclasses
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

KERNEL = 5  # DNA_KERN_SIZE
FLOOR = 1e-12  # RELU_SHIFT
FORGET_BIAS = 1.0
STATE_WEIGHT = 1e-4


@dataclasses.dataclass(frozen=True)
class Settings:
    """Architecture under the original's flags; `width` is 32 in the original.

    `variant` is v1 (CDNA mixes colours and masks), v2 (it does not) or v3 (nor are the last layers
    rectified).
    """

    model: str = "CDNA"
    num_masks: int = 10
    use_state: bool = True
    variant: str = "v1"
    width: int = 32
    height: int = 64
    row: int = 64  # pixels of a row
    actions: int = 5
    states: int = 5


def from_original(value):
    """[k, k, in, out] to [out, in, k, k], of a transposed convolution likewise, [in, out] to [out, in]."""
    return value.permute(3, 2, 0, 1) if value.dim() == 4 else value.t() if value.dim() == 2 else value


def to_original(value):
    """The inverse of `from_original`."""
    return value.permute(2, 3, 1, 0) if value.dim() == 4 else value.t() if value.dim() == 2 else value


def same(x, kernel, stride):
    """Pads as TensorFlow's SAME does: an odd zero is at the end."""
    pads = []
    for n in (x.shape[3], x.shape[2]):
        total = max((-(-n // stride) - 1) * stride + kernel - n, 0)
        pads += [total // 2, total - total // 2]
    return functional.pad(x, pads)


class Network(nn.Module):
    """Predicts the next frame and state from this frame, action and state."""

    def __init__(self, settings):
        super().__init__()
        self.settings = settings
        self.value = nn.ParameterDict()
        w, bottleneck = settings.width, 4 * settings.width * settings.height * settings.row // 64
        condition = settings.actions + settings.states
        self._conv("scale1_conv1", 3, w, 5, bias=False)
        self._norm("scale1_conv1/layer_norm1", w)
        hidden = [w, w, 2 * w, 2 * w, 4 * w, 2 * w, w]
        inputs = [w, w, w, 2 * w, 2 * w, 4 * w, 3 * w]
        for k in range(7):
            self._conv(f"state{k + 1}/Gates", inputs[k] + hidden[k], 4 * hidden[k], 5)
            self._norm(f"layer_norm{k + 2}", hidden[k])
        self._conv("conv2", w, w, 3)
        self._conv("conv3", 2 * w, 2 * w, 3)
        self._conv("conv4", 2 * w + condition * settings.use_state, 2 * w, 1)
        self._conv("convt1", 4 * w, 4 * w, 3)
        self._conv("convt2", 3 * w, 3 * w, 3)
        self._conv("convt3", 2 * w, 2 * w, 3, bias=False)
        self._norm("convt3/layer_norm9", 2 * w)
        fresh = KERNEL**2 if settings.model == "DNA" else 3
        self._conv("convt4", fresh, 2 * w, 1, biases=fresh)
        if settings.model == "CDNA":
            self._linear("cdna_params", bottleneck, KERNEL**2 * settings.num_masks)
        if settings.model == "STP":
            self._linear("fc_stp", bottleneck, 100)
            for m in range(settings.num_masks - 1):
                self._linear(f"stp_params{m}", 100, 6)
        self._conv("convt7", settings.num_masks + 1, 2 * w, 1, biases=settings.num_masks + 1)
        self._linear("state_pred", condition, settings.states)

    def _conv(self, name, inputs, outputs, kernel, bias=True, biases=None):
        """In a transposed convolution `inputs` are the outputs and vice versa, as in its weights."""
        bound = math.sqrt(6 / (kernel**2 * (inputs + outputs)))
        shape = (outputs, inputs, kernel, kernel)
        self.value[f"{name}/weights"] = nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
        if bias:
            self.value[f"{name}/biases"] = nn.Parameter(torch.zeros(biases or outputs))

    def _linear(self, name, inputs, outputs):
        bound = math.sqrt(6 / (inputs + outputs))
        weight = torch.empty(outputs, inputs).uniform_(-bound, bound)
        self.value[f"{name}/weights"] = nn.Parameter(weight)
        self.value[f"{name}/biases"] = nn.Parameter(torch.zeros(outputs))

    def _norm(self, name, channels):
        self.value[f"{name}/beta"] = nn.Parameter(torch.zeros(channels))
        self.value[f"{name}/gamma"] = nn.Parameter(torch.ones(channels))

    def conv(self, name, x, stride=1):
        weight = self.value[f"{name}/weights"]
        bias = self.value[f"{name}/biases"] if f"{name}/biases" in self.value else None
        return functional.conv2d(same(x, weight.shape[2], stride), weight, bias, stride)

    def deconv(self, name, x, stride=1):
        weight = self.value[f"{name}/weights"]
        bias = self.value[f"{name}/biases"] if f"{name}/biases" in self.value else None
        height, row = x.shape[2] * stride, x.shape[3] * stride
        full = functional.conv_transpose2d(x, weight, bias, stride)
        start = max(weight.shape[2] - stride, 0) // 2
        return full[:, :, start : start + height, start : start + row]

    def linear(self, name, x):
        return functional.linear(x, self.value[f"{name}/weights"], self.value[f"{name}/biases"])

    def norm(self, name, x):
        normalized = functional.layer_norm(x, x.shape[1:], eps=1e-12)
        gamma, beta = self.value[f"{name}/gamma"], self.value[f"{name}/beta"]
        return normalized * gamma[:, None, None] + beta[:, None, None]

    def cell(self, k, x, state):
        """ConvLSTM number k: gates i, j, f, o; returns its normalized output and its state."""
        hidden = self.value[f"layer_norm{k + 1}/beta"].shape[0]
        if state is None:
            zero = x.new_zeros(x.shape[0], hidden, *x.shape[2:])
            state = (zero, zero)
        c, h = state
        i, j, f, o = self.conv(f"state{k}/Gates", torch.cat([x, h], 1)).split(hidden, 1)
        c = c * torch.sigmoid(f + FORGET_BIAS) + torch.sigmoid(i) * torch.tanh(j)
        h = torch.tanh(c) * torch.sigmoid(o)
        return self.norm(f"layer_norm{k + 1}", h), (c, h)

    def rectify(self, x):
        """The last layers have no rectifier in the original's last version."""
        return x if self.settings.variant == "v3" else x.relu()

    def forward(self, image, action, state, cells):
        """One step; `cells` are the seven states or `None`. Returns a table of everything computed."""
        settings, s, cells = self.settings, {}, list(cells or [None] * 7)

        def advance(k, x):
            s[f"hidden{k}"], cells[k - 1] = self.cell(k, x, cells[k - 1])
            return s[f"hidden{k}"]

        condition = torch.cat([action, state], 1)
        first = self.norm("scale1_conv1/layer_norm1", self.conv("scale1_conv1", image, 2))
        s["enc0"] = first.relu()
        s["enc1"] = self.conv("conv2", advance(2, advance(1, s["enc0"])), 2).relu()
        s["enc2"] = self.conv("conv3", advance(4, advance(3, s["enc1"])), 2).relu()
        smeared = s["enc2"]
        if settings.use_state:
            smear = condition[:, :, None, None].expand(-1, -1, *smeared.shape[2:])
            smeared = torch.cat([smeared, smear], 1)
        s["enc3"] = self.conv("conv4", smeared).relu()
        s["enc4"] = self.deconv("convt1", advance(5, s["enc3"]), 2).relu()
        s["enc5"] = self.deconv("convt2", torch.cat([advance(6, s["enc4"]), s["enc1"]], 1), 2).relu()
        last = self.deconv("convt3", torch.cat([advance(7, s["enc5"]), s["enc0"]], 1), 2)
        s["enc6"] = self.rectify(self.norm("convt3/layer_norm9", last))
        s["enc7"] = self.rectify(self.deconv("convt4", s["enc6"]))
        transformed = self.transform(image, s)
        s["masks"] = self.rectify(self.deconv("convt7", s["enc6"])).softmax(1)
        masks = s["masks"].split(1, 1)
        output = masks[0] * image
        for moved, mask in zip(transformed, masks[1:]):
            output = output + moved * mask
        s["image"], s["state"], s["cells"] = output, self.linear("state_pred", condition), cells
        return s

    def transform(self, image, s):
        """Returns the transformed frames; with CDNA one more than masks are left for."""
        if self.settings.model == "DNA":
            return [dna(image, s["enc7"])]
        flat = s["hidden5"].permute(0, 2, 3, 1).flatten(1)  # the original's order, channels last
        fresh = [torch.sigmoid(s["enc7"])]
        if self.settings.model == "CDNA":
            raw = self.linear("cdna_params", flat).view(-1, KERNEL, KERNEL, self.settings.num_masks)
            return fresh + cdna(image, raw.permute(0, 3, 1, 2), self.settings.variant)
        hidden = self.linear("fc_stp", flat).relu()
        maps = range(self.settings.num_masks - 1)
        return fresh + [stp(image, self.linear(f"stp_params{m}", hidden)) for m in maps]


def cdna(image, raw, variant):
    """Convolves every frame with its own kernels `raw` [B, M, 5, 5], floored and normalized."""
    kernels = functional.relu(raw - FLOOR) + FLOOR
    kernels = kernels / kernels.sum((2, 3), keepdim=True)
    batch, colours = image.shape[:2]
    moved = functional.conv2d(
        image.transpose(0, 1), kernels.reshape(-1, 1, KERNEL, KERNEL), padding=2, groups=batch
    )
    moved = moved.view(colours, batch, -1, *image.shape[2:]).transpose(0, 1)  # [B, C, M, H, W]
    if variant == "v1":  # channel c M + m, cut into runs of three
        return list(moved.flatten(1, 2).split(colours, 1))
    return list(moved.unbind(2))


def dna(image, enc7):
    """Moves every pixel by its own kernel; channel 5 dy + dx weighs (y + dy - 2, x + dx - 2)."""
    kernel = functional.relu(enc7 - FLOOR) + FLOOR
    kernel = kernel / kernel.sum(1, keepdim=True)
    padded = functional.pad(image, (2, 2, 2, 2))
    height, row = image.shape[2:]
    shifts = [
        padded[:, :, dy : dy + height, dx : dx + row]
        for dy in range(KERNEL)
        for dx in range(KERNEL)
    ]
    return (kernel.unsqueeze(2) * torch.stack(shifts, 1)).sum(1)


def stp(image, parameters):
    """Samples the frame at the positions to which an affine map, added to the identity, sends its pixels."""
    batch, colours, height, row = image.shape
    identity = image.new_tensor([1.0, 0.0, 0.0, 0.0, 1.0, 0.0])

    def even(n):
        return torch.arange(n, dtype=image.dtype) * (2 / (n - 1)) - 1

    y, x = torch.meshgrid(even(height), even(row), indexing="ij")
    target = torch.stack([x.flatten(), y.flatten(), torch.ones(height * row, dtype=image.dtype)])
    source = (parameters + identity).view(-1, 2, 3) @ target  # [B, 2, H W]
    x, x0, x1 = neighbours(source[:, 0], row)
    y, y0, y1 = neighbours(source[:, 1], height)
    pixels = image.flatten(2)

    def at(rows, columns):
        index = (rows * row + columns).long().unsqueeze(1).expand(-1, colours, -1)
        return pixels.gather(2, index)

    def weight(a, b):
        return (a * b).unsqueeze(1)

    sampled = (
        weight(x1 - x, y1 - y) * at(y0, x0)
        + weight(x1 - x, y - y0) * at(y1, x0)
        + weight(x - x0, y1 - y) * at(y0, x1)
        + weight(x - x0, y - y0) * at(y1, x1)
    )
    return sampled.view(batch, colours, height, row)


def neighbours(s, n):
    """Positions in pixels and the neighbouring pixels, clipped before weights are formed."""
    position = (s + 1) * n / 2
    below = position.detach().floor()
    return position, below.clamp(0, n - 1), (below + 1).clamp(0, n - 1)


def unroll(network, images, actions, states, context_frames, feed):
    """Predicts frame by frame; `feed(t, truth, generated)` chooses the input after the context.

    `images`, `actions`, `states` are lists over time. Returns the tables of all steps.
    """
    steps, state, cells = [], states[0], None
    for t in range(len(images) - 1):
        image = images[t] if t < context_frames else feed(t, images[t], steps[-1]["image"])
        step = network(image, actions[t], state, cells)
        state, cells = step["state"], step["cells"]
        steps.append(step)
    return steps


def objective(steps, images, states, context_frames):
    """Returns loss, sum of PSNR and their parts, the first entry for the first frame after the context."""
    first = context_frames - 1
    recon = [functional.mse_loss(s["image"], x) for s, x in zip(steps[first:], images[first + 1 :])]
    psnr = [10 * torch.log(1 / mse) / math.log(10) for mse in recon]
    state = [
        functional.mse_loss(s["state"], x) * STATE_WEIGHT
        for s, x in zip(steps[first:], states[first + 1 :])
    ]
    loss = (sum(recon) + sum(state)) / len(recon)
    return {"loss": loss, "psnr_all": sum(psnr), "psnr": psnr, "recon_cost": recon, "state_cost": state}


class Adam:
    """`tf.train.AdamOptimizer`: epsilon is added to the root of the uncorrected second moment.

    Rates and their powers are in single precision; only the step size has the parameters' type.
    """

    def __init__(self, parameters, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.parameters = list(parameters)
        self.m = [torch.zeros_like(p) for p in self.parameters]
        self.v = [torch.zeros_like(p) for p in self.parameters]
        self.rate, self.beta1, self.beta2, self.epsilon = map(
            np.float32, (learning_rate, beta1, beta2, epsilon)
        )
        self.power1 = self.power2 = np.float32(1)

    @torch.no_grad()
    def step(self):
        self.power1 *= self.beta1
        self.power2 *= self.beta2
        precision = np.float64 if self.parameters[0].dtype == torch.float64 else np.float32
        rate, power1, power2 = map(precision, (self.rate, self.power1, self.power2))
        size = float(rate * np.sqrt(1 - power2) / (1 - power1))
        first, second = 1 - float(self.beta1), 1 - float(self.beta2)
        for p, m, v in zip(self.parameters, self.m, self.v):
            if p.grad is not None:
                m.add_(p.grad - m, alpha=first)
                v.add_(p.grad * p.grad - v, alpha=second)
                p.sub_(m * size / (v.sqrt() + float(self.epsilon)))
