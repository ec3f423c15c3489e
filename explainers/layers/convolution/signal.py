"""Convolution in one dimension: along time, and from which side it is padded."""

import dataclasses
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from explainers.layers.convolution import reference
from explainers.linkage import Linkage, linkage
from explainers.parameters import Parameters, Preset, choice, number, numbers
from explainers.program.figure import Figure, FigureProof
from explainers.program.lessons import Ask, Lesson, Proof, Slip, final
from explainers.program.references import difference
from explainers.program.states import Trace

_CONV1D = ("torch.nn.Conv1d", "https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv1d.html")

_PAST = (
    "With all zeros before the signal no output reads ahead: the 1 at moment 3 is in outputs 3, 4 "
    "and 5, under 3, 2 and 1."
)


@dataclasses.dataclass(frozen=True)
class Signal(Parameters):
    """Say what the signal and the kernel hold, and on which side zeros are added."""

    signal: str = numbers(
        "0, 0, 0, 1, 0, 0, 0, 0",
        label="signal",
        help="One number a moment.",
        minimum=-9,
        maximum=9,
        columns=(6, 8),
    )
    kernel: str = numbers(
        "1, 2, 3", label="kernel", help="The weights.", minimum=-9, maximum=9, columns=(1, 3)
    )
    side: str = choice(
        "left",
        ("left", "both", "none"),
        label="zeros",
        help="Where they are added: before the signal, on both sides, nowhere.",
    )
    dilation: int = number(
        1, label="dilation", help="Moments from one tap to the next.", minimum=1, maximum=2
    )
    stride: int = number(
        1, label="stride", help="Moments from one window to the next.", minimum=1, maximum=3
    )


PROGRAM = """
import torch
from torch.nn.functional import conv1d, pad

signal = torch.tensor([[${signal}]])
kernel = torch.tensor([[${kernel}]])
reach = (kernel.shape[2] - 1) * ${dilation}
y = conv1d(${side}, kernel, stride=${stride}, dilation=${dilation})
"""


def _row(text: str) -> reference.Array:
    return np.array([float(cell) for cell in text.split(",")], np.float32).astype(np.float64)


def _before(settings: Signal) -> reference.Sides:
    """Return the zeros before and after the signal."""
    reach = reference.span(len(_row(settings.kernel)), settings.dilation) - 1
    sides = {"left": (reach, 0), "both": (reach // 2, reach - reach // 2), "none": (0, 0)}
    return sides[settings.side]


def _correlated(trace: Trace, settings: Signal) -> float:
    kernel = _row(settings.kernel)
    spread = np.zeros(reference.span(len(kernel), settings.dilation))
    spread[:: settings.dilation] = kernel
    bordered = np.pad(_row(settings.signal), _before(settings))
    expected = np.correlate(bordered, spread, "valid")[:: settings.stride]
    return difference(final(trace, "y").values, expected.tolist())


def _impulse(trace: Trace, settings: Signal) -> float:
    kernel = _row(settings.kernel)
    return difference(final(trace, "y").values[: len(kernel)], kernel[::-1].tolist())


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Hold a signal and what the convolution made of it.

    Attributes:
        signal: ``(1, n)``.
        output: ``(1, m)``.
        links: From signal to output; weights are the kernel's numbers.
        ahead: How many moments an output looks ahead of its own, at most; 0 for none. Its own is
            its place times the stride.
    """

    signal: Tensor
    output: Tensor
    links: Linkage
    ahead: int


def moments(trace: Trace, settings: Any, *, side: str = "") -> Moments:
    """Return what each output of the run reads; `side` pads another side, an error."""
    signal, output = (
        torch.tensor(final(trace, name).values, dtype=torch.float32)[None]
        for name in ("signal", "y")
    )
    kernel = torch.tensor(final(trace, "kernel").values, dtype=torch.float32)[None, None]
    zeros = _before(dataclasses.replace(settings, side=side or settings.side))

    def layer(row: Tensor) -> Tensor:
        padded = functional.pad(row, zeros)[None]
        stride, dilation = settings.stride, settings.dilation
        return functional.conv1d(padded, kernel, stride=stride, dilation=dilation)[0]

    links = linkage(layer, (1, signal.shape[1]), at=signal)
    own = torch.arange(links.out_shape[1])[:, None] * settings.stride
    ahead = int((links.indices[0] - own).max())
    return Moments(signal, output, links, max(ahead, 0))


def _read(found: Moments, settings: Signal) -> float:
    kernel, (before, after) = _row(settings.kernel), _before(settings)
    length = len(_row(settings.signal))
    windows = reference.taps(
        length + before + after, len(kernel), settings.stride, settings.dilation
    )
    if found.links.out_shape != (1, len(windows)):
        return float("inf")
    expected, given = np.zeros((len(windows), length)), np.zeros((len(windows), length))
    for place, taps in enumerate(windows):
        for at, weight in zip(taps, kernel, strict=True):
            if before <= at < before + length:
                expected[place, at - before] += weight
        for at, weight in zip(
            found.links.indices[0, place].tolist(),
            found.links.weights[0, place].tolist(),
            strict=True,
        ):
            if at >= 0:
                given[place, at] += weight
    return float(np.abs(given - expected).max())


def _looks(found: Moments, settings: Signal) -> float:
    kernel, (before, after) = _row(settings.kernel), _before(settings)
    length = len(_row(settings.signal))
    windows = reference.taps(
        length + before + after, len(kernel), settings.stride, settings.dilation
    )
    seen = [
        at - before - place * settings.stride
        for place, taps in enumerate(windows)
        for at, weight in zip(taps, kernel, strict=True)
        if weight and before <= at < before + length
    ]
    return abs(found.ahead - max([0, *seen]))


SIGNAL = Lesson(
    slug="signal",
    title="along time",
    notice=_PAST,
    program=PROGRAM,
    parameters=Signal,
    spelled={
        "side": {
            "left": "pad(signal, (reach, 0))",
            "both": "pad(signal, (reach // 2, reach - reach // 2))",
            "none": "signal",
        }
    },
    presets=(
        Preset(
            "Only the past",
            _PAST,
            Signal(),
        ),
        Preset(
            "Both sides",
            "The usual padding looks ahead: output 2 already knows the 1 of moment 3.",
            Signal(side="both"),
        ),
        Preset(
            "Dilated",
            "Taps two moments apart: the same three numbers reach four moments back.",
            Signal(dilation=2),
        ),
        Preset(
            "Differences",
            "Each output is a moment minus the one before.",
            Signal(signal="0, 1, 3, 6, 6, 6, 2, 0", kernel="-1, 1"),
        ),
    ),
    opens="y = conv1d",
    notes={
        "reach = ": "Moments that the first tap lies before the last.",
        "y = conv1d": "Signal and kernel are (batch, channels, time).",
    },
    slips=(
        Slip(
            title="a layer that sees the future",
            program="import torch\nfrom torch import nn\nfrom torch.nn.functional import pad\n\n"
            "torch.manual_seed(0)\nx = torch.tensor([[[0., 0, 0, 1, 0, 0]]])\n"
            "conv = nn.Conv1d(1, 1, 3, bias=False)\ny = conv(pad(x, (2, 0)))",
            wrong="y = conv(pad(x, (1, 1)))",
            right="y = conv(pad(x, (2, 0)))",
            lesson="padding= adds on both sides, and an output then reads ahead: pad before the "
            "signal alone, or cut the end off.",
            source=("pytorch#1333", "https://github.com/pytorch/pytorch/issues/1333"),
        ),
        Slip(
            title="time before channels",
            program="import torch\nfrom torch import nn\n\ntorch.manual_seed(0)\n"
            "x = torch.randn(1, 4, 4)  # batch, time, channels\nconv = nn.Conv1d(4, 2, 3)\n"
            "y = conv(x.transpose(1, 2))",
            wrong="y = conv(x)",
            right="y = conv(x.transpose(1, 2))",
            lesson="Conv1d wants (batch, channels, time), an RNN the other order. Where there are "
            "as many of one as of the other, nothing complains.",
            source=("pytorch#50962", "https://github.com/pytorch/pytorch/issues/50962"),
        ),
    ),
    proofs=(
        Proof(
            "conv1d is NumPy's correlate, every stride-th value of it.",
            "numpy.correlate in float64",
            _correlated,
            twin=("kernel, stride", "kernel.flip(2), stride"),
            tolerance=1e-4,
        ),
        Proof(
            "The kernel comes out back to front where a 1 meets it.",
            "the kernel, reversed",
            _impulse,
            program="""
import torch
from torch.nn.functional import conv1d

kernel = torch.tensor([[${kernel}]])
x = torch.zeros(1, 1, 2 * kernel.shape[2] - 1)
x[0, 0, kernel.shape[2] - 1] = 1
y = conv1d(x, kernel)
""",
            twin=("y = conv1d(x, kernel)", "y = conv1d(x, kernel.flip(2))"),
        ),
    ),
    figure=Figure(
        title="Which moments an output reads",
        result=moments,
        edits="signal",
        leads=True,
        proofs=(
            FigureProof(
                "The weights in the loupe are the kernel's numbers where each window stands.",
                "a loop over windows and taps",
                _read,
                twin=lambda trace, settings: moments(trace, settings, side="both"),
                tolerance=1e-6,
            ),
            FigureProof(
                "Padded on the left alone, no output reads ahead; otherwise as far as its window "
                "stands out.",
                "a loop over windows and taps",
                _looks,
                twin=lambda trace, settings: moments(trace, settings, side="both"),
            ),
        ),
    ),
    ask=Ask(
        text="conv1d of [1, 0, 0, 0] with [1, 2, 3], two zeros before it: what comes out?",
        program="import torch\nfrom torch.nn.functional import conv1d, pad\n"
        "x = torch.tensor([[[1., 0, 0, 0]]])\n"
        "y = conv1d(pad(x, (2, 0)), torch.tensor([[[1., 2, 3]]]))",
        answer=lambda trace: str([int(value) for value in final(trace, "y").values]),
        options=("[1, 2, 3, 0]", "[3, 2, 1, 0]", "[0, 3, 2, 1]"),
        because="At moment 0 the 1 lies under the kernel's last number, then under the one before.",
    ),
    references=(_CONV1D, ("WaveNet (2016), 2.1", "https://arxiv.org/abs/1609.03499")),
    terms=("nn.Conv1d", "F.conv1d", "causal", "receptive field"),
)
