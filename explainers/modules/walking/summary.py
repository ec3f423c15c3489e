"""A summary table made of hooks, and the parameters that it counts."""

import dataclasses
from collections.abc import Mapping

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, told
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_NETS: Mapping[str, str] = {
    "plain": "conv, nn.ReLU(), nn.Conv2d(${c}, ${c}, 3, padding=1), nn.Flatten()",
    "conv twice": "conv, nn.ReLU(), conv, nn.Flatten()",
    "shrinking": "conv, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()",
}


@dataclasses.dataclass(frozen=True)
class Summary(Parameters):
    """Say what the model is, how wide, and how large a batch is."""

    net: str = choice("plain", tuple(_NETS), label="net", help="What follows conv.")
    c: int = number(2, label="channels", help="In and out.", minimum=1, maximum=3, step=1)
    batch: int = number(1, label="batch", help="Pictures.", minimum=1, maximum=2, step=1)


PROGRAM = """
import torch
from torch import nn

torch.manual_seed(0)
conv = nn.Conv2d(${c}, ${c}, 3, padding=1)
net = nn.Sequential(${net})
rows = []
def row(module, inputs, output):
    size = sum(p.numel() for p in module.parameters())
    rows.append((type(module).__name__, tuple(output.shape), size))

leaves = [m for m in net.modules() if not list(m.children())]
handles = [m.register_forward_hook(row) for m in leaves]
y = net(torch.zeros(${batch}, ${c}, 4, 4))
print(*rows, sep="\\n")
total = sum(size for kind, shape, size in rows)
counted = sum(p.numel() for p in net.parameters())
"""


def _rows(settings: Summary) -> list[tuple[str, tuple[int, ...], int]]:
    """Return the table as the sizes of a convolution give it."""
    n, c = settings.batch, settings.c
    size = c * c * 9 + c
    rows: list[tuple[str, tuple[int, ...], int]] = [
        ("Conv2d", (n, c, 4, 4), size),
        ("ReLU", (n, c, 4, 4), 0),
    ]
    if settings.net == "shrinking":
        return [*rows, ("MaxPool2d", (n, c, 2, 2), 0), ("Flatten", (n, 4 * c), 0)]
    return [*rows, ("Conv2d", (n, c, 4, 4), size), ("Flatten", (n, 16 * c), 0)]


def _table(trace: Trace, settings: Summary) -> float:
    return float(told(trace, "rows") != _rows(settings))


def _totals(trace: Trace, settings: Summary) -> float:
    rows = [size for _, _, size in _rows(settings)]
    counted = rows[0] + (rows[2] if settings.net == "plain" else 0)
    found = (told(trace, "total"), told(trace, "counted"))
    if None in found:
        return 1.0
    return float(abs(found[0] - sum(rows)) + abs(found[1] - counted))


def _summarised(trace: Trace) -> tuple[Verdict, str]:
    rows, counted = told(trace, "rows"), told(trace, "counted")
    total = sum(row[1] for row in rows)
    said = f"{len(rows)} rows with {total} parameters; parameters() counts {counted}"
    return (Verdict.HOLDS if total == counted else Verdict.CONDITION), said


def _listed(trace: Trace) -> tuple[Verdict, str]:
    sizes = told(trace, "sizes")
    right = sizes == {"0.weight": [3, 2], "0.bias": [3]}
    said = ", ".join(f"{name} {size}" for name, size in sizes.items())
    return (Verdict.HOLDS if right else Verdict.WRONG), said


_HOOKS = (
    "import torch\nfrom torch import nn\nrows, fc = [], nn.Linear(2, 2)\n"
    "net = nn.Sequential(fc, nn.ReLU(), nn.Linear(2, 2))\n"
    "for m in net:\n    m.register_forward_hook(lambda m, i, o: "
    "rows.append([list(o.shape), sum(p.numel() for p in m.parameters())]))\n"
    "net(torch.zeros(1, 2))\ncounted = sum(p.numel() for p in net.parameters())"
)

SUMMARY = Lesson(
    slug="summary",
    title="a summary",
    notice="A hook on each leaf makes the table; its total is what parameters() counts.",
    program=PROGRAM,
    parameters=Summary,
    spelled={"net": _NETS},
    presets=(
        Preset(
            "Plain",
            "A hook on each leaf makes the table; its total is what parameters() counts.",
            Summary(),
        ),
        Preset(
            "A layer twice",
            "conv runs twice and has two rows: its parameters are added twice.",
            Summary("conv twice"),
        ),
        Preset(
            "Shrinking",
            "Pooling and Flatten have shapes and no parameters.",
            Summary("shrinking", 3, 2),
        ),
    ),
    shows=("y",),
    notes={
        "leaves =": "Without Sequential itself, whose row would count all again.",
        "handles =": "handle.remove() takes a hook away; without it the next call adds rows.",
    },
    slips=(
        Slip(
            title="a summary that counts a shared layer twice",
            program="import torch\nfrom torch import nn\n\nconv = nn.Conv2d(1, 1, 3)\n"
            "net = nn.Sequential(conv, conv)\nrows = []\n"
            "handle = conv.register_forward_hook(lambda m, i, o: rows.append(10))\n"
            "y = net(torch.zeros(1, 1, 5, 5))\ntotal = sum(p.numel() for p in net.parameters())",
            wrong="total = sum(rows)",
            right="total = sum(p.numel() for p in net.parameters())",
            lesson="Hooks count calls; parameters() gives each Parameter once.",
            source=("pytorch-summary#201", "https://github.com/sksq96/pytorch-summary/issues/201"),
        ),
        Slip(
            title="frozen parameters counted as trainable",
            program="from torch import nn\n\n"
            "net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))\n"
            "net[0].requires_grad_(False)\n"
            "trainable = sum(p.numel() for p in net.parameters() if p.requires_grad)",
            wrong="trainable = sum(p.numel() for p in net.parameters())",
            right="trainable = sum(p.numel() for p in net.parameters() if p.requires_grad)",
            lesson="parameters() gives frozen ones too: ask each whether it requires a gradient.",
            source=("pytorch-summary#156", "https://github.com/sksq96/pytorch-summary/issues/156"),
        ),
    ),
    proofs=(
        Proof(
            "Each row has the layer's output shape and its count of weights and biases.",
            "the sizes of each layer, by hand",
            _table,
            twin=("if not list(m.children())]", "]"),
        ),
        Proof(
            "The total adds up the rows; parameters() counts a layer once, however often it runs.",
            "c · c · 9 + c for each convolution",
            _totals,
            twin=("for m in leaves]", "for m in leaves + leaves[:1]]"),
        ),
    ),
    statements=(
        Statement(
            says="summary(model, size) of torchsummary shows each layer's output and parameters.",
            where="Showing parameters",
            program=_HOOKS,
            judge=_summarised,
            truth="It is a package of its own; a hook on each leaf makes its table, and adds a "
            "layer as often as it runs.",
            twin=("nn.ReLU(), nn.Linear(2, 2))", "nn.ReLU(), fc)"),
        ),
        Statement(
            says="Going through named_parameters() shows the name and size of each parameter.",
            where="Showing parameters",
            program="from torch import nn\nmodel = nn.Sequential(nn.Linear(2, 3), nn.ReLU())\n"
            "sizes = {name: list(p.size()) for name, p in model.named_parameters()}",
            judge=_listed,
            truth="It does; layers without parameters, and all outputs, are not in it.",
            twin=("model.named_parameters()", "model[1].named_parameters()"),
        ),
    ),
    ask=Ask(
        text="Hooks on both places of Sequential(fc, fc), fc of 6 parameters, add up its sizes. "
        "What is their total, and what does parameters() count?",
        program="import torch\nfrom torch import nn\nfc, rows = nn.Linear(2, 2), []\n"
        "net = nn.Sequential(fc, fc)\n"
        "fc.register_forward_hook(lambda m, i, o: rows.append(sum(p.numel() for p in "
        "m.parameters())))\nnet(torch.zeros(1, 2))\n"
        "both = [sum(rows), sum(p.numel() for p in net.parameters())]",
        answer=lambda trace: "{} and {}".format(*told(trace, "both")),
        options=("6 and 6", "12 and 6", "12 and 12", "6 and 12"),
        because="The hook runs whenever fc does; a Parameter is given once.",
    ),
    references=(
        (
            "torch.nn.Module.register_forward_hook",
            f"{_DOCS}/generated/torch.nn.Module.html#torch.nn.Module.register_forward_hook",
        ),
    ),
    terms=("torchsummary", "torchinfo", "summary", "numel", "register_forward_hook"),
)
