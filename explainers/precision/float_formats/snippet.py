"""Write the code that reproduces a view, and its data."""

import io

from explainers.precision.float_formats.view import FloatFormats, View, exact
from explainers.precision.formats import FORMATS

_BODY = """from fractions import Fraction

import torch
import torch.nn.functional as F

device = "{device}"
formats = [{formats}]

# {written}, worked out exactly. torch reads a Python float.
exact = Fraction("{fraction}")
value = float(exact)
stored, error = {{}}, {{}}
for name in formats:
    dtype = getattr(torch, name)
    number = torch.tensor(value, dtype=torch.float64)
    if dtype is not torch.float64:
        number = number.float().to(device)  # torch's own cast passes through float32
    stored[name] = float(number.to(dtype).cpu().double())
    known = abs(stored[name]) != float("inf")
    error[name] = float(Fraction(stored[name]) - exact) if known else stored[name]

# The bits of {dtype}: sign, exponent, mantissa.
held = torch.tensor([stored["{dtype}"]], dtype=torch.float64).to(torch.{dtype})
raw = bytes(held.view(torch.uint8).tolist())[::-1]  # the lowest byte comes first in memory
code = "".join(f"{{byte:08b}}" for byte in raw)
bits = code[0], code[1 : 1 + {exponent_bits}], code[1 + {exponent_bits} :]

# A small model whose targets come in a small unit, trained in float32; then its gradients.
steps = {step}
generator = torch.Generator().manual_seed(0)
points = torch.randn(256, 8, generator=generator)
first = torch.randn(32, 8, generator=generator) * 8**-0.5
second = torch.randn(1, 32, generator=generator) * 2**-8 * 32**-0.5
order = torch.randint(256, (steps + 1, 32), generator=generator)
targets = 2**-8 * (points[:, :1] - 0.5 * points[:, 1:2] + 0.5 * (2 * points[:, 2:3]).sin())
points, targets = points.to(device), targets.to(device)
weights = [
    part.to(device).requires_grad_() for part in (first, torch.zeros(32), second, torch.zeros(1))
]
optimizer = torch.optim.SGD(weights, lr=0.1)
for step in range(steps + 1):
    optimizer.zero_grad()
    w1, b1, w2, b2 = weights
    batch = order[step]
    output = F.linear(torch.tanh(F.linear(points[batch], w1, b1)), w2, b2)
    (output - targets[batch]).square().mean().backward()
    if step < steps:
        optimizer.step()
gradients = torch.cat([part.grad.flatten() for part in weights]).cpu()

# What becomes of them in each format: zero, subnormal, normal, infinite.
size = (gradients.double() * 2.0**{power}).abs()
size = size[size > 0]
shares = {{}}
for name in formats:
    dtype = getattr(torch, name)
    cast = size.float().to(dtype).double()  # float32 times a power of 2: exact so far
    zero = cast == 0
    # float8_e4m3fn has no infinity: torch stores 448 for all beyond 464.
    infinite = size > 464 if name == "float8_e4m3fn" else cast.isinf()
    subnormal = ~zero & (cast < torch.finfo(dtype).smallest_normal)
    normal = ~(zero | subnormal | infinite)
    shares[name] = [float(part.double().mean()) for part in (zero, subnormal, normal, infinite)]

print("bits of {dtype}:", *bits)
for name in formats:
    print(f"{{name:14}} {{stored[name]!r:24}} off by {{error[name]:.2g}}", shares[name])
"""


def snippet(parameters: FloatFormats, *, device: str = "cpu") -> str:
    """Return runnable code that makes ``stored``, ``error``, ``bits``, ``gradients``, ``shares``.

    Args:
        parameters: The settings of the view.
        device: Where torch casts and trains.

    Returns:
        Python source that needs torch alone.
    """
    asked = exact(parameters.value)
    return _BODY.format(
        device=device,
        formats=", ".join(f'"{name}"' for name in FORMATS),
        written=parameters.value,
        fraction=asked,
        dtype=parameters.dtype,
        exponent_bits=FORMATS[parameters.dtype].exponent_bits,
        step=parameters.step,
        power=parameters.exponent,
    )


def table(view: View) -> str:
    """Return CSV text: a row per format, with what it stores and what becomes of the gradients.

    Columns: format, stored, error, kind, sign, exponent, mantissa, and the shares of the scaled
    gradients that become zero, subnormal, normal, infinite.
    """
    text = io.StringIO()
    text.write("format,stored,error,kind,sign,exponent,mantissa,zero,subnormal,normal,infinite\n")
    for found in view.inspections:
        bits, share = found.bits, view.shares[found.format.name]
        cells = (
            found.format.name,
            repr(found.stored),
            f"{found.error:.10g}",
            bits.kind,
            bits.sign,
            bits.exponent,
            bits.mantissa,
            *(
                f"{part:.17g}"
                for part in (share.zero, share.subnormal, share.normal, share.infinite)
            ),
        )
        text.write(",".join(cells) + "\n")
    return text.getvalue()
