"""Casts and moves: what a module changes in place, and what stays integer."""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, first
from explainers.program.references import difference
from explainers.program.states import ModuleState, TensorState, Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_CAST = "x.to(net[0].weight.dtype)"
_DTYPES = {
    "half()": "float16",
    "bfloat16()": "bfloat16",
    "double()": "float64",
    "to(torch.int32)": "float32",  # it raises, and nothing has changed
}


@dataclasses.dataclass(frozen=True)
class Moving(Parameters):
    """Say what the net is cast to, whether the input is cast too, and one of its values."""

    cast: str = choice("half()", tuple(_DTYPES), label="net", help="The method that casts it.")
    given: str = choice(
        _CAST, (_CAST, "x"), label="input", help="x is float32.", words=("cast too", "x as it is")
    )
    last: int = number(2, label="x[0, 1]", help="The last cell of x.", minimum=1, maximum=9, step=1)


PROGRAM = """
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).eval()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
net.${cast}
x = torch.tensor([[1., ${last}.]])
y = net(${given})
"""


def _tensors(net: ModuleState) -> list[TensorState]:
    return [
        tensor
        for child in net.children.values()
        for tensor in (*child.parameters.values(), *child.buffers.values())
    ]


def _cast(trace: Trace, settings: Moving) -> float:
    dtype = _DTYPES[settings.cast]
    expected = [dtype] * 6 + ["int64"]  # num_batches_tracked comes last
    return float([tensor.dtype for tensor in _tensors(final(trace, "net"))] != expected)


def _rounded(values: tuple[float, ...], dtype: str) -> NDArray[np.float64]:
    wide = np.array(values, np.float32)
    if dtype == "bfloat16":  # the upper half of a float32, to the nearest, ties to even
        bits = wide.view(np.uint32).astype(np.uint64)
        bits += 0x7FFF + ((bits >> 16) & 1)
        wide = ((bits >> 16) << 16).astype(np.uint32).view(np.float32)
    else:
        wide = wide.astype(dtype)
    return wide.astype(np.float64)


def _values(trace: Trace, settings: Moving) -> float:
    before, after = _tensors(first(trace, "net")), _tensors(final(trace, "net"))
    return max(
        difference(new.values, _rounded(old.values, _DTYPES[settings.cast]).tolist())  # type: ignore[arg-type]
        for old, new in zip(before, after, strict=True)
    )


def _same(trace: Trace, settings: Moving) -> float:
    held = final(trace, "optimizer").groups[0]["params"].items
    net = final(trace, "net").children
    own = [*net["0"].parameters.values(), *net["1"].parameters.values()]
    return float([one.identity for one in held] != [one.identity for one in own])


def _runs(trace: Trace, settings: Moving) -> float:
    if settings.cast == "to(torch.int32)":
        expected = "TypeError"
    else:
        expected = "RuntimeError" if settings.given == "x" else ""
    found = trace.failure.kind if trace.failure else ""
    if found != expected:
        return math.inf
    return float(not expected and final(trace, "y").dtype != _DTYPES[settings.cast])


def _floats_only(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.HOLDS, f"{trace.failure.kind}: {trace.failure.message}"
    return Verdict.OBSOLETE, f"the weight is {final(trace, 'net').parameters['weight'].dtype}"


def _input_too(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.HOLDS, f"{trace.failure.kind}: {trace.failure.message}"
    return Verdict.WRONG, f"it runs, and gives {final(trace, 'y').dtype}"


def _order(trace: Trace) -> tuple[Verdict, str]:
    rows = [final(trace, name).parameters["weight"] for name in ("a", "b")]
    words = " and ".join(f"{row.dtype} on {row.device}" for row in rows)
    same = (rows[0].dtype, rows[0].device) == (rows[1].dtype, rows[1].device)
    return (Verdict.CONDITION if same else Verdict.HOLDS), f"first half, and last: {words}"


def _in_place(trace: Trace) -> tuple[Verdict, str]:
    x, net = final(trace, "x").dtype, final(trace, "net").parameters["weight"].dtype
    words = f"x is {x}, the net {net}"
    if net != "float64":
        return Verdict.WRONG, words
    return (Verdict.HOLDS if x == "float64" else Verdict.CONDITION), words


def _all_moved(trace: Trace) -> tuple[Verdict, str]:
    net, same = final(trace, "net"), final(trace, "same").text
    devices = {one.device for one in (*net.parameters.values(), *net.buffers.values())}
    right = devices == {"meta"} and same == "True"
    words = f"on {', '.join(sorted(devices))}; returns the module: {same}"
    return (Verdict.HOLDS if right else Verdict.WRONG), words


MOVING = Lesson(
    slug="moving",
    title="half, double, to",
    notice="Weights and running statistics are float16, num_batches_tracked is int64 still; the "
    "optimizer holds the same parameters as before.",
    program=PROGRAM,
    parameters=Moving,
    presets=(
        Preset("half", "Input and weights are float16, and so is y.", Moving()),
        Preset(
            "float32 comes in",
            "The dtypes of input and weight differ: refused.",
            Moving(given="x"),
        ),
        Preset(
            "double", "Every value is as it was: float64 holds each float32.", Moving("double()")
        ),
        Preset("To an integer", "Refused, and nothing has changed.", Moving("to(torch.int32)")),
    ),
    opens="y = net(",
    notes={
        "optimizer = ": "Made before the cast, and good after it: each Parameter stays the object "
        "that it is.",
    },
    slips=(
        Slip(
            title="x.to(…) without taking what it returns",
            program="import torch\n\nx = torch.ones(2)\nnet = torch.nn.Linear(2, 1)\n"
            "net.to(torch.float64)\nx = x.to(torch.float64)\ny = net(x)",
            wrong="x.to(torch.float64)",
            right="x = x.to(torch.float64)",
            lesson="A tensor's to returns another tensor. A module's changes the module itself, "
            "and returns it.",
            source=("accelerate#2251", "https://github.com/huggingface/accelerate/issues/2251"),
            opens="y = net(x)",
        ),
        Slip(
            title="half() taken for a copy",
            program="import copy\nimport torch\n\ntorch.manual_seed(0)\n"
            "net = torch.nn.Linear(2, 1)\nsmall = copy.deepcopy(net).half()\n"
            "y = net(torch.ones(2))",
            wrong="small = net.half()",
            right="small = copy.deepcopy(net).half()",
            lesson="small is net, and net is half now: what was rounded away is gone. Copy first.",
            source=(
                "MLOps_course_AGH#14",
                "https://github.com/j-adamczyk/MLOps_course_AGH/pull/14",
            ),
        ),
    ),
    proofs=(
        Proof(
            "What is floating point has the new dtype; num_batches_tracked stays int64.",
            "the rule, in Python",
            _cast,
            twin=("net.${cast}", "net[0].${cast}"),
            kind=Kind.INVARIANT,
        ),
        Proof(
            "Each value is the nearest one that the new dtype holds.",
            "numpy; for bfloat16, the bits of a float32",
            _values,
            twin=("net.${cast}", "net.${cast}.bfloat16()"),
        ),
        Proof(
            "The optimizer holds the net's parameters, after the cast as before.",
            "the tensors' identity",
            _same,
            twin=("net.${cast}", "net[1] = nn.BatchNorm1d(2).eval(); net.${cast}"),
            kind=Kind.INVARIANT,
        ),
        Proof(
            "The net runs if its input has its dtype; to an integer, the cast is refused.",
            "the rule, in Python",
            _runs,
            twin=("y = net(${given})", "y = net(${given}.double())"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="Module.to takes floating point dtypes only.",
            where="cuda() & cpu() & to()",
            program="import torch\nnet = torch.nn.Linear(1, 1)\nnet.to(torch.complex64)",
            judge=_floats_only,
            truth="Complex ones too, today. Integers are refused, and integer buffers left alone.",
            twin=("torch.complex64", "torch.int32"),
        ),
        Statement(
            says="After model.half(), the input must be half too.",
            where="Faster, and less memory",
            program="import torch\nnet = torch.nn.Linear(2, 1).half()\ny = net(torch.ones(1, 2))",
            judge=_input_too,
            truth="A float32 input is refused.",
            twin=("torch.ones(1, 2)", "torch.ones(1, 2).half()"),
        ),
        Statement(
            says="model.half() must come before the model goes to the GPU.",
            where="Faster, and less memory",
            program="import torch\na = torch.nn.Linear(2, 1).half().to('meta')\n"
            "b = torch.nn.Linear(2, 1).to('meta').half()",
            judge=_order,
            truth="Either order ends the same, here with the meta device for a GPU. half first "
            "only sends half as many bytes.",
            twin=(".to('meta').half()", ".to('meta')"),
        ),
        Statement(
            says="cuda(), cpu() and to() move all parameters and buffers, and return the module.",
            where="cuda() & cpu() & to()",
            program="import torch\nnet = torch.nn.BatchNorm1d(2)\nsame = net.to('meta') is net",
            judge=_all_moved,
            truth="All that are registered, here to the meta device; the module stays the object "
            "that it is.",
            twin=("net.to('meta') is net", "net.weight.to('meta') is net"),
        ),
        Statement(
            says="x.to(…) and model.to(…) move what they are called on.",
            where="cuda() & cpu() & to()",
            program="import torch\nx = torch.ones(2)\nnet = torch.nn.Linear(2, 1)\n"
            "x.to(torch.float64)\nnet.to(torch.float64)",
            judge=_in_place,
            truth="The module is changed in place. A tensor is not: x = x.to(…).",
            twin=("x.to(", "x = x.to("),
        ),
    ),
    ask=Ask(
        text="A BatchNorm1d is cast by half(). What is the dtype of num_batches_tracked?",
        program="import torch\nnorm = torch.nn.BatchNorm1d(2).half()",
        answer=lambda trace: str(final(trace, "norm").buffers["num_batches_tracked"].dtype),
        options=("float16", "float32", "int64"),
        because="Casts to a floating point dtype leave integer tensors alone.",
    ),
    references=(
        ("torch.nn.Module.to", f"{_DOCS}/generated/torch.nn.Module.html#torch.nn.Module.to"),
        ("torch.Tensor.to", f"{_DOCS}/generated/torch.Tensor.to.html"),
    ),
    terms=("Module.to", "half", "double", "bfloat16", "cuda", "num_batches_tracked"),
)
