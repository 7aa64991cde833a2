"""Between reference cases and PyTorch modules: parameters in, gradients and parameters out."""

import torch


def tensor(case, name, precision):
    """Fills an input of the case as a PyTorch tensor of the precision."""
    return torch.from_numpy(case.tensor(name, precision).copy())


def leaf(case, name, precision):
    """Fills an input that a gradient is asked for."""
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
    """Returns the gradients as `grad/<parameter>`; a parameter without one is left out."""
    return {
        f"grad/{prefix}{name}": array(parameter.grad)
        for name, parameter in module.named_parameters()
        if parameter.grad is not None
    }


def after(module, prefix=""):
    """Returns every parameter and buffer as `after/<name>`."""
    return {f"after/{prefix}{name}": array(value) for name, value in module.state_dict().items()}
