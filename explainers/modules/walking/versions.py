"""The version that a state_dict carries, and what it decides."""

import dataclasses

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, flag, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, told
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_KEPT = {
    "as it is": "pass",
    "version 1": 'saved._metadata[""]["version"] = 1',
    "a plain dict": "saved = dict(saved)",
}


@dataclasses.dataclass(frozen=True)
class Versions(Parameters):
    """Say what becomes of the state's version, and how it is loaded."""

    kept: str = choice("as it is", tuple(_KEPT), label="saved", help="What is done with it.")
    strict: bool = flag(True, label="strict", help="Whether a missing key raises.")
    batches: int = number(
        2, label="batches", help="That new has seen.", minimum=0, maximum=3, step=1
    )


PROGRAM = """
import torch
from torch import nn

saved = nn.BatchNorm1d(1).state_dict()
del saved["num_batches_tracked"]
${kept}
version = getattr(saved, "_metadata", {}).get("", {}).get("version")
new = nn.BatchNorm1d(1)
for batch in range(${batches}):
    y = new(torch.tensor([[1.], [3.]]))
loaded = new.load_state_dict(saved, strict=${strict})
missing = list(loaded.missing_keys)
"""


def _old(settings: Versions) -> bool:
    return settings.kept != "as it is"


def _raised(trace: Trace, settings: Versions) -> float:
    failure = trace.failure
    if settings.strict and not _old(settings):
        return float(failure is None or "Missing key(s)" not in failure.message)
    expected = [] if _old(settings) else ["num_batches_tracked"]
    return float(failure is not None or told(trace, "missing") != expected)


def _count(trace: Trace, settings: Versions) -> float:
    (count,) = final(trace, "new").buffers["num_batches_tracked"].values
    return abs(float(count) - settings.batches)


def _version(trace: Trace, settings: Versions) -> float:
    expected = {"as it is": 2, "version 1": 1, "a plain dict": None}[settings.kept]
    return float(told(trace, "version") != expected)


def _default(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.WRONG, f"{trace.failure.kind}: a key is missing"
    count = told(trace, "count")
    said = f"the count is {count} after loading"
    return (Verdict.HOLDS if count == 0 else Verdict.CONDITION), said


def _reset(trace: Trace) -> tuple[Verdict, str]:
    found = told(trace, "found")
    right = found == [0.0, 1.0, 0]
    return (Verdict.HOLDS if right else Verdict.WRONG), f"mean, variance and count: {found}"


def _without(trace: Trace) -> tuple[Verdict, str]:
    where = told(trace, "where")
    right = where == "_parameters"
    return (Verdict.HOLDS if right else Verdict.OBSOLETE), f"the name is in {where}"


def _start(trace: Trace) -> tuple[Verdict, str]:
    found = told(trace, "found")
    right = found == [1.0, 0.0]
    return (Verdict.HOLDS if right else Verdict.WRONG), f"weight and bias: {found}"


def _counted(trace: Trace) -> tuple[Verdict, str]:
    counts = told(trace, "counts")
    right = counts == [0, 1, 2]
    return (Verdict.HOLDS if right else Verdict.WRONG), f"the count went {counts}"


_BN = "import torch\nfrom torch import nn\nbn = nn.BatchNorm1d(1)\nx = torch.tensor([[1.], [3.]])\n"

VERSIONS = Lesson(
    slug="version",
    title="versions",
    notice="The state says version 2, which knows the missing key: strict loading raises.",
    program=PROGRAM,
    parameters=Versions,
    spelled={"kept": _KEPT},
    presets=(
        Preset(
            "As it is",
            "The state says version 2, which knows the missing key: strict loading raises.",
            Versions(),
        ),
        Preset(
            "A plain dict",
            "The same tensors without a version load without a word: as old as can be.",
            Versions("a plain dict"),
        ),
        Preset(
            "Version 1",
            "Before version 2 there was no count, so new's own count stays.",
            Versions("version 1"),
        ),
        Preset(
            "Not strict",
            "It loads what is there, and says in missing_keys what is not.",
            Versions(strict=False),
        ),
    ),
    shows=("saved", "new"),
    notes={
        "version =": "A module's version travels in _metadata; a plain dict has none.",
        "new = nn.BatchNorm1d(1)": "It counts the batches that it sees in training mode.",
        "missing =": "What load_state_dict returns; without strict nobody else says it.",
    },
    slips=(
        Slip(
            title="Missing key(s): num_batches_tracked",
            program="import torch\nfrom torch import nn\n\nsaved = nn.BatchNorm1d(1).state_dict()\n"
            'saved["num_batches_tracked"] = torch.tensor(0)\n'
            "loaded = nn.BatchNorm1d(1).load_state_dict(saved)",
            wrong='del saved["num_batches_tracked"]',
            right='saved["num_batches_tracked"] = torch.tensor(0)',
            lesson="A state that lost the count but says version 2 is refused: put a count in.",
            source=("pytorch#8481", "https://github.com/pytorch/pytorch/issues/8481"),
            opens="load_state_dict",
        ),
        Slip(
            title="strict=False against missing keys",
            program="import torch\nfrom torch import nn\n\nold = nn.Sequential(nn.Linear(1, 1))\n"
            'saved = {"module." + name: v for name, v in old.state_dict().items()}\n'
            "new = nn.Sequential(nn.Linear(1, 1))\n"
            'names = {name.removeprefix("module."): v for name, v in saved.items()}\n'
            "loaded = new.load_state_dict(names)",
            wrong="loaded = new.load_state_dict(saved, strict=False)",
            right="loaded = new.load_state_dict(names)",
            lesson="No key fits, nothing is loaded, and nothing is raised. Read what it returns.",
            source=("pytorch#141256", "https://github.com/pytorch/pytorch/issues/141256"),
        ),
    ),
    proofs=(
        Proof(
            "A missing count raises exactly if the state says version 2 and loading is strict.",
            "the rule, in Python",
            _raised,
            twin=("new = nn.BatchNorm1d(1)", "new = nn.BatchNorm1d(1, track_running_stats=False)"),
        ),
        Proof(
            "Loaded or refused, new keeps the count of its own batches.",
            "the setting itself",
            _count,
            twin=("y = new(", "y = new.eval()("),
        ),
        Proof(
            "The version is BatchNorm's 2, unless it was written over or lost with the metadata.",
            "the rule, in Python",
            _version,
            twin=(
                "nn.BatchNorm1d(1).state_dict()",
                'nn.GroupNorm(1, 1).state_dict(); saved["num_batches_tracked"] = 0',
            ),
        ),
    ),
    statements=(
        Statement(
            says="In a state before version 2, num_batches_tracked is taken to be 0.",
            where="BatchNorm2d, _load_from_state_dict",
            program=_BN + "saved = dict(bn.state_dict())\ndel saved['num_batches_tracked']\n"
            "bn(x)\nbn.load_state_dict(saved)\ncount = bn.num_batches_tracked.item()",
            judge=_default,
            truth="Today the module's own count stays, which is 0 for a new one.",
            twin=("bn(x)\nbn.load", "bn.eval()(x)\nbn.load"),
        ),
        Statement(
            says="reset_running_stats sets mean 0, variance 1 and count 0.",
            where="BatchNorm2d",
            program=_BN + "bn(x)\nbn.reset_running_stats()\nfound = [bn.running_mean.item(), "
            "bn.running_var.item(), bn.num_batches_tracked.item()]",
            judge=_reset,
            truth="It does, and leaves weight and bias; reset_parameters sets those as well.",
            twin=("bn.reset_running_stats()", "bn.zero_grad()"),
        ),
        Statement(
            says="With track_running_stats=False the statistics are registered as parameters that "
            "are None.",
            where="BatchNorm2d",
            program="from torch import nn\nbn = nn.BatchNorm1d(1, track_running_stats=False)\n"
            "where = [name for name in ('_parameters', '_buffers') "
            "if 'running_mean' in vars(bn)[name]][0]",
            judge=_without,
            truth="As buffers that are None: no key, nothing to move.",
            twin=("'running_mean'", "'weight'"),
        ),
        Statement(
            says="BatchNorm begins with weight 1 and bias 0.",
            where="BatchNorm2d",
            program=_BN + "found = [bn.weight.item(), bn.bias.item()]",
            judge=_start,
            truth="So it does: at first it only normalizes.",
            twin=("bn.weight.item()", "bn.weight.item() * 2"),
        ),
        Statement(
            says="In training mode num_batches_tracked grows by one with each batch.",
            where="BatchNorm2d, forward",
            program=_BN + "counts = [bn.num_batches_tracked.item()]\nfor _ in range(2):\n"
            "    bn(x)\n    counts.append(bn.num_batches_tracked.item())",
            judge=_counted,
            truth="It does; momentum=None makes use of it, for a plain average.",
            twin=("    bn(x)", "    bn.eval()(x)"),
        ),
    ),
    ask=Ask(
        text="del saved['num_batches_tracked'] from a BatchNorm's state. Which loads strictly: "
        "saved, or dict(saved)?",
        program="from torch import nn\nbn = nn.BatchNorm1d(1)\nloads = []\n"
        "for kind in (lambda d: d, dict):\n    saved = bn.state_dict()\n"
        "    del saved['num_batches_tracked']\n    try:\n"
        "        bn.load_state_dict(kind(saved))\n        loads.append(True)\n"
        "    except RuntimeError:\n        loads.append(False)",
        answer=lambda trace: {
            (True, True): "both",
            (False, False): "neither",
            (True, False): "saved alone",
            (False, True): "dict(saved) alone",
        }[tuple(told(trace, "loads"))],
        options=("both", "neither", "saved alone", "dict(saved) alone"),
        because="dict(…) loses _metadata: without a version it counts as old, which had no count.",
    ),
    references=(
        (
            "torch.nn.Module.load_state_dict",
            f"{_DOCS}/generated/torch.nn.Module.html#torch.nn.Module.load_state_dict",
        ),
    ),
    terms=(
        "load_state_dict",
        "_metadata",
        "version",
        "missing_keys",
        "strict",
        "reset_running_stats",
    ),
)
