"""Runs the reference cases of system `cvae` with the network in plain PyTorch.

    REPRISE_PRECISION=f32|f64 python cvae.py CASE_FOLDER OUTPUT_FILE

An external port: live parity compares its outputs with our port's, bit for bit. The settings and
tensors of a case decide what is computed, never its name.
`OMP_NUM_THREADS` sets the number of threads, which changes the last bits.
"""

import sys

import numpy as np
import torch

import frame_metrics
import port
from cvae_network import (
    Cvae,
    Decoder,
    Encoder,
    FramePredictor,
    GaussianLstm,
    Sizes,
    SkipRule,
    kl_between,
    kl_to_standard_normal,
    objective,
    predict,
    sample,
)
from torch_tensors import after, array, gradients, leaf, load, tensor

WARM_BETA = 1.0  # "Before pred() the modules ran 2 train() calls (teacher forcing on, beta 1, …)"


def run(case, precision):
    """Returns the outputs of a case by name."""
    if "warm_steps" in case.config:
        return run_prediction(case, precision)
    if "beta_per_step" in case.config:
        return run_training(case, precision)
    return run_component(case, precision)


def build(case, precision):
    """Returns the whole network with the case's sizes and values."""
    config = case.config
    sizes = {name: config[name] for name in Sizes.__dataclass_fields__ if name in config}
    if "prior.embed.weight" in case.tensors:
        sizes.setdefault("prior_rnn_layers", 1)  # SVG's default
    model = Cvae(Sizes(**sizes))
    load(model, case, precision)
    return model.train()


def skip_rule(case):
    config = case.config
    connected = config.get("skip_connections", True)
    return SkipRule(config["n_past"], config["last_frame_skip"], connected)


def optimizer(case, model):
    config = case.config
    if config.get("optimizer", "adam") != "adam":
        raise port.Unsupported(f"optimizer `{config['optimizer']}`")
    betas = (config["beta1"], config.get("adam_beta2", 0.999))
    eps = config.get("adam_eps", 1e-8)
    return torch.optim.Adam(model.parameters(), lr=config["lr"], betas=betas, eps=eps)


def run_training(case, precision):
    """Training steps: losses of each, intermediates and gradients of the last one."""
    config = case.config
    model = build(case, precision)
    adam = optimizer(case, model)
    coins = case.tensor("coin").astype(np.float64)
    frames = config["n_past"] + config["n_future"]
    losses = {"loss": [], "mse": [], "kld": []}
    for step in range(config["steps"]):
        teacher_forcing = bool(coins[step] < config["tfr_per_step"][step])
        terms, loss = update(case, precision, model, "", step, teacher_forcing)
        losses["loss"].append(array(loss) / frames)
        losses["mse"].append(array(terms.mse) / frames)
        losses["kld"].append(array(terms.kld) / frames)
        adam.step()
    outputs = {name: np.array(values) for name, values in losses.items()}
    outputs.update((name, array(value)) for name, value in terms.trace.items())
    return {**outputs, **gradients(model), **after(model)}


def update(case, precision, model, prefix, step, teacher_forcing):
    """Runs forward and backward on the data of a step; returns the terms and the loss."""
    x, cond = (tensor(case, f"{prefix}{name}/{step}", precision) for name in ("x", "cond"))
    beta = WARM_BETA if prefix else case.config["beta_per_step"][step]

    def noise(t, purpose):
        return tensor(case, f"{prefix}noise/{step}/{t}/{purpose}", precision)

    model.zero_grad()
    terms = objective(model, x, cond, teacher_forcing, skip_rule(case), noise)
    loss = terms.loss(beta)
    loss.backward()
    return terms, loss


def run_prediction(case, precision):
    """Frames of a roll-out and their scores, after `warm_steps` training steps."""
    model = build(case, precision)
    adam = optimizer(case, model)
    for step in range(case.config["warm_steps"]):
        update(case, precision, model, "warm/", step, teacher_forcing=True)
        adam.step()
    x, cond = tensor(case, "x", precision), tensor(case, "cond", precision)
    source, skips = case.config["mode"], skip_rule(case)
    frames = predict(
        model, x, cond, source, skips, lambda t: tensor(case, f"noise/{t}", precision)
    )
    outputs = {f"prediction/{t}": array(frame) for t, frame in enumerate(frames)}
    predicted = array(torch.stack(frames[skips.n_past :], 1))
    return {**outputs, **frame_metrics.score(array(x[:, skips.n_past :]), predicted)}


def run_component(case, precision):
    """One module or formula, forward and backward."""
    if "mu" in case.tensors or "mu1" in case.tensors:
        return run_divergence(case, precision)
    runs = {
        "encoder.": run_encoder,
        "decoder.": run_decoder,
        "frame_predictor.": run_frame_predictor,
        "posterior.": run_gaussian,
        "prior.": run_gaussian,
    }
    for prefix, of in runs.items():
        if any(name.startswith(prefix) for name in case.named("parameter")):
            return of(case, precision, prefix)
    raise port.Unsupported("a component with these tensors")


def loaded(module, case, precision, prefix):
    """Loads the case's values into a module and sets its mode."""
    load(module, case, precision, prefix)
    return module.train(case.config.get("mode", "train") == "train")


def run_divergence(case, precision):
    between = "mu1" in case.tensors
    names = ["mu1", "logvar1", "mu2", "logvar2"] if between else ["mu", "logvar"]
    leaves = {name: leaf(case, name, precision) for name in names}
    divergence = kl_between if between else kl_to_standard_normal
    kld = divergence(*leaves.values(), case.config["batch_size"])
    kld.backward()
    return {"kld": array(kld), **{f"d/{name}": array(x.grad) for name, x in leaves.items()}}


def run_encoder(case, precision, prefix):
    module = Encoder(case.config["width"], case.config["g_dim"])
    loaded(module, case, precision, prefix)
    x = leaf(case, "x", precision)
    h, maps = module(x)
    outputs = {"h": h, **{f"skip{k}": skip for k, skip in enumerate(maps)}}
    inner(case, precision, {f"cot/{name}": value for name, value in outputs.items()}).backward()
    outputs["grad/x"] = x.grad
    return finish(outputs, module, prefix)


def run_decoder(case, precision, prefix):
    module = Decoder(case.config["width"], case.config["g_dim"])
    loaded(module, case, precision, prefix)
    leaves = {name: leaf(case, name, precision) for name in ("vec", *(f"skip{k}" for k in range(4)))}
    g, *skip = leaves.values()
    output = module(g, skip)
    inner(case, precision, {"cot": output}).backward()
    outputs = {"output": output, **{f"grad/in/{name}": x.grad for name, x in leaves.items()}}
    return finish(outputs, module, prefix)


def run_frame_predictor(case, precision, prefix):
    config = case.config
    inputs = config["cond_dim"] + config["g_dim"] + config["z_dim"]
    sizes = (config["g_dim"], config["rnn_size"], config["predictor_rnn_layers"])
    module = loaded(FramePredictor(inputs, *sizes), case, precision, prefix)
    x = leaf(case, "x", precision)  # [steps, B, inputs]
    state, steps = module.zero_state(x[0]), []
    for x_t in x:
        g, state = module(x_t, state)
        steps.append(g)
    outputs = {"g": torch.stack(steps)}
    inner(case, precision, {"cot": outputs["g"]}).backward()
    outputs["grad/x"] = x.grad
    return finish({**outputs, **hidden(state)}, module, prefix)


def run_gaussian(case, precision, prefix):
    config = case.config
    sizes = (config["g_dim"], config["z_dim"], config["rnn_size"])
    module = GaussianLstm(*sizes, config[prefix.replace(".", "_rnn_layers")])
    loaded(module, case, precision, prefix)
    x = leaf(case, "x", precision)  # [steps, B, G]
    state, steps = module.zero_state(x[0]), []
    for t, x_t in enumerate(x):
        mu, logvar, state = module(x_t, state)
        steps.append((sample(mu, logvar, tensor(case, f"noise/{t}", precision)), mu, logvar))
    outputs = dict(zip(("z", "mu", "logvar"), (torch.stack(values) for values in zip(*steps))))
    inner(case, precision, {f"cot/{name}": value for name, value in outputs.items()}).backward()
    outputs["grad/x"] = x.grad
    return finish({**outputs, **hidden(state)}, module, prefix)


def inner(case, precision, values):
    """The scalar that is differentiated: the sum of every value times its cotangent."""
    return sum((value * tensor(case, name, precision)).sum() for name, value in values.items())


def hidden(state):
    """The state after the last step by output name."""
    return {
        f"hidden/{layer}/{name}": value
        for layer, pair in enumerate(state)
        for name, value in zip("hc", pair)
    }


def finish(outputs, module, prefix):
    outputs = {name: array(value) for name, value in outputs.items()}
    return {**outputs, **gradients(module, prefix), **after(module, prefix)}


if __name__ == "__main__":
    torch.manual_seed(0)  # initial values that the case overwrites; nothing else draws
    sys.exit(port.main(run, __doc__.splitlines()[0]))
