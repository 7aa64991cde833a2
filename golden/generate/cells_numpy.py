"""Runs the reference cases of system `cells` in plain NumPy: an example of an external port.

    REPRISE_PRECISION=f32|f64 python cells_numpy.py CASE_FOLDER OUTPUT_FILE
    reprise golden check --system cells --command 'python golden/generate/cells_numpy.py'

The recurrent cells of the MP6 assignment, with hand-written backward passes: a linear layer, the LSTM
cell, the LSTM with its linear and normalization layers, its initial values, the GRU cell, and the
assignment's acceptance rule. Unsupported: `literal`, the numbers that the assignment prints, most of
which come from PyTorch's random generator.

Shapes: B rows, N inputs, H hidden units. A gradient of a value `v` is called `d_v`.
"""

import numpy as np

import port


def sigmoid(x):
    """1 / (1 + exp(-x))"""
    return 1 / (1 + np.exp(-x))


def linear(x, weight, bias):
    """y = x W' + b; `x` is [B, N], `weight` is [M, N]."""
    return x @ weight.T + bias


def linear_backward(d_y, x, weight):
    """Returns d_x, d_weight, d_bias of `linear`."""
    return d_y @ weight, d_y.T @ x, d_y.sum(axis=0)


class LstmCell:
    """LSTM cell; gate order i, f, g, o, and two biases, as in PyTorch.

    [i f g o] = x W_ih' + b_ih + h W_hh' + b_hh
    c_t = sigmoid(f) c + sigmoid(i) tanh(g)
    h_t = sigmoid(o) tanh(c_t)
    """

    NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")

    def __init__(self, weight_ih, weight_hh, bias_ih, bias_hh):
        self.weight_ih, self.weight_hh = weight_ih, weight_hh
        self.bias_ih, self.bias_hh = bias_ih, bias_hh

    def forward(self, x, h, c):
        """Returns h_t, c_t and the values that `backward` needs."""
        gates = linear(x, self.weight_ih, self.bias_ih) + linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = np.split(gates, 4, axis=1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c_t = f * c + i * g
        h_t = o * np.tanh(c_t)
        return h_t, c_t, (x, h, c, i, f, g, o, c_t)

    def backward(self, d_h_t, d_c_t, saved):
        """Returns d_x, d_h, d_c and the gradients of the parameters by name."""
        x, h, c, i, f, g, o, c_t = saved
        tanh_c = np.tanh(c_t)
        d_c_t = d_c_t + d_h_t * o * (1 - tanh_c**2)
        d_gates = np.concatenate(
            [
                d_c_t * g * i * (1 - i),
                d_c_t * c * f * (1 - f),
                d_c_t * i * (1 - g**2),
                d_h_t * tanh_c * o * (1 - o),
            ],
            axis=1,
        )
        d_x, d_weight_ih, d_bias = linear_backward(d_gates, x, self.weight_ih)
        d_h, d_weight_hh, _ = linear_backward(d_gates, h, self.weight_hh)
        gradients = dict(zip(self.NAMES, (d_weight_ih, d_weight_hh, d_bias, d_bias)))
        return d_x, d_h, d_c_t * f, gradients


class GruCell:
    """GRU cell; gate order r, z, n, and the reset gate acts after the hidden product.

    r = sigmoid(x W_r' + b_r + h U_r' + c_r)
    z = sigmoid(x W_z' + b_z + h U_z' + c_z)
    n = tanh(x W_n' + b_n + r (h U_n' + c_n))
    h_t = (1 - z) n + z h
    """

    NAMES = LstmCell.NAMES

    def __init__(self, weight_ih, weight_hh, bias_ih, bias_hh):
        self.weight_ih, self.weight_hh = weight_ih, weight_hh
        self.bias_ih, self.bias_hh = bias_ih, bias_hh

    def forward(self, x, h):
        """Returns h_t and the values that `backward` needs."""
        from_x = np.split(linear(x, self.weight_ih, self.bias_ih), 3, axis=1)
        from_h = np.split(linear(h, self.weight_hh, self.bias_hh), 3, axis=1)
        r = sigmoid(from_x[0] + from_h[0])
        z = sigmoid(from_x[1] + from_h[1])
        n = np.tanh(from_x[2] + r * from_h[2])
        return (1 - z) * n + z * h, (x, h, r, z, n, from_h[2])

    def backward(self, d_h_t, saved):
        """Returns d_x, d_h and the gradients of the parameters by name."""
        x, h, r, z, n, hidden_n = saved
        d_n = d_h_t * (1 - z) * (1 - n**2)
        d_z = d_h_t * (h - n) * z * (1 - z)
        d_r = d_n * hidden_n * r * (1 - r)
        d_from_x = np.concatenate([d_r, d_z, d_n], axis=1)
        d_from_h = np.concatenate([d_r, d_z, d_n * r], axis=1)
        d_x, d_weight_ih, d_bias_ih = linear_backward(d_from_x, x, self.weight_ih)
        d_h, d_weight_hh, d_bias_hh = linear_backward(d_from_h, h, self.weight_hh)
        gradients = dict(zip(self.NAMES, (d_weight_ih, d_weight_hh, d_bias_ih, d_bias_hh)))
        return d_x, d_h + d_h_t * z, gradients


class BatchNorm:
    """Batch normalization without weight and bias, over the rows of [B, N].

    y = (x - mean) / sqrt(var + eps); the running variance is of unbiased estimates.
    """

    def __init__(self, running_mean, running_var, eps, momentum):
        self.running_mean, self.running_var = running_mean, running_var
        self.eps, self.momentum = eps, momentum

    def train(self, x):
        """Normalizes by the statistics of the batch and updates the running ones."""
        mean, var = x.mean(axis=0), x.var(axis=0)
        unbiased = var * (len(x) / (len(x) - 1))
        self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
        self.running_var = (1 - self.momentum) * self.running_var + self.momentum * unbiased
        scale = 1 / np.sqrt(var + self.eps)
        y = (x - mean) * scale
        return y, (y, scale)

    def evaluate(self, x):
        """Normalizes by the running statistics."""
        return (x - self.running_mean) / np.sqrt(self.running_var + self.eps)

    @staticmethod
    def backward(d_y, saved):
        """Returns d_x of `train`."""
        y, scale = saved
        return scale * (d_y - d_y.mean(axis=0) - y * (d_y * y).mean(axis=0))


def add(total, gradients):
    """Adds gradients by name to a running total."""
    for name, gradient in gradients.items():
        total[name] = total[name] + gradient if name in total else gradient


def with_prefix(prefix, values):
    return {prefix + name: value for name, value in values.items()}


def run(case, precision):
    """Returns the outputs of a case by name."""
    runs = {
        "target": run_linear,
        "h_in": run_lstm_cell,
        "lstm.weight_ih": run_lstm,
        "cotangent/0": run_gru_cell,
        "disturbance": run_acceptance,
    }
    for name, of in runs.items():
        if name in case.tensors:
            return of(case, precision)
    if "forget_bias" in case.config:
        return run_lstm_init(case, precision)
    raise port.Unsupported("a case with these tensors")


def run_linear(case, precision):
    weight, bias, vector, x, target = (
        case.tensor(name, precision)
        for name in ("weight", "bias", "linear_input", "batch_input", "target")
    )
    y = linear(x, weight, bias)
    error = y - target
    d_y = 2 / precision(error.size) * error  # of the mean squared error
    d_x, d_weight, d_bias = linear_backward(d_y, x, weight)
    outputs = {"output": linear(vector, weight, bias), "batch_output": y, "nn_linear_output": y}
    outputs["loss"] = np.mean(error**2)
    outputs.update({"grad/weight": d_weight, "grad/bias": d_bias, "grad/batch_input": d_x})
    lr = precision(case.config.get("lr", 0.5))
    return {**outputs, "after/weight": weight - lr * d_weight, "after/bias": bias - lr * d_bias}


def run_lstm_cell(case, precision):
    cell = LstmCell(*(case.tensor(name, precision) for name in LstmCell.NAMES))
    x, h, c, d_h_t, d_c_t = (
        case.tensor(name, precision) for name in ("x", "h_in", "c_in", "cotangent_h", "cotangent_c")
    )
    h_t, c_t, saved = cell.forward(x, h, c)
    d_x, d_h, d_c, gradients = cell.backward(d_h_t, d_c_t, saved)
    gradients = {"x": d_x, "h_in": d_h, "c_in": d_c, **gradients}
    return {
        "h_out": h_t,
        "c_out": c_t,
        "scalar": (d_h_t * h_t).sum() + (d_c_t * c_t).sum(),
        "nn_lstmcell/h_out": h_t,
        "nn_lstmcell/c_out": c_t,
        **with_prefix("grad/", gradients),
    }


def run_lstm(case, precision):
    """The same input at every frame; a linear layer and a normalization follow each h."""
    cell = LstmCell(*(case.tensor(f"lstm.{name}", precision) for name in LstmCell.NAMES))
    weight, bias = case.tensor("linear.weight", precision), case.tensor("linear.bias", precision)
    norm = BatchNorm(
        case.tensor("bn.running_mean", precision),
        case.tensor("bn.running_var", precision),
        precision(case.config["bn_eps"]),
        precision(case.config["bn_momentum"]),
    )
    x, h, c = (case.tensor(name, precision) for name in ("inputs", "h", "c"))
    cotangent = case.tensor("cotangent", precision)  # [frames, B, N]

    hidden, saved_cells, saved_norms, frames = [], [], [], []
    for _ in range(case.config["n_frames"]):
        h, c, saved = cell.forward(x, h, c)
        y, saved_norm = norm.train(linear(h, weight, bias))
        hidden.append(h)
        saved_cells.append(saved)
        saved_norms.append(saved_norm)
        frames.append(y)

    total, d_x = {}, 0
    d_h, d_c = np.zeros_like(h), np.zeros_like(c)
    for t in reversed(range(len(frames))):
        d_y = norm.backward(cotangent[t], saved_norms[t])
        d_hidden, d_weight, d_bias = linear_backward(d_y, hidden[t], weight)
        add(total, {"linear.weight": d_weight, "linear.bias": d_bias})
        d_input, d_h, d_c, gradients = cell.backward(d_h + d_hidden, d_c, saved_cells[t])
        add(total, with_prefix("lstm.", gradients))
        d_x = d_x + d_input

    outputs = np.stack(frames)
    gradients = {"inputs": d_x, "h": d_h, "c": d_c, **total}
    return {
        "outputs": outputs,
        "nn/outputs": outputs,
        "scalar": (cotangent * outputs).sum(),
        "h": h,
        "c": c,
        "bn.running_mean": norm.running_mean,
        "bn.running_var": norm.running_var,
        "eval/outputs": evaluate_lstm(case, precision, cell, norm),
        **with_prefix("grad/", gradients),
    }


def evaluate_lstm(case, precision, cell, norm):
    """The frames in evaluation mode, from the case's initial state."""
    weight, bias = case.tensor("linear.weight", precision), case.tensor("linear.bias", precision)
    x, h, c = (case.tensor(name, precision) for name in ("inputs", "h", "c"))
    frames = []
    for _ in range(case.config["n_frames"]):
        h, c, _ = cell.forward(x, h, c)
        frames.append(norm.evaluate(linear(h, weight, bias)))
    return np.stack(frames)


def run_lstm_init(case, precision):
    """`initWeight`: both forget biases have the given value, all other biases 0; states start at 0."""
    config = case.config
    inputs, hidden = config["input_size"], config["hidden_size"]
    bias = np.zeros(4 * hidden, precision)
    bias[hidden : 2 * hidden] = config["forget_bias"]
    state = np.zeros((config["batch_size"], hidden), precision)
    fans = [(inputs, 4 * hidden), (hidden, 4 * hidden), (hidden, inputs)]
    bounds = [np.sqrt(6 / (fan_in + fan_out)) for fan_in, fan_out in fans]  # xavier_uniform_
    return {
        "lstm.bias_ih": bias,
        "lstm.bias_hh": bias,
        "linear.bias": np.zeros(inputs, precision),
        "xavier_bound": np.array(bounds),
        "h": state,
        "c": state,
    }


def run_gru_cell(case, precision):
    cell = GruCell(*(case.tensor(name, precision) for name in GruCell.NAMES))
    steps = range(case.config["steps"])
    x = [case.tensor(f"x/{t}", precision) for t in steps]
    cotangent = [case.tensor(f"cotangent/{t}", precision) for t in steps]
    h, hidden, saved = case.tensor("h", precision), [], []
    for x_t in x:
        h, saved_t = cell.forward(x_t, h)
        hidden.append(h)
        saved.append(saved_t)

    total, d_h = {}, 0
    for t in reversed(steps):
        d_x, d_h, gradients = cell.backward(d_h + cotangent[t], saved[t])
        add(total, {f"x/{t}": d_x, **gradients})
    outputs = {f"h/{t}": h_t for t, h_t in enumerate(hidden)}
    outputs["scalar"] = sum((d * h_t).sum() for d, h_t in zip(cotangent, hidden))
    return {**outputs, **with_prefix("grad/", {**total, "h": d_h})}


def run_acceptance(case, precision):
    """The assignment's rule: e = sum |a - b| / sum |b| below a threshold."""
    b = case.tensor("reference", precision)
    noise = precision(0.001) * case.tensor("disturbance", precision)
    errors = []
    for scale in case.config["scales"]:
        a = b * precision(scale) + noise
        errors.append(np.abs(a - b).sum() / np.abs(b).sum())
    errors = np.array(errors)
    return {"e": errors, "accepted": errors < case.config["threshold"]}


if __name__ == "__main__":
    port.main(run, __doc__.splitlines()[0])
