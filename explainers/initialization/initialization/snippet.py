"""Write the code that reproduces a view, and its data."""

import io
import math
from collections.abc import Sequence

from explainers.initialization.initialization.calls import Call
from explainers.initialization.initialization.propagation import SIDE, weight_shape
from explainers.initialization.initialization.schemes import SCHEMES, TORCH_GAINS
from explainers.initialization.initialization.theory import unit_gain
from explainers.initialization.initialization.view import Initialization, View

_LAYERS = {
    "linear": "F.linear(h, weight)",
    "conv": "F.conv2d(h, weight, padding=1)",
    "depthwise": "F.conv2d(h, weight, padding=1, groups=width)",
    "transposed": "F.conv_transpose2d(h, weight, stride=2, padding=1)[:, :, 1::2, 1::2]",
}
_FAN_IN = {
    "linear": "width",
    "conv": "width * 3 * 3",
    "depthwise": "1 * 3 * 3",
    "transposed": "width * 4 * 4",
}
_NORMS = {
    "none": "{}",
    "batch": "F.batch_norm({}, None, None, training=True)",
    "layer": "F.layer_norm({}, h.shape[1:])",
}
_CALLS = {
    "linear": "{}",
    "sigmoid": "torch.sigmoid({})",
    "tanh": "torch.tanh({})",
    "leaky_relu": "F.leaky_relu({}, slope)",
}


def snippet(parameters: Initialization, *, device: str = "cpu") -> str:
    """Return runnable code that makes ``forward_std`` and ``backward_std`` of every scheme.

    Args:
        parameters: The settings of the view.
        device: Where torch computes.

    Returns:
        Python source that needs torch alone.
    """
    kind, nonlinearity = parameters.kind, parameters.nonlinearity
    shape = weight_shape(kind, parameters.width)
    sizes = ", ".join(
        "width" if size == parameters.width and index < 2 else str(size)
        for index, size in enumerate(shape)
    )
    inputs = "batch, width" if kind == "linear" else f"batch, width, {SIDE}, {SIDE}"
    batch = parameters.batch if kind == "linear" else max(1, parameters.batch // SIDE**2)
    calls = [
        entry
        for entry in parameters.calls()
        if len(shape) >= SCHEMES[entry.scheme].least_dimensions
    ]
    made, biased = _LAYERS[kind], []
    if parameters.bias:
        # Where a convolution takes it, so that what is written is what ran.
        made = made.replace("weight", "weight, bias", 1)
        biased = [
            f"        end = 1 / ({_FAN_IN[kind]}) ** 0.5",
            "        bias = init.uniform_(torch.empty(width), -end, end, generator=generator)",
            f'        bias = bias.to("{device}")',
        ]
    layer = _NORMS[parameters.norm].format(made)
    outer = _CALLS.get(nonlinearity, f"F.{nonlinearity}({{}})")
    slope = [f"slope = {parameters.a:.10g}"] if nonlinearity == "leaky_relu" else []
    fills = [
        line
        for entry in calls
        for line in (f"    {str(entry)!r}: (", *_fill(entry, parameters), "    ),")
    ]
    lines = [
        "import torch",
        "import torch.nn.functional as F",
        "from torch.nn import init",
        "",
        f"depth, width, batch, seed = {parameters.depth}, {parameters.width}, {batch}, "
        f"{parameters.seed}",
        *slope,
        "",
        "",
        "def propagate(fill):",
        "    generator = torch.Generator().manual_seed(seed)",
        f'    x = torch.randn({inputs}, generator=generator).to("{device}").requires_grad_()',
        f'    gradient = torch.randn({inputs}, generator=generator).to("{device}")',
        "    h, activations = x, [x]",
        "    for _ in range(depth):",
        f"        weight = torch.empty({sizes})",
        "        fill(weight, generator)",
        f'        weight = weight.to("{device}")',
        *biased,
        f"        y = {layer}",
        f"        y = {outer.format('y')}",
        f"        h = {'h + y' if parameters.residual else 'y'}",
        "        activations.append(h)",
        "    gradients = [*torch.autograd.grad(h, activations[:-1], gradient), gradient]",
        "    # In float64: the squares of what has vanished lie below float32.",
        "    forward = [part.detach().double().std(correction=0) for part in activations]",
        "    backward = [part.double().std(correction=0) for part in gradients]",
        "    return torch.stack(forward).cpu(), torch.stack(backward).cpu()",
        "",
        "",
        "schemes = {",
        *fills,
        "}",
        "forward_std, backward_std = {}, {}",
        "for name, fill in schemes.items():",
        "    forward_std[name], backward_std[name] = propagate(fill)",
        '    print(f"{name}: activations {forward_std[name][-1]:.3g}, "',
        '          f"gradient {backward_std[name][0]:.3g}")',
        "",
    ]
    return "\n".join(lines)


def _fill(entry: Call, parameters: Initialization) -> Sequence[str]:
    """Return the lambda that fills a weight as torch's own call does."""
    nonlinearity = parameters.nonlinearity
    scheme = entry.scheme
    if entry.gain is not None:
        gain = f"{entry.gain:.10g}"
    elif nonlinearity in TORCH_GAINS:
        slope = ", slope" if nonlinearity == "leaky_relu" else ""
        gain = f'init.calculate_gain("{nonlinearity}"{slope})'
    else:
        gain = f"{unit_gain(nonlinearity, parameters.a)!r}"
    std, tail = f"{entry.std:.10g}", ", generator=generator)"
    match scheme:
        case "default":
            made = f"init.kaiming_uniform_(weight, a=5 ** 0.5{tail}"
        case "xavier_uniform" | "xavier_normal" | "orthogonal":
            made = f"init.{scheme}_(weight, gain={gain}{tail}"
        case "kaiming_uniform" | "kaiming_normal":
            own = entry.gain is not None or nonlinearity not in TORCH_GAINS
            slope = "a=slope, " if nonlinearity == "leaky_relu" and not own else ""
            made = (
                f'init.{scheme}_(weight, {slope}mode="{entry.mode}", '
                f'nonlinearity="{"linear" if own else nonlinearity}"{tail}'
            )
            if own:
                # torch takes a gain by the name of its nonlinearity alone.
                made += f".mul_({gain})"
        case "normal" | "trunc_normal":
            made = f"init.{scheme}_(weight, std={std}{tail}"
        case "uniform":
            end = repr(math.sqrt(3) * entry.std)
            made = f"init.uniform_(weight, -{end}, {end}{tail}"
        case "dirac":
            made = f"init.dirac_(weight, {'width' if parameters.kind == 'depthwise' else 1})"
        case "zeros":
            made = "init.zeros_(weight)"
        case _:
            made = f"init.constant_(weight, {std})"
    return ("        lambda weight, generator:", f"        {made}")


def table(view: View) -> str:
    """Return CSV text: a row per layer; a column per scheme and quantity.

    Columns: layer, then for each scheme forward_std, predicted_forward_std, backward_std,
    predicted_backward_std, signal_std, and dead, saturated, weight_std (empty at the input).
    """
    columns: list[tuple[str, list[str]]] = []
    for entry in view.entries:
        trace = entry.trace
        assert trace is not None
        for name in (
            "forward_std",
            "predicted_forward_std",
            "backward_std",
            "predicted_backward_std",
            "signal_std",
            "dead",
            "saturated",
            "weight_std",
        ):
            cells = [f"{value:.10g}" for value in getattr(trace, name).tolist()]
            if len(cells) == trace.depth:
                cells.insert(0, "")
            columns.append((f'"{entry.call} {name}"', cells))
    text = io.StringIO()
    text.write(",".join(["layer", *(name for name, _ in columns)]) + "\n")
    for layer in range(view.parameters.depth + 1):
        text.write(",".join([str(layer), *(cells[layer] for _, cells in columns)]) + "\n")
    return text.getvalue()
