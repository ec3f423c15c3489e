"""Values from inside a net: create_feature_extractor, and IntermediateLayerGetter."""

import dataclasses
import math

import numpy as np
import torchvision.models.feature_extraction  # noqa: F401 - cold, this takes a run's whole time
from numpy.typing import NDArray

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Table, Trace

_VISION = "https://docs.pytorch.org/vision/stable"
_GETTER, _EXTRACTOR = "IntermediateLayerGetter", "create_feature_extractor"


@dataclasses.dataclass(frozen=True)
class Features(Parameters):
    """Say who fetches which value, and what goes in."""

    how: str = choice(_GETTER, (_GETTER, _EXTRACTOR), label="by", help="What takes the net apart.")
    node: str = choice(
        "last", ("first", "relu", "last"), label="node", help="Whose output is fetched."
    )
    x: int = number(1, label="x[0, 0]", help="x[0, 1] is -1.", minimum=1, maximum=9, step=1)


_NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(2, 4), nn.Linear(4, 1)

    def forward(self, x):
        return self.last(self.first(x).relu())
"""
_IMPORTS = """
import torch
from torch import nn
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.feature_extraction import create_feature_extractor
"""
PROGRAM = (
    _IMPORTS
    + _NET
    + """
torch.manual_seed(0)
net = Net()
part = ${how}(net, {"${node}": "out"})
x = torch.tensor([[${x}., -1.]])
found = part(x)["out"]
y = net(x)
"""
)
_SILENT = (
    _IMPORTS
    + _NET
    + """
torch.manual_seed(0)
net = Net()
part = create_feature_extractor(net, {"last": "out"})
x = torch.tensor([[1., -1.]])
found = part(x)["out"]
y = net(x)
"""
)


def _values(trace: Trace, settings: Features) -> dict[str, NDArray[np.float64]]:
    """Return what each node gives, and what the getter gives at the last."""
    net = final(trace, "net").children
    w = np.array(net["first"].parameters["weight"].values).reshape(4, 2)
    v = np.array(net["last"].parameters["weight"].values).reshape(1, 4)
    b, c = (np.array(net[name].parameters["bias"].values) for name in ("first", "last"))
    first = w @ np.array([settings.x, -1.0]) + b
    relu = np.maximum(first, 0)
    return {"first": first, "relu": relu, "last": v @ relu + c, "replayed": v @ first + c}


def _refused(settings: Features) -> bool:
    return settings.how == _GETTER and settings.node == "relu"


def _fetched(trace: Trace, settings: Features) -> float:
    if _refused(settings):
        return 0.0 if trace.failure and trace.failure.kind == "ValueError" else math.inf
    replayed = settings.how == _GETTER and settings.node == "last"
    expected = _values(trace, settings)["replayed" if replayed else settings.node]
    return difference(final(trace, "found").values, expected.tolist())


def _whole(trace: Trace, settings: Features) -> float:
    if _refused(settings):
        return 0.0
    return difference(final(trace, "y").values, _values(trace, settings)["last"].tolist())


def _printed(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message}"
    return Verdict.HOLDS, "it runs"


def _named(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message}"
    out = final(trace, "out")
    names = ", ".join(out.items) if isinstance(out, Table) else "none"
    return (Verdict.HOLDS if names == "feature_1, feature_2" else Verdict.WRONG), f"out has {names}"


def _agrees(trace: Trace) -> tuple[Verdict, str]:
    (found,), (y,) = final(trace, "found").values, final(trace, "y").values
    same = abs(found - y) < 1e-6
    return (
        Verdict.HOLDS if same else Verdict.CONDITION
    ), f"the layer in the net gave {y:.3f}, here {found:.3f}"


FEATURES = Lesson(
    slug="features",
    title="features by name",
    notice="found and y should be one number: the getter ran first and last, and the relu that "
    "forward does in between is lost without a word.",
    program=PROGRAM,
    parameters=Features,
    presets=(
        Preset("Replayed", "It knows the children and not the forward: no relu.", Features()),
        Preset(
            "Traced",
            "create_feature_extractor follows forward: found is y.",
            Features(_EXTRACTOR),
        ),
        Preset(
            "A function's output",
            "The relu is a node of the traced graph, and has a name.",
            Features(_EXTRACTOR, "relu"),
        ),
        Preset("Asked of the getter", "No child is called relu: refused.", Features(node="relu")),
    ),
    shows=("net", "part", "x", "found", "y"),
    notes={
        "return self.last": "Two children, and a function between them.",
        "part = ": "The getter is a ModuleDict of the children up to the last one asked for.",
    },
    slips=(
        Slip(
            title="IntermediateLayerGetter past a function in forward",
            program=_SILENT,
            wrong='part = IntermediateLayerGetter(net, {"last": "out"})',
            right='part = create_feature_extractor(net, {"last": "out"})',
            lesson="It replays the children in the order in which they were assigned: what "
            "forward does besides is not done. A lost flatten raises, a lost relu does not.",
            source=("vision#1895", "https://github.com/pytorch/vision/issues/1895"),
            shows=("net", "part", "x", "found", "y"),
            opens="y = net(x)",
        ),
        Slip(
            title="nn.Sequential(*net.children())",
            program="import torch\nfrom torch import nn\n"
            + _NET.replace(".relu()", ".flatten(1)").replace(
                "nn.Linear(2, 4)", "nn.Conv1d(1, 2, 1)"
            )
            + "\ntorch.manual_seed(0)\nnet = Net()\nx = torch.ones(1, 1, 2)\ny = net(x)",
            wrong="y = nn.Sequential(*net.children())(x)",
            right="y = net(x)",
            lesson="The list of children is no forward: the flatten is missing, and shapes do not "
            "fit.",
            source=("pytorch#15129", "https://github.com/pytorch/pytorch/issues/15129"),
        ),
    ),
    proofs=(
        Proof(
            "The extractor gives the node's own value; the getter's last has seen no relu, and "
            "relu it refuses.",
            "the net in numpy",
            _fetched,
            twin=('part(x)["out"]', 'part(2 * x)["out"]'),
            tolerance=1e-5,
        ),
        Proof(
            "The net itself is left as it was.",
            "the net in numpy",
            _whole,
            twin=("y = net(x)", "y = net(-x)"),
            tolerance=1e-5,
        ),
        Proof(
            "Both use the net's own weights, and copy none.",
            "the tensors' identity",
            lambda trace, settings: (
                0.0
                if _refused(settings)
                else float(
                    final(trace, "part").children["first"].parameters["weight"].identity
                    != final(trace, "net").children["first"].parameters["weight"].identity
                )
            ),
            twin=("${how}(net,", "${how}(Net(),"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="IntermediateLayerGetter(model, {'layer1': 'feature_1', 'layer2': 'feature_2'}) "
            "returns the two outputs under those names.",
            where="IntermediateLayerGetter",
            program=_IMPORTS + "torch.manual_seed(0)\n"
            "model = nn.Sequential()\nmodel.add_module('layer1', nn.Linear(2, 3))\n"
            "model.add_module('layer2', nn.Linear(3, 2))\n"
            "names = {'layer1': 'feature_1', 'layer2': 'feature_2'}\n"
            "out = IntermediateLayerGetter(model, names)(torch.ones(1, 2))",
            judge=_named,
            truth="For direct children, run one after the other in the order in which they were "
            "assigned.",
            twin=("'layer2': 'feature_2'}", "'layer2.weight': 'feature_2'}"),
        ),
        Statement(
            says="It gets the output that a layer of the model has.",
            where="IntermediateLayerGetter",
            program=_SILENT.replace(
                'part = create_feature_extractor(net, {"last"',
                'part = IntermediateLayerGetter(net, {"last"',
            ),
            judge=_agrees,
            truth="If forward does nothing but call the children in that order. "
            "create_feature_extractor follows forward itself.",
            twin=("IntermediateLayerGetter(net", "create_feature_extractor(net"),
        ),
        Statement(
            says="Its source reads: [name for name, _ model.named_children()].",
            where="IntermediateLayerGetter",
            program="import torch\nmodel = torch.nn.Sequential(torch.nn.Linear(1, 1))\n"
            "names = [name for name, _ model.named_children()]",
            judge=_printed,
            truth="An in is missing: for name, _ in model.named_children().",
            twin=("_ model", "_ in model"),
        ),
    ),
    ask=Ask(
        text="forward is last(first(x).relu()). IntermediateLayerGetter fetches last. What does "
        "it give?",
        program=_SILENT.replace(
            'part = create_feature_extractor(net, {"last"',
            'part = IntermediateLayerGetter(net, {"last"',
        ),
        answer=lambda trace: (
            "an error"
            if trace.failure
            else "what the net gives"
            if abs(final(trace, "found").values[0] - final(trace, "y").values[0]) < 1e-6
            else "last(first(x))"
        ),
        options=("what the net gives", "last(first(x))", "an error"),
        because="It runs the children one after the other and never calls the net's forward.",
    ),
    references=(
        ("torchvision: feature extraction", f"{_VISION}/feature_extraction.html"),
        (
            "create_feature_extractor",
            f"{_VISION}/generated/torchvision.models.feature_extraction"
            ".create_feature_extractor.html",
        ),
    ),
    terms=(
        "create_feature_extractor",
        "IntermediateLayerGetter",
        "children",
        "torch.fx",
        "intermediate features",
    ),
)
