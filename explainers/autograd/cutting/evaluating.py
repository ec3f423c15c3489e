"""eval, which is no grad mode."""

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
class Evaluating(Parameters):
    """Say in which mode the network is, in which mode autograd, and one value of the input."""

    mode: str = choice("eval", ("eval", "train"), label="net", help="What its layers do.")
    grad: str = choice(
        "enable_grad", ("enable_grad", "no_grad"), label="autograd", help="Whether it takes notes."
    )
    last: int = number(8, label="last", help="x[3, 0].", minimum=5, maximum=12, step=1)


PROGRAM = """
import torch

torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.BatchNorm1d(2), torch.nn.Dropout(0.5))
x = torch.tensor([[1., 5.], [2., 3.], [4., 4.], [${last}., 1.]])
net.${mode}()
with torch.${grad}():
    out = net(x)
"""


def _x(settings: Evaluating) -> np.ndarray:
    return np.array([[1, 5], [2, 3], [4, 4], [settings.last, 1]], float)


def _noted(trace: Trace, settings: Evaluating) -> float:
    return float(final(trace, "out").requires_grad is not (settings.grad == "enable_grad"))


def _values(trace: Trace, settings: Evaluating) -> float:
    x = _x(settings)
    found = np.array(final(trace, "out").values)
    if settings.mode == "eval":
        return difference(found, (x / math.sqrt(1 + 1e-5)).reshape(-1).tolist())
    kept = (2 * (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5)).reshape(-1)
    # Dropout keeps a value, doubled, or makes it 0; some of each.
    apart = float(np.minimum(np.abs(found - kept), np.abs(found)).max())
    return apart if 0 < (found == 0).sum() < found.size else math.inf


def _running(trace: Trace, settings: Evaluating) -> float:
    x = _x(settings)
    mean, variance = np.zeros(2), np.ones(2)
    if settings.mode == "train":
        mean, variance = 0.1 * x.mean(0), 0.9 + 0.1 * x.var(0, ddof=1)
    buffers = final(trace, "net").children["0"].buffers
    return max(
        difference(buffers["running_mean"].values, mean.tolist()),
        difference(buffers["running_var"].values, variance.tolist()),
    )


def _together(trace: Trace) -> tuple[Verdict, str]:
    found = {name: final(trace, name).requires_grad for name in ("alone", "both")}
    right = found == {"alone": True, "both": False}
    words = f"requires_grad under eval {found['alone']}, under eval and no_grad {found['both']}"
    return (Verdict.HOLDS if right else Verdict.WRONG), words


EVALUATING = Lesson(
    slug="eval",
    title="eval is no grad mode",
    notice="Under eval out still has a graph: eval speaks to the layers, not to autograd.",
    program=PROGRAM,
    parameters=Evaluating,
    presets=(
        Preset(
            "eval alone", "Nothing is dropped, nothing is counted, and all is noted.", Evaluating()
        ),
        Preset(
            "no_grad alone",
            "Nothing is noted, yet Dropout drops and BatchNorm's running mean moves.",
            Evaluating("train", "no_grad"),
        ),
        Preset(
            "Both",
            "What evaluation wants: eval for layers, no_grad for memory.",
            Evaluating("eval", "no_grad"),
        ),
    ),
    notes={
        "net = torch": "The two layers that ask whether the network is training.",
        "net.": "A flag on each module; BatchNorm and Dropout read it.",
        "    out = net": "Whether this is noted for backward is the grad mode's business.",
    },
    slips=(
        Slip(
            title="eval without no_grad",
            program="import torch\n\ntorch.manual_seed(0)\nnet = torch.nn.Linear(2, 1)\n"
            "net.eval()\nwith torch.no_grad(): out = net(torch.ones(1, 2))",
            wrong="out = net(torch.ones(1, 2))",
            right="with torch.no_grad(): out = net(torch.ones(1, 2))",
            lesson="eval stops no gradient: the graph, and all that it saved, stays in memory as "
            "long as out does.",
            source=("pytorch#7013", "https://github.com/pytorch/pytorch/issues/7013"),
        ),
        Slip(
            title="no_grad without eval",
            program="import torch\n\nnorm = torch.nn.BatchNorm1d(1)\n"
            "x = torch.tensor([[1.], [3.]])\nnorm.eval()\nwith torch.no_grad():\n"
            "    out = norm(x)",
            wrong="norm.train()",
            right="norm.eval()",
            lesson="Under no_grad BatchNorm still normalizes by the batch and moves its running "
            "statistics: validation changes the model.",
            source=(
                "unbiased-teacher#47",
                "https://github.com/facebookresearch/unbiased-teacher/issues/47",
            ),
            opens="out = norm(x)",
        ),
    ),
    proofs=(
        Proof(
            "Whether out is noted is for the grad mode alone to say.",
            "the setting itself",
            _noted,
            twin=("    out = net(x)", "    out = net(x).detach()"),
        ),
        Proof(
            "In eval each value is x by the running statistics; in training it is dropped, or "
            "normalized by the batch and doubled.",
            "numpy",
            _values,
            twin=("net.${mode}()", "net.train()"),
            tolerance=1e-5,
        ),
        Proof(
            "Running mean and variance move in training alone, with gradients or without.",
            "numpy",
            _running,
            twin=("net.${mode}()", "net[1].${mode}()"),
            tolerance=1e-5,
        ),
    ),
    statements=(
        Statement(
            says="model.eval() and torch.no_grad() can be used together.",
            where="no_grad, set_grad_enabled, enable_grad and eval",
            program="import torch\nnet = torch.nn.Linear(2, 1).eval()\nx = torch.ones(1, 2)\n"
            "alone = net(x)\nwith torch.no_grad():\n    both = net(x)",
            judge=_together,
            truth="And should be: one is about layers, the other about the graph, and neither "
            "does what the other does.",
            twin=("torch.no_grad()", "torch.enable_grad()"),
        ),
    ),
    ask=Ask(
        text="A BatchNorm1d in training mode sees a batch under no_grad. What of its running mean?",
        program="import torch\nnorm = torch.nn.BatchNorm1d(1)\nwith torch.no_grad():\n"
        "    norm(torch.tensor([[1.], [3.]]))\nmean = norm.running_mean",
        answer=lambda trace: (
            "it moves" if final(trace, "mean").values != (0.0,) else "it stays as it was"
        ),
        options=("it moves", "it stays as it was", "it becomes NaN"),
        because="Running statistics need no gradient: training mode moves them, eval does not.",
    ),
    references=(
        ("torch.nn.Module.eval", f"{_DOCS}/generated/torch.nn.Module.html#torch.nn.Module.eval"),
        ("torch: autograd mechanics", f"{_DOCS}/notes/autograd.html"),
    ),
    terms=("model.eval", "model.train", "no_grad", "Dropout", "BatchNorm1d"),
)
