"""Write the code that reproduces a view."""

import inspect

from explainers.precision.autocast import operations
from explainers.precision.autocast.rows import EXPONENTS
from explainers.precision.autocast.view import Autocast

_MARK = "# --- taken away from here ---"


def snippet(parameters: Autocast, *, device: str = "cpu") -> str:
    """Return runnable code that makes ``table`` and ``errors``.

    ``table`` holds dtype and error of every operation, by name; None where torch raised.
    ``errors`` holds the chosen operation's error by size of the inputs.

    Args:
        parameters: The settings of the view.
        device: Where torch computes.

    Returns:
        Python source that needs torch alone.
    """
    ops = inspect.getsource(operations).split(_MARK)[1].strip()
    ops = ops.replace("OPS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] =", "OPS =")
    return f'''import torch
import torch.nn.functional as F

device, dtype = "{device}", torch.{parameters.dtype}
exponent, kind, enabled, chosen = {parameters.exponent}, "{parameters.inputs}", \
{parameters.enabled}, "{parameters.op}"

{ops}

generator = torch.Generator().manual_seed(0)
A, B = (0.1 + 0.8 * torch.rand(4, 4, generator=generator) for _ in range(2))


def outcome(name, exponent):
    """Return dtype and error, relative to float64; None where torch raises."""
    size = 2.0 ** (min(exponent, 0) if name in BELOW_1 else exponent)
    a, b = A * size, B * size
    true = OPS[name](a.double(), b.double())
    a = a.to(device, torch.float32 if kind == "float32" else dtype)
    b = b.to(device, dtype if kind == "lower" else torch.float32)
    try:
        with torch.autocast(torch.device(device).type, dtype=dtype, enabled=enabled):
            output = OPS[name](a, b)
    except (RuntimeError, NotImplementedError):
        return None
    finite = true.isfinite()
    if not finite.any():
        return output.dtype, float("nan")  # float64 overflows too
    error = (output.cpu().double() - true)[finite].abs().max()
    error = float(error / true[finite].abs().max()) if error else 0.0
    return output.dtype, error if error < float("inf") else float("inf")


table = {{name: outcome(name, exponent) for name in OPS}}
errors = {{size: outcome(chosen, size) for size in range({EXPONENTS[0]}, {EXPONENTS[1] + 1})}}
for name, found in table.items():
    print(f"{{name:36}}", found or "raises")
'''
