"""The transposed matrix of the convolution: the way back for shapes and gradients, not values."""

import dataclasses

import numpy as np

from explainers.evidence import Kind, Verdict
from explainers.layers.transposed.matrices import MATRICES
from explainers.layers.transposed.reference import correlated, held, stamped
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, told
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable/generated"


@dataclasses.dataclass(frozen=True)
class Adjoining(Parameters):
    """Say which convolution it is."""

    kernel_size: int = number(3, label="kernel_size", help="Of both.", minimum=1, maximum=4, step=1)
    stride: int = number(2, label="stride", help="Of both.", minimum=1, maximum=3, step=1)
    padding: int = number(1, label="padding", help="Of both.", minimum=0, maximum=2, step=1)
    kernel: str = choice(
        "randn", ("randn", "ones"), label="kernel", help="Drawn with seed 0, or all 1."
    )


_PROGRAM_HEAD = """
import torch
import torch.nn.functional as F

torch.manual_seed(0)
kernel = torch.${kernel}(1, 1, ${kernel_size}, ${kernel_size})
x = torch.zeros(1, 1, 6, 6)
x[0, 0, 1:5, 1] = x[0, 0, 4, 1:5] = 1
lost = (6 + 2 * ${padding} - ${kernel_size}) % ${stride}
y = F.conv2d(x, kernel, stride=${stride}, padding=${padding})
again = F.conv_transpose2d(y, kernel, None, ${stride}, ${padding}, lost)
"""
PROGRAM = (
    _PROGRAM_HEAD
    + """
z = torch.randn_like(y)
back = F.conv_transpose2d(z, kernel, None, ${stride}, ${padding}, lost)
inner = (y * z).sum(), (x * back).sum()
off = (again - x).norm() / x.norm()
"""
)
_GRADIENT = (
    _PROGRAM_HEAD
    + """
z = torch.randn_like(y)
back = F.conv_transpose2d(z, kernel, None, ${stride}, ${padding}, lost)
x.requires_grad = True
F.conv2d(x, kernel, stride=${stride}, padding=${padding}).backward(z)
"""
)


def _gap(found: np.ndarray, expected: np.ndarray) -> float:
    if found.shape != expected.shape:
        return float("inf")
    return difference(found.ravel().tolist(), expected.ravel().tolist())


def _twice(trace: Trace, settings: Adjoining) -> float:
    kernel, x = (held(trace, name)[0, 0] for name in ("kernel", "x"))
    s, p = settings.stride, settings.padding
    y = correlated(x, kernel, stride=s, padding=p)
    lost = (6 + 2 * p - settings.kernel_size) % s
    again = stamped(y, kernel, stride=s, padding=p, output_padding=lost)
    return max(
        _gap(held(trace, "y")[0, 0], y),
        _gap(held(trace, "again")[0, 0], again),
        abs(float(held(trace, "off")) - float(np.linalg.norm(again - x) / np.linalg.norm(x))),
    )


def _inner(trace: Trace, _: Adjoining) -> float:
    x, y, z, back = (held(trace, name) for name in ("x", "y", "z", "back"))
    return abs(float((y * z).sum() - (x * back).sum()))


def _gradient(trace: Trace, _: Adjoining) -> float:
    grad = final(trace, "x").grad
    back = held(trace, "back")
    return difference(None if grad is None else grad.values, back.ravel().tolist())


def _undoes(trace: Trace) -> tuple[Verdict, str]:
    x, again = held(trace, "x"), held(trace, "again")
    off = float(np.linalg.norm(again - x) / np.linalg.norm(x)) if x.shape == again.shape else 0.0
    said = f"shapes {x.shape} and {again.shape}; off by {off:.3g} times the norm of x"
    right = x.shape == again.shape and off < 1e-6
    return Verdict.HOLDS if right else Verdict.WRONG, said


def _up(trace: Trace) -> tuple[Verdict, str]:
    sizes = told(trace, "sizes")
    return (
        Verdict.HOLDS if sizes[0] == sizes[2] > sizes[1] else Verdict.WRONG,
        f"{sizes[0]} to {sizes[1]} to {sizes[2]}",
    )


ADJOINING = Lesson(
    slug="adjoint",
    title="the adjoint, not the inverse",
    notice="Down and up again: the shape is back, the L is not; the matrix up is the one down, "
    "turned over its diagonal.",
    program=PROGRAM,
    parameters=Adjoining,
    presets=(
        Preset("Kernel 3, stride 2", "The shape is back, the values are not.", Adjoining()),
        Preset(
            "No overlap",
            "Kernel 2 and stride 2: each window is filled with one number times the kernel.",
            Adjoining(kernel_size=2, padding=0),
        ),
        Preset(
            "Ones",
            "With a kernel of ones a blur of the L comes back.",
            Adjoining(kernel="ones"),
        ),
        Preset(
            "Kernel 1",
            "One weight at stride 1: the picture comes back, times the weight's square.",
            Adjoining(kernel_size=1, stride=1, padding=0),
        ),
        Preset(
            "Stride 3",
            "Pixels between the windows are never read, and come back as 0.",
            Adjoining(kernel_size=2, stride=3, padding=0),
        ),
    ),
    opens="again = F.conv_transpose2d",
    notes={
        "lost = ": "Rows that no window reaches: output_padding gives them back as a size.",
        "y = F.conv2d": "Down.",
        "again = ": "Up with the same kernel.",
        "back = ": "Any z goes up the same way.",
        "inner = ": "One number twice: that is what adjoint means.",
        "off = ": "How far again is from x, as a share of x.",
    },
    shows=("kernel", "x", "y", "again", "z", "back", "off"),
    slips=(
        Slip(
            title="deconvolution to undo a convolution",
            program="import torch\nimport torch.nn.functional as F\n\n"
            "x = torch.tensor([[[1., 5., 2., 4.]]])\nkernel = torch.tensor([[[1., 2., 1.]]])\n"
            "y = F.conv1d(x, kernel, padding=1)\n"
            "matrix = F.conv1d(torch.eye(4)[:, None], kernel, padding=1)[:, 0].T\n"
            "found = torch.linalg.solve(matrix, y[0, 0])",
            wrong="found = F.conv_transpose1d(y, kernel, padding=1)[0, 0]",
            right="found = torch.linalg.solve(matrix, y[0, 0])",
            lesson="The transposed matrix is not the inverse. To undo a convolution, solve for "
            "what it was given; a layer that learns to is another matter.",
            source=("torch/nn#405", "https://github.com/torch/nn/pull/405"),
            shows=("x", "y", "matrix", "found"),
        ),
        Slip(
            title="the kernel turned for the way back",
            program="import torch\nimport torch.nn.functional as F\n\n"
            "x = torch.eye(3).view(1, 1, 3, 3).requires_grad_()\n"
            "kernel = torch.arange(1., 5.).view(1, 1, 2, 2)\ny = F.conv2d(x, kernel)\n"
            "y.backward(torch.ones_like(y))\n"
            "same = F.conv_transpose2d(torch.ones(1, 1, 2, 2), kernel)\n"
            "off = (same - x.grad).abs().max()",
            wrong="same = F.conv_transpose2d(torch.ones(1, 1, 2, 2), kernel.flip(2, 3))",
            right="same = F.conv_transpose2d(torch.ones(1, 1, 2, 2), kernel)",
            lesson="The gradient of a convolution is conv_transpose2d with the very same weight; "
            "it is a convolution with the kernel turned, which conv_transpose2d does by itself.",
            source=("conv_arithmetic#4", "https://github.com/vdumoulin/conv_arithmetic/issues/4"),
            shows=("x", "kernel", "same", "off"),
        ),
    ),
    proofs=(
        Proof(
            "Down, up and how far off are those of a loop.",
            "loops over windows and stamps in NumPy, float64",
            _twice,
            twin=(
                "again = F.conv_transpose2d(y, kernel,",
                "again = F.conv_transpose2d(y, kernel.mT,",
            ),
            tolerance=1e-3,
        ),
        Proof(
            "The inner product of conv(x) and z is that of x and conv_transpose(z).",
            "both sums in NumPy, float64",
            _inner,
            twin=(
                "back = F.conv_transpose2d(z, kernel,",
                "back = F.conv_transpose2d(z, kernel.flip(2, 3),",
            ),
            kind=Kind.INVARIANT,
            tolerance=1e-4,
        ),
        Proof(
            "conv_transpose(z) is the gradient that conv's backward pass makes of z.",
            "autograd",
            _gradient,
            twin=(
                "back = F.conv_transpose2d(z, kernel,",
                "back = F.conv_transpose2d(z, kernel.mT,",
            ),
            kind=Kind.ANOTHER_PATH,
            tolerance=1e-4,
            program=_GRADIENT,
        ),
    ),
    statements=(
        Statement(
            says="nn.ConvTranspose2d is deconvolution.",
            where="nn.ConvTranspose2d",
            program="import torch\nimport torch.nn.functional as F\n"
            "x = torch.arange(9.).view(1, 1, 3, 3)\n"
            "kernel = torch.tensor([[[[1., 2.], [3., 4.]]]])\ny = F.conv2d(x, kernel)\n"
            "again = F.conv_transpose2d(y, kernel)",
            judge=_undoes,
            truth="It is called so, and undoes no convolution: shapes come back, values do not.",
            twin=("[[[[1., 2.], [3., 4.]]]]", "[[[[1.]]]]"),
        ),
        Statement(
            says="A decoder involves operations such as deconvolution, which lead back up.",
            where="Encoder and decoder",
            program="import torch\nfrom torch import nn\n"
            "down = nn.Conv2d(1, 1, 4, stride=2, padding=1)\n"
            "up = nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1)\n"
            "x = torch.zeros(1, 1, 8, 8)\n"
            "sizes = [8, down(x).shape[-1], up(down(x)).shape[-1]]",
            judge=_up,
            truth="Sizes go back up; the values are what the decoder learns.",
            twin=("up = nn.ConvTranspose2d", "up = nn.Conv2d"),
        ),
    ),
    figure=MATRICES,
    ask=Ask(
        text="x is 9 × 9, conv = nn.Conv2d(1, 1, 3, bias=False), and up is "
        "nn.ConvTranspose2d(1, 1, 3, bias=False) with conv's weight. What is up(conv(x))?",
        program="import torch\nfrom torch import nn\ntorch.manual_seed(0)\n"
        "conv, up = nn.Conv2d(1, 1, 3, bias=False), nn.ConvTranspose2d(1, 1, 3, bias=False)\n"
        "up.weight = conv.weight\nx = torch.randn(1, 1, 9, 9)\nagain = up(conv(x))\n"
        "alike = again.shape == x.shape, torch.allclose(again, x)",
        answer=lambda trace: {
            (True, True): "x",
            (True, False): "9 × 9, but not x",
            (False, False): "of another size",
        }[told(trace, "alike")],
        options=("x", "9 × 9, but not x", "of another size"),
        because="It is the matrix of conv times its transposed, which is no identity.",
    ),
    references=(
        ("torch.nn.ConvTranspose2d", f"{_DOCS}/torch.nn.ConvTranspose2d.html"),
        (
            "Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016",
            "https://arxiv.org/abs/1603.07285",
        ),
    ),
    terms=("adjoint", "deconvolution", "conv_transpose2d", "ConvTranspose1d"),
)
