"""Between reference cases and PyTorch modules: parameters in, gradients and parameters out."""

import math

import torch

from recorder import constant, uniform


def tensor(case, name, precision):
    """Fills an input of the case as a PyTorch tensor of the precision."""
    return torch.from_numpy(case.tensor(name, precision).copy())


def leaf(case, name, precision):
    """Fills an input whose gradient is computed."""
    return tensor(case, name, precision).requires_grad_()


def load(module, case, precision, prefix=""):
    """Overwrites every parameter and buffer of a module with the case's, each used exactly once."""
    names = case.named("parameter") + case.named("buffer")
    values = {
        name[len(prefix) :]: tensor(case, name, precision)
        for name in names
        if name.startswith(prefix)
    }
    module.to(next(iter(values.values())).dtype)
    module.load_state_dict(values, strict=True)


def array(value):
    """Returns the elements as a NumPy array."""
    return value.detach().cpu().contiguous().numpy()


def gradients(module, prefix=""):
    """Returns the gradients as `grad/<parameter>`; parameters without one are omitted."""
    return {
        f"grad/{prefix}{name}": array(parameter.grad)
        for name, parameter in module.named_parameters()
        if parameter.grad is not None
    }


def after(module, prefix=""):
    """Returns every parameter and buffer as `after/<name>`."""
    return {f"after/{prefix}{name}": array(value) for name, value in module.state_dict().items()}


def declare(case, module, prefix="", spread=1.0):
    """Declares every parameter and buffer of a module in a case that is being recorded.

    Weights are uniform within `spread * sqrt(3 / fan_in)`, which preserves the scale of activations,
    biases within 0.05; the weights of a normalization are around 1, its running mean and variance
    start at 0 and 1. Parameters are not the zeros and ones of a new module, which could hide a
    mistake of a port. Start from `recorder.Case`.
    """
    trained = {name for name, _ in module.named_parameters()}
    for name, value in module.state_dict().items():
        leaf_name, shape = name.rpartition(".")[2], list(value.shape)
        if name not in trained:
            dtype = "i64" if value.dtype == torch.int64 else "f32"
            c = 1.0 if leaf_name == "running_var" else 0.0
            case.buffer(prefix + name, shape, constant(int(c) if dtype == "i64" else c), dtype)
        elif value.dim() > 1:
            bound = spread * math.sqrt(3.0 / (value.numel() / value.shape[0]))
            case.parameter(prefix + name, shape, uniform(-bound, bound))
        elif leaf_name == "weight":
            case.parameter(prefix + name, shape, uniform(0.8, 1.2))
        else:
            case.parameter(prefix + name, shape, uniform(-0.05, 0.05))
