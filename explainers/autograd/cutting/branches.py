"""detach: a branch that does not reach the trunk."""

import dataclasses
import math

import numpy as np

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Branches(Parameters):
    """Say what the branch is given, and its weight."""

    given: str = choice(
        "h.detach()",
        ("h", "h.detach()", "h.detach().requires_grad_()", "h.detach_()"),
        label="d",
        help="What the branch sees of the trunk.",
    )
    v: int = number(2, label="v", help="The branch's weight.", minimum=-3, maximum=4, step=1)


PROGRAM = """
import torch

w = torch.tensor([3., 4.], requires_grad=True)
v = torch.tensor(${v}., requires_grad=True)
h = w * torch.tensor([1., 2.])
d = ${given}
loss = (h ** 2).sum() + (v * d).sum()
loss.backward()
"""

_X = np.array([1.0, 2.0])
_H = np.array([3.0, 8.0])


def _trunk(trace: Trace, settings: Branches) -> float:
    grad = final(trace, "w").grad
    if settings.given == "h.detach_()":
        return 0.0 if grad is None else math.inf
    expected = (2 * _H + (settings.v if settings.given == "h" else 0)) * _X
    return math.inf if grad is None else difference(grad.values, expected.tolist())


def _branch(trace: Trace, settings: Branches) -> float:
    grad = final(trace, "v").grad
    return math.inf if grad is None else difference(grad.values, [float(_H.sum())])


def _own(trace: Trace, settings: Branches) -> float:
    grad = final(trace, "d").grad
    if settings.given != "h.detach().requires_grad_()":
        return 0.0 if grad is None else math.inf
    return math.inf if grad is None else difference(grad.values, [settings.v] * 2)


def _memory(trace: Trace, _: Branches) -> float:
    return float(final(trace, "d").storage != final(trace, "h").storage)


def _never(trace: Trace) -> tuple[Verdict, str]:
    found = {name: final(trace, name).grad for name in ("a", "c")}
    words = ", ".join(
        f"{name}.grad is {'None' if grad is None else list(grad.values)}"
        for name, grad in found.items()
    )
    return (Verdict.HOLDS if found["c"] is None else Verdict.WRONG), words


def _spared(trace: Trace) -> tuple[Verdict, str]:
    values = list(final(trace, "w").grad.values)
    right = values == [6.0, 8.0]
    return (Verdict.HOLDS if right else Verdict.WRONG), f"w.grad is {values}; alone [6.0, 8.0]"


BRANCHES = Lesson(
    slug="detach",
    title="detach a branch",
    notice="The branch's gradient ends at d: w hears of the trunk's own loss alone.",
    program=PROGRAM,
    parameters=Branches,
    presets=(
        Preset("Detached", "w.grad is the trunk's own, v.grad the branch's.", Branches()),
        Preset("Not detached", "v's weight is in w.grad, too.", Branches("h")),
        Preset(
            "A new leaf",
            "Asked for it, d gets a gradient of its own; it goes no further.",
            Branches("h.detach().requires_grad_()"),
        ),
        Preset(
            "detach_",
            "In place: h itself lost its graph, so the trunk's own loss is cut, too.",
            Branches("h.detach_()"),
        ),
    ),
    notes={
        "d = ": "detach gives a new tensor over the same memory; detach_ changes h.",
        "loss.backward()": "It stops where the graph stops, and says nothing.",
    },
    slips=(
        Slip(
            title="training the discriminator without detach",
            program="import torch\n\ng = torch.tensor(1., requires_grad=True)\n"
            "d = torch.tensor(2., requires_grad=True)\nfake = g * 3\n"
            "loss = (d * fake.detach() - 1) ** 2\nloss.backward()",
            wrong="loss = (d * fake - 1) ** 2",
            right="loss = (d * fake.detach() - 1) ** 2",
            lesson="The discriminator's loss goes back into the generator: work for nothing, and "
            "a wrong g.grad if it is not zeroed before the generator's turn.",
            source=(
                "pytorch-CycleGAN-and-pix2pix#388",
                "https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix/issues/388",
            ),
        ),
        Slip(
            title="training the generator with detach",
            program="import torch\n\ng = torch.tensor(1., requires_grad=True)\n"
            "d = torch.tensor(2., requires_grad=True)\nfake = g * 3\n"
            "loss = (d * fake - 1) ** 2\nloss.backward()",
            wrong="loss = (d * fake.detach() - 1) ** 2",
            right="loss = (d * fake - 1) ** 2",
            lesson="Here the gradient has to go through the discriminator into the generator. "
            "Detached, g.grad stays None and nothing is raised.",
            source=(
                "image2reverb#37",
                "https://github.com/nikhilsinghmus/image2reverb/issues/37",
            ),
        ),
    ),
    proofs=(
        Proof(
            "w.grad is 2h · x, with the branch's share if it is not detached, and None after "
            "detach_.",
            "the chain rule, in NumPy",
            _trunk,
            twin=("d = ${given}", "d = h"),
        ),
        Proof(
            "v.grad is the sum of h, cut or not.",
            "the chain rule, in NumPy",
            _branch,
            twin=("(v * d).sum()", "(v * d).mean()"),
        ),
        Proof(
            "d gets a gradient of its own if it is a leaf that asks for one: v.",
            "the chain rule, in Python",
            _own,
            twin=("d = ${given}", "d = h.detach().requires_grad_()"),
        ),
        Proof(
            "d and h lie in one storage.",
            "the storage's label",
            _memory,
            twin=("d = ${given}", "d = ${given}.clone()"),
        ),
    ),
    statements=(
        Statement(
            says="A detached tensor never has a gradient, not even if requires_grad is set again.",
            where="detach, detach_ and data",
            program="import torch\na = torch.tensor([1., 2.], requires_grad=True)\n"
            "c = a.sigmoid().detach()\nc.requires_grad_(True)\n((c + a) * 2).sum().backward()",
            judge=_never,
            truth="It becomes a leaf of its own and gets its gradient; what it does not do is "
            "send one on to where it came from.",
            twin=("requires_grad_(True)", "requires_grad_(False)"),
        ),
        Statement(
            says="To train a branch that leaves the main network alone, cut it with detach().",
            where="detach()",
            program="import torch\nw = torch.tensor([3., 4.], requires_grad=True)\n"
            "v = torch.tensor(2., requires_grad=True)\nh = w * 1\n"
            "((h ** 2).sum() + (v * h.detach()).sum()).backward()",
            judge=_spared,
            truth="The branch's loss then reaches its own weights and not the trunk's.",
            twin=("v * h.detach()", "v * h"),
        ),
    ),
    ask=Ask(
        text="h = w * 2, h.detach_(), then (h * w).sum().backward() with w = [3.]. What is w.grad?",
        program="import torch\nw = torch.tensor([3.], requires_grad=True)\nh = w * 2\n"
        "h.detach_()\n(h * w).sum().backward()",
        answer=lambda trace: str(list(final(trace, "w").grad.values)),
        options=("[12.0]", "[6.0]", "[0.0]", "[2.0]"),
        because="h is now the number 6: of h · w the slope in w is 6, not 12.",
    ),
    references=(
        ("torch.Tensor.detach", f"{_DOCS}/generated/torch.Tensor.detach.html"),
        ("torch.Tensor.detach_", f"{_DOCS}/generated/torch.Tensor.detach_.html"),
    ),
    terms=("detach", "detach_", "GAN", "stop gradient"),
)
