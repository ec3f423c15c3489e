"""Groups as wiring: which channels in reach which channels out, and what that saves."""

import dataclasses
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explainers.evidence import Kind, Verdict
from explainers.layers.convolution import reference
from explainers.linkage import jacobian
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.figure import Figure, FigureProof
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, told
from explainers.program.references import difference
from explainers.program.states import Trace

_CONV2D = ("torch.nn.Conv2d", "https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html")

_THREE = (
    "Three groups: channels 0 and 1 reach outputs 0 and 1 alone, and 12 weights do where one group "
    "takes 36."
)


@dataclasses.dataclass(frozen=True)
class Groups(Parameters):
    """Say how many channels there are and in how many groups."""

    c_in: str = choice("6", ("4", "6", "8"), label="in_channels", help="Channels in.")
    c_out: str = choice("6", ("4", "6", "8", "12"), label="out_channels", help="Channels out.")
    groups: int = number(
        3, label="groups", help="Both numbers of channels divide by it.", minimum=1, maximum=8
    )
    zeroed: int = number(0, label="zeroed", help="The channel set to 0.", minimum=0, maximum=3)


PROGRAM = """
import torch
from torch import nn

torch.manual_seed(0)
conv = nn.Conv2d(${c_in}, ${c_out}, 1, groups=${groups}, bias=False)
x = torch.randn(1, ${c_in}, 2, 2)
y = conv(x)
z = x.clone()
z[:, ${zeroed}] = 0
changed = (conv(z) != y).any(dim=(0, 2, 3))
numbers = conv.weight.numel()
"""


def unfit(settings: Any) -> bool:
    """Return whether torch has a reason to refuse."""
    return any(int(each) % settings.groups for each in (settings.c_in, settings.c_out))


def _refusal(trace: Trace, settings: Groups) -> float | None:
    if trace.failure is None:
        return None
    return 0.0 if unfit(settings) and trace.failure.kind == "ValueError" else math.inf


def _array(trace: Trace, name: str) -> reference.Array:
    state = final(trace, name)
    return np.array(state.values, np.float64).reshape(state.shape)


def _weight(trace: Trace) -> reference.Array:
    state = final(trace, "conv").parameters["weight"]
    return np.array(state.values, np.float64).reshape(state.shape)


def _blocks(trace: Trace, settings: Groups) -> float:
    refusal = _refusal(trace, settings)
    if refusal is not None:
        return refusal
    x, y, weight = _array(trace, "x"), _array(trace, "y"), _weight(trace)
    outs, ins = (int(each) // settings.groups for each in (settings.c_out, settings.c_in))
    expected = np.zeros(y.shape)
    for out in range(int(settings.c_out)):
        group = out // outs
        for k in range(ins):
            expected[0, out] += weight[out, k, 0, 0] * x[0, group * ins + k]
    return float(np.abs(y - expected).max())


def _counted(trace: Trace, settings: Groups) -> float:
    refusal = _refusal(trace, settings)
    if refusal is not None:
        return refusal
    expected = int(settings.c_in) * int(settings.c_out) // settings.groups
    return difference((told(trace, "numbers"),), (expected,))


def _reached(trace: Trace, settings: Groups) -> float:
    refusal = _refusal(trace, settings)
    if refusal is not None:
        return refusal
    outs, ins = (int(each) // settings.groups for each in (settings.c_out, settings.c_in))
    expected = [out // outs == settings.zeroed // ins for out in range(int(settings.c_out))]
    return difference(final(trace, "changed").values, expected)


@dataclasses.dataclass(frozen=True, slots=True)
class Wiring:
    """Hold which channels are wired.

    Attributes:
        ins: Channels in.
        outs: Channels out.
        groups: Groups.
        wires: (in, out) where torch's derivative of a channel out by a channel in is not 0.
        zeroed: The channel set to 0.
        changed: Channels out that it changed.
        numbers: Weights of the layer.
        dense: Weights that it would have with one group.
        refusal: What torch said; empty where it did not refuse.
    """

    ins: int
    outs: int
    groups: int
    wires: tuple[tuple[int, int], ...]
    zeroed: int
    changed: tuple[int, ...]
    numbers: int
    dense: int
    refusal: str = ""


def wiring(trace: Trace, settings: Any) -> Wiring:
    """Return which channels of the lesson's run are wired."""
    ins, outs = int(settings.c_in), int(settings.c_out)
    dense = torch.nn.Conv2d(ins, outs, 1, bias=False, device="meta").weight.numel()
    if trace.failure is not None:
        words = trace.failure.message
        return Wiring(ins, outs, settings.groups, (), settings.zeroed, (), 0, dense, words)
    weight = torch.from_numpy(_weight(trace)).float()
    groups = ins // weight.shape[1]

    def layer(pixel: Tensor) -> Tensor:
        return torch.nn.functional.conv2d(pixel[:, None, None], weight, groups=groups)[:, 0, 0]

    slopes = jacobian(layer, torch.zeros(ins))
    wires = tuple((int(k), int(out)) for out, k in slopes.nonzero())
    changed = tuple(at for at, value in enumerate(final(trace, "changed").values) if value)
    numbers = told(trace, "numbers")
    return Wiring(ins, outs, settings.groups, wires, settings.zeroed, changed, numbers, dense)


def _wires(found: Wiring, settings: Groups) -> float:
    if found.refusal:
        return 0.0 if unfit(settings) else math.inf
    ins, outs = found.ins // settings.groups, found.outs // settings.groups
    expected = {
        (group * ins + k, group * outs + out)
        for group in range(settings.groups)
        for k in range(ins)
        for out in range(outs)
    }
    return float(len(expected ^ set(found.wires)))


def _at_its_ends(found: Wiring, _: Groups) -> float:
    if found.refusal:
        return 0.0
    ends = sorted(out for k, out in found.wires if k == found.zeroed)
    return difference(found.changed, ends)


def _keyword(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        word = "group" if "'group'" in trace.failure.message else trace.failure.message
        return Verdict.WRONG, f"{trace.failure.kind}: unexpected keyword {word}"
    return Verdict.HOLDS, f"the weight is {final(trace, 'conv').parameters['weight'].shape}"


def _sized(trace: Trace) -> tuple[Verdict, str]:
    shape = final(trace, "conv").parameters["weight"].shape
    said = f"{shape}, {math.prod(shape)} numbers"
    return (Verdict.HOLDS if shape == (6, 2, 1, 1) else Verdict.WRONG), said


def _parallel(trace: Trace) -> tuple[Verdict, str]:
    error = difference(final(trace, "whole").values, final(trace, "halves").values)
    said = f"two layers side by side differ by {error:.1g}"
    return (Verdict.HOLDS if error < 1e-5 else Verdict.WRONG), said


def _divides(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is None:
        return Verdict.WRONG, "torch takes them"
    return Verdict.HOLDS, f"{trace.failure.kind}: {trace.failure.message}"


def _used(trace: Trace) -> tuple[Verdict, str]:
    used = sum(final(trace, "changed").values)
    said = f"zeroing channel 1 of 4 changes {used} of 8 outputs"
    return (Verdict.HOLDS if used == 4 else Verdict.WRONG), said


def _depthwise(trace: Trace) -> tuple[Verdict, str]:
    changed = [at for at, value in enumerate(final(trace, "changed").values) if value]
    said = f"channel 1 of 3 reaches the outputs {changed} of 6"
    return (Verdict.HOLDS if changed == [2, 3] else Verdict.WRONG), said


GROUPS = Lesson(
    slug="groups",
    title="groups as wiring",
    notice=_THREE,
    program=PROGRAM,
    parameters=Groups,
    presets=(
        Preset(
            "Three groups",
            _THREE,
            Groups(),
        ),
        Preset(
            "One group",
            "Every channel reaches every output, and a zeroed one changes them all.",
            Groups(groups=1),
        ),
        Preset(
            "Depthwise",
            "As many groups as channels: each has two outputs of its own.",
            Groups(c_out="12", groups=6),
        ),
        Preset(
            "Not divisible", "4 groups do not divide 6 channels: torch refuses.", Groups(groups=4)
        ),
    ),
    opens="changed = ",
    shows=("conv", "x", "z", "changed", "numbers"),
    notes={
        "conv = ": "The weight is (out, in / groups, 1, 1).",
        "changed = ": "By output channel: whether the zeroed channel made a difference.",
    },
    slips=(
        Slip(
            title="groups=out_channels",
            program="import torch\nfrom torch import nn\n\n"
            "conv = nn.Conv2d(3, 6, 3, groups=3)\ny = conv(torch.ones(1, 3, 4, 4))",
            wrong="conv = nn.Conv2d(3, 6, 3, groups=6)",
            right="conv = nn.Conv2d(3, 6, 3, groups=3)",
            lesson="Depthwise is groups=in_channels; both are the same where in equals out.",
            source=(
                "pytorch-image-models#354",
                "https://github.com/huggingface/pytorch-image-models/issues/354",
            ),
        ),
        Slip(
            title="fan_out of a depthwise layer",
            program="import torch\nfrom torch import nn\n\ntorch.manual_seed(0)\n"
            "conv = nn.Conv2d(4, 4, 3, groups=4)\n"
            'nn.init.kaiming_normal_(conv.weight, mode="fan_in")\n'
            "spread = conv.weight.std().item()",
            wrong='nn.init.kaiming_normal_(conv.weight, mode="fan_out")',
            right='nn.init.kaiming_normal_(conv.weight, mode="fan_in")',
            lesson="fan_out counts all channels out, 4 · 9, though a channel in reaches 9 weights: "
            "the weights come out half as large.",
            source=("pytorch#23854", "https://github.com/pytorch/pytorch/issues/23854"),
            shows=("spread",),
        ),
    ),
    proofs=(
        Proof(
            "A channel out is the weighted sum of its own group's channels in; groups that do not "
            "divide both numbers of channels are refused.",
            "a loop over groups and channels, float64",
            _blocks,
            twin=("groups=${groups}", "groups=1"),
            tolerance=1e-5,
        ),
        Proof(
            "There are in · out / groups weights.",
            "the product",
            _counted,
            twin=("groups=${groups}", "groups=2 * ${groups}"),
        ),
        Proof(
            "Zeroing a channel changes its group's outputs, and no others.",
            "integer division by the group's size",
            _reached,
            twin=("z[:, ${zeroed}] = 0", "z[:, ${zeroed} + 2] = 0"),
        ),
    ),
    statements=(
        Statement(
            says="Conv2d(in_channels=6, out_channels=6, kernel_size=1, group=3) has 3 groups.",
            where="The groups parameter",
            program="from torch import nn\n"
            "conv = nn.Conv2d(in_channels=6, out_channels=6, kernel_size=1, group=3)",
            judge=_keyword,
            truth="The word is groups; group is refused.",
            twin=("group=3", "groups=3"),
        ),
        Statement(
            says="With 6 channels in, 6 out and 3 groups the weight is [6, 2, 1, 1].",
            where="The groups parameter",
            program="from torch import nn\nconv = nn.Conv2d(6, 6, 1, groups=3)",
            judge=_sized,
            truth="(out, in / groups, rows, columns).",
            twin=("groups=3", "groups=2"),
        ),
        Statement(
            says="groups=2 is two convolutions side by side, each of half the channels, joined.",
            where="The groups parameter",
            program="import torch\nfrom torch import nn\nfrom torch.nn.functional import conv2d\n"
            "torch.manual_seed(0)\nconv = nn.Conv2d(4, 6, 3, groups=2)\n"
            "x = torch.randn(1, 4, 4, 4)\nw, b = conv.weight, conv.bias\nwhole = conv(x)\n"
            "upper = conv2d(x[:, :2], w[:3], b[:3])\nlower = conv2d(x[:, 2:], w[3:], b[3:])\n"
            "halves = torch.cat([upper, lower], 1)",
            judge=_parallel,
            truth="It is, and nothing crosses from one half to the other.",
            twin=("conv2d(x[:, 2:], w[3:], b[3:])", "conv2d(x[:, ::2], w[3:], b[3:])"),
        ),
        Statement(
            says="A group's channels are used out_channels / groups times.",
            where="The groups parameter",
            program="import torch\nfrom torch import nn\ntorch.manual_seed(0)\n"
            "conv = nn.Conv2d(4, 8, 1, groups=2)\nx = torch.randn(1, 4, 3, 3)\nz = x.clone()\n"
            "z[:, 1] = 0\nchanged = (conv(z) != conv(x)).any(dim=(0, 2, 3))",
            judge=_used,
            truth="They are: 8 / 2 outputs read each channel, and with groups=1 all 8.",
            twin=("groups=2", "groups=1"),
        ),
        Statement(
            says="in_channels and out_channels must both be divisible by groups.",
            where="Conv2d()",
            program="from torch import nn\nconv = nn.Conv2d(6, 9, 1, groups=2)",
            judge=_divides,
            truth="They must: the constructor raises ValueError.",
            twin=("groups=2", "groups=3"),
        ),
        Statement(
            says="With groups=in_channels each channel has out / in filters of its own: depthwise.",
            where="The groups parameter",
            program="import torch\nfrom torch import nn\ntorch.manual_seed(0)\n"
            "conv = nn.Conv2d(3, 6, 3, groups=3)\nx = torch.randn(1, 3, 4, 4)\nz = x.clone()\n"
            "z[:, 1] = 0\nchanged = (conv(z) != conv(x)).any(dim=(0, 2, 3))",
            judge=_depthwise,
            truth="It has; out must be a multiple of in.",
            twin=("groups=3", "groups=1"),
        ),
    ),
    figure=Figure(
        title="Which channels reach which",
        result=wiring,
        leads=True,
        proofs=(
            FigureProof(
                "A wire joins every channel in with every channel out of its group, and no others.",
                "a loop over groups",
                _wires,
                twin=("groups=${groups}", "groups=1"),
            ),
            FigureProof(
                "What the zeroed channel changed is what its wires lead to.",
                "the wires, from torch's derivative",
                _at_its_ends,
                twin=("z[:, ${zeroed}] = 0", "z[:, ${zeroed} + 2] = 0"),
                kind=Kind.ANOTHER_PATH,
            ),
        ),
    ),
    ask=Ask(
        text="How many weights has nn.Conv2d(64, 64, 3, groups=64, bias=False)?",
        program="from torch import nn\n"
        'conv = nn.Conv2d(64, 64, 3, groups=64, bias=False, device="meta")\n'
        "count = conv.weight.numel()",
        answer=lambda trace: str(told(trace, "count")),
        options=("576", "4096", "36864"),
        because="Each channel has one 3×3 kernel of its own, 64 · 9. One group has 64 times that.",
    ),
    references=(_CONV2D, ("MobileNets (2017)", "https://arxiv.org/abs/1704.04861")),
    terms=("groups", "depthwise", "in_channels", "out_channels"),
)
