"""Pruning by a pre-hook: before each forward, weight is made anew of weight_orig and a mask."""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_TUTORIAL = (
    "Pruning tutorial",
    "https://docs.pytorch.org/tutorials/intermediate/pruning_tutorial.html",
)
_WEIGHT = np.array([4.0, 1.0, -3.0, 2.0])


@dataclasses.dataclass(frozen=True)
class Pruning(Parameters):
    """Say how many weights are pruned, and how large a step follows."""

    amount: int = number(2, label="amount", help="Weights of four.", minimum=0, maximum=4, step=1)
    rate: float = number(
        0.5, label="lr", help="Of one step of descent.", minimum=0.25, maximum=2, step=0.25
    )


PROGRAM = """
import torch
from torch.nn.utils import prune

layer = torch.nn.Linear(4, 1, bias=False)
layer.weight.data = torch.tensor([[4., 1., -3., 2.]])
prune.l1_unstructured(layer, "weight", amount=${amount})
optimizer = torch.optim.SGD(layer.parameters(), lr=${rate})
x = torch.tensor([[1., 1., 2., 2.]])
layer(x).sum().backward()
optimizer.step()
before = layer.weight.detach()
layer(x)
after = layer.weight.detach()
"""


def _mask(settings: Pruning) -> NDArray[np.float64]:
    mask = np.ones(4)
    mask[np.argsort(np.abs(_WEIGHT))[: settings.amount]] = 0
    return mask


def _masked(trace: Trace, settings: Pruning) -> float:
    return difference(final(trace, "layer").buffers["weight_mask"].values, _mask(settings))


def _stepped(trace: Trace, settings: Pruning) -> float:
    mask, x = _mask(settings), np.array([1.0, 1.0, 2.0, 2.0])
    original = final(trace, "layer").parameters["weight_orig"]
    moved = _WEIGHT - settings.rate * mask * x
    if original.grad is None:
        return math.inf
    return max(
        difference(original.grad.values, mask * x),
        difference(original.values, moved),
        difference(final(trace, "before").values, mask * _WEIGHT),
        difference(final(trace, "after").values, mask * moved),
    )


def _product(trace: Trace, settings: Pruning) -> float:
    layer = final(trace, "layer")
    pairs = zip(
        layer.parameters["weight_orig"].values, layer.buffers["weight_mask"].values, strict=True
    )
    return difference(final(trace, "after").values, [value * kept for value, kept in pairs])


def _hooked(trace: Trace) -> tuple[Verdict, str]:
    hooks = final(trace, "hooks").text
    verdict = Verdict.HOLDS if "Unstructured" in hooks else Verdict.WRONG
    layer = final(trace, "layer")
    return verdict, (
        f"pre-hooks {hooks}, parameters {[*layer.parameters]}, buffers {[*layer.buffers]}"
    )


_STEP = """
import torch
from torch.nn.utils import prune

layer = torch.nn.Linear(2, 1, bias=False)
layer.weight.data = torch.tensor([[3., 0.1]])
prune.l1_unstructured(layer, "weight", amount=1)
optimizer = torch.optim.SGD(layer.parameters(), lr=1.)
layer(torch.ones(1, 2)).sum().backward()
optimizer.step()
y = layer(torch.ones(1, 2))
"""
_SAVED = """
import torch
from torch.nn.utils import prune

layer = torch.nn.Linear(2, 1)
prune.l1_unstructured(layer, "weight", amount=1)
prune.remove(layer, "weight")
saved = layer.state_dict()
torch.nn.Linear(2, 1).load_state_dict(saved)
"""
_HOOKS = """
import torch
from torch.nn.utils import prune
layer = torch.nn.Linear(4, 2)
prune.l1_unstructured(layer, "weight", amount=0.5)
hooks = [type(hook).__name__ for hook in layer._forward_pre_hooks.values()]
"""

PRUNING = Lesson(
    slug="pruning",
    title="pruning",
    notice="After the step weight was still [4, 0, -3, 0]; the next call's pre-hook made it "
    "[3.5, 0, -4, 0].",
    program=PROGRAM,
    parameters=Pruning,
    presets=(
        Preset("Two of four", "The two of least magnitude, 1 and 2, are masked.", Pruning()),
        Preset("None", "A mask of ones, and still a plain weight that lags behind.", Pruning(0)),
        Preset("All", "Nothing is left, and no gradient: weight_orig stays.", Pruning(4)),
    ),
    notes={
        "prune.l1": "weight_orig is the parameter, weight_mask a buffer, weight a plain tensor.",
        "before = ": "weight is as of the last call: the optimizer knows weight_orig alone.",
        "layer(x)": "The pre-hook sets weight = weight_orig * weight_mask, then forward runs.",
    },
    slips=(
        Slip(
            title="pruned weights come back",
            program=_STEP,
            wrong="layer.weight.data[0, 1] = 0.",
            right='prune.l1_unstructured(layer, "weight", amount=1)',
            lesson="A zero in a parameter is a number like others: it has a gradient, and moves. "
            "A mask is applied again before each forward.",
            source=(
                "pytorch-pruning#41",
                "https://github.com/jacobgil/pytorch-pruning/issues/41",
            ),
            opens="optimizer.step()",
        ),
        Slip(
            title="Missing key(s) in state_dict: weight. Unexpected: weight_orig, weight_mask",
            program=_SAVED,
            wrong="layer.weight",
            right='prune.remove(layer, "weight")',
            lesson="A pruned layer saves weight_orig and weight_mask. remove makes the product "
            "the parameter again, and takes the hook away.",
            source=("msd_pytorch#3", "https://github.com/ahendriksen/msd_pytorch/pull/3"),
            opens="load_state_dict",
        ),
    ),
    proofs=(
        Proof(
            "The mask is 0 for the weights of least magnitude.",
            "numpy.argsort",
            _masked,
            twin=("l1_unstructured(layer", "random_unstructured(layer"),
        ),
        Proof(
            "weight_orig moves where the mask is 1; weight follows at the next call.",
            "descent, in NumPy",
            _stepped,
            twin=("layer(x)\nafter", "layer.forward(x)\nafter"),
        ),
        Proof(
            "weight is weight_orig times weight_mask after a call.",
            "the product",
            _product,
            twin=("layer(x)\nafter", "layer.forward(x)\nafter"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="register_forward_pre_hook is used by torch.nn.utils.prune.",
            where="Hooks",
            program=_HOOKS,
            judge=_hooked,
            truth="The pruning method itself is the hook, until prune.remove.",
            twin=("amount=0.5)", 'amount=0.5)\nprune.remove(layer, "weight")'),
        ),
    ),
    ask=Ask(
        text="After prune.l1_unstructured(layer, 'weight', amount=1), what is layer.weight?",
        program="import torch\nfrom torch.nn.utils import prune\nlayer = torch.nn.Linear(2, 1)\n"
        "prune.l1_unstructured(layer, 'weight', amount=1)\nweight = layer.weight",
        answer=lambda trace: (
            "a buffer"
            if "weight" in final(trace, "layer").buffers
            else "a Parameter"
            if "weight" in final(trace, "layer").parameters
            else "a plain tensor with a graph"
        ),
        options=("a Parameter", "a buffer", "a plain tensor with a graph"),
        because="It is weight_orig * weight_mask, made anew before each forward.",
    ),
    references=(
        _TUTORIAL,
        (
            "torch.nn.utils.prune.l1_unstructured",
            f"{_DOCS}/generated/torch.nn.utils.prune.l1_unstructured.html",
        ),
    ),
    terms=("prune", "weight_orig", "weight_mask", "register_forward_pre_hook", "sparsity"),
)
