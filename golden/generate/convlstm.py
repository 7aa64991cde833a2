"""Runs the reference cases of system `convlstm` with the network in plain PyTorch.

    REPRISE_PRECISION=f32|f64 python convlstm.py CASE_FOLDER OUTPUT_FILE

An external port: live parity compares its outputs with our port's, bit for bit. The settings and
tensors of a case decide what is computed, never its name.
`OMP_NUM_THREADS` sets the number of threads.
"""

import sys

import numpy as np
import torch
from torch import nn

import port
from convlstm_network import ConvLstmAutoencoder, ConvLstmCell, Lightning
from torch_tensors import after, array, gradients, leaf, load, tensor

FIRST_WEIGHT = "encoder_1_convlstm.conv.weight"


def run(case, precision):
    """Returns the outputs of a case by name."""
    if f"model.{FIRST_WEIGHT}" in case.tensors and "lr" in case.config:
        return run_training(case, precision)
    if FIRST_WEIGHT in case.tensors:
        return run_forward(case, precision)
    if "decoder_CNN.weight" in case.tensors:
        return run_head(case, precision)
    if "conv.weight" in case.tensors:
        return run_cell(case, precision)
    raise port.Unsupported("a computation with these tensors")


def run_training(case, precision):
    """Training steps: prediction and gradients of the first, losses of all, parameters after the last."""
    config = case.config
    lightning = Lightning(config["n_hidden_dim"])
    load(lightning, case, precision)
    betas = (config["beta_1"], config["beta_2"])
    adam = torch.optim.Adam(
        lightning.parameters(), lr=config["lr"], betas=betas, eps=config["adam_eps"]
    )
    steps, outputs, losses = config["steps"], {}, []
    for step in range(steps + 1):  # some cases also have the loss after the last step
        batch = f"batch/{step}" if f"batch/{step}" in case.tensors else "batch"
        if batch not in case.tensors:
            break
        adam.zero_grad()
        frames = tensor(case, batch, precision)
        y_hat, loss = lightning.objective(frames, config["n_steps_past"], config["n_steps_ahead"])
        losses.append(array(loss))
        if step == steps:
            break
        loss.backward()
        if step == 0:
            outputs = {"y_hat": array(y_hat), **gradients(lightning)}
            outputs = {name: value.copy() for name, value in outputs.items()}
        adam.step()
    declared = case.outputs["losses"]["shape"][0]
    return {**outputs, "losses": np.array(losses[:declared]), **after(lightning)}


def run_forward(case, precision):
    """The whole model, forward and, if the case has a cotangent, backward."""
    weight = case.tensors["decoder_CNN.weight"]["shape"]
    model = ConvLstmAutoencoder(weight[1], case.config["in_chan"])
    load(model, case, precision)
    x = leaf(case, "x", precision)
    output, states = model(x, case.config["n_steps_ahead"])
    outputs = {"output": array(output)}
    for name, (h, c) in states.items():
        outputs.update({f"last/{name}/h": array(h), f"last/{name}/c": array(c)})
    if "cotangent" in case.tensors:
        scalar = (output * tensor(case, "cotangent", precision)).sum()
        scalar.backward()
        outputs.update({"scalar": array(scalar), "grad/x": array(x.grad), **gradients(model)})
    return outputs


def run_head(case, precision):
    """The output head alone."""
    weight = case.tensors["decoder_CNN.weight"]["shape"]
    head = nn.Conv3d(weight[1], 1, (1, 3, 3), padding=(0, 1, 1))
    load(head, case, precision, "decoder_CNN.")
    h = leaf(case, "input", precision)
    output = torch.sigmoid(head(h))
    scalar = (output * tensor(case, "cotangent", precision)).sum()
    scalar.backward()
    outputs = {"output": output, "scalar": scalar, "grad/input": h.grad}
    outputs = {name: array(value) for name, value in outputs.items()}
    return {**outputs, **gradients(head, "decoder_CNN.")}


def run_cell(case, precision):
    """Steps of one cell from the zero state."""
    config = case.config
    bias = "conv.bias" in case.tensors
    cell = ConvLstmCell(config["input_dim"], config["hidden_dim"], config["kernel_size"], bias)
    load(cell, case, precision)
    inputs = [leaf(case, f"input/{t}", precision) for t in range(config["steps"])]
    state, outputs, scalar = cell.zero_state(inputs[0]), {}, 0
    for t, x in enumerate(inputs):
        state = cell(x, state)
        outputs.update({f"h/{t}": state[0], f"c/{t}": state[1]})
        scalar = scalar + (state[0] * tensor(case, f"cotangent/{t}", precision)).sum()
    scalar = scalar + (state[1] * tensor(case, "cotangent_c", precision)).sum()
    scalar.backward()
    outputs["scalar"] = scalar
    outputs.update({f"grad/input/{t}": x.grad for t, x in enumerate(inputs)})
    return {**{name: array(value) for name, value in outputs.items()}, **gradients(cell)}


if __name__ == "__main__":
    torch.manual_seed(0)  # initial values that the case overwrites; nothing else draws
    sys.exit(port.main(run, __doc__.splitlines()[0]))
