"""Names under which a module registers, and those that it refuses."""

import dataclasses
from collections.abc import Mapping

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, told
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_NAMES = {"two words": "two words", "a.b": "a.b", "empty": "", "w": "w", "note": "note"}
_KINDS: Mapping[str, str] = {
    "Parameter": "nn.Parameter(torch.ones(1))",
    "Parameter * 2": "nn.Parameter(torch.ones(1)) * 2",
    "tensor": "torch.ones(1)",
    "Linear": "nn.Linear(1, 1)",
    "None": "None",
}


@dataclasses.dataclass(frozen=True)
class Names(Parameters):
    """Say what is registered, how, and under which name."""

    how: str = choice(
        "register_parameter",
        ("register_parameter", "register_buffer", "add_module", "setattr"),
        label="how",
        help="setattr does what net.name = value does.",
    )
    name: str = choice(
        "two words",
        tuple(_NAMES),
        label="name",
        help="w is a Parameter of net by then, note a plain attribute.",
    )
    value: str = choice("Parameter", tuple(_KINDS), label="value", help="What is registered.")


PROGRAM = """
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Module()
net.w = nn.Parameter(torch.zeros(1))
net.note = "plain"
${how}"${name}", ${value})
parameters = [name for name, _ in net.named_parameters(recurse=False)]
buffers = [name for name, _ in net.named_buffers()]
modules = [name for name, _ in net.named_children()]
"""


def _refused(settings: Names) -> str:
    """Return the exception's name; empty where the rules allow it."""
    name, value = _NAMES[settings.name], settings.value
    tensor = value in {"Parameter", "Parameter * 2", "tensor"}
    kinds = {
        "register_parameter": value in {"Parameter", "None"},
        "register_buffer": tensor or value == "None",
        "add_module": value in {"Linear", "None"},
    }
    if settings.how == "setattr":
        # Parameters and modules are registered in place of what was there; w stays a parameter.
        if value == "Parameter":
            return "KeyError" if name in {"a.b", ""} else ""
        return "TypeError" if name == "w" and value != "None" else ""
    if settings.how == "add_module" and not kinds["add_module"]:
        return "TypeError"
    taken = name == "note" or (name == "w" and settings.how != "register_parameter")
    if "." in name or not name or taken:
        return "KeyError"
    return "" if kinds[settings.how] else "TypeError"


def _lists(settings: Names) -> tuple[list[str], list[str], list[str]]:
    """Return the names of parameters, buffers and children by then; None is none of them."""
    name, value = _NAMES[settings.name], settings.value
    parameters = ["w"]
    if settings.how == "register_buffer":
        return parameters, [name] if value != "None" else [], []
    if settings.how == "add_module":
        return parameters, [], [name] if value != "None" else []
    if name == "w" and value != "Parameter":
        parameters = []
    if value == "Parameter" and name != "w":
        parameters = ["w", name]
    return parameters, [], [name] if value == "Linear" else []


def _raised(trace: Trace, settings: Names) -> float:
    failure = trace.failure
    return float((failure.kind if failure else "") != _refused(settings))


def _kept(trace: Trace, settings: Names) -> float:
    found = tuple(told(trace, name) for name in ("parameters", "buffers", "modules"))
    if _refused(settings):
        return float(found != (None, None, None))
    return float(found != _lists(settings))


def _seen(trace: Trace) -> tuple[Verdict, str]:
    buffers, parameters = told(trace, "buffers"), told(trace, "parameters")
    said = f"named_buffers() gives {buffers}, named_parameters() {parameters}"
    return (Verdict.HOLDS if buffers else Verdict.WRONG), said


def _all_refused(trace: Trace) -> tuple[Verdict, str]:
    raised = told(trace, "raised")
    right = len(raised) == 6
    return (Verdict.HOLDS if right else Verdict.WRONG), f"six tries raised {', '.join(raised)}"


def _non_leaf(trace: Trace) -> tuple[Verdict, str]:
    failure = trace.failure
    if failure is None:
        return Verdict.WRONG, "nothing was raised"
    right = failure.kind == "ValueError"
    said = f"{failure.kind}: {failure.message.split('.')[0]}"
    return (Verdict.HOLDS if right else Verdict.CONDITION), said


def _alike(trace: Trace) -> tuple[Verdict, str]:
    one, other = told(trace, "one"), told(trace, "other")
    return (Verdict.HOLDS if one == other else Verdict.WRONG), f"{one} and {other}"


def _order(trace: Trace) -> tuple[Verdict, str]:
    names = told(trace, "names")
    right = names == ["second", "first"]
    return (Verdict.HOLDS if right else Verdict.CONDITION), f"children, by name: {names}"


NAMES = Lesson(
    slug="name",
    title="names",
    notice='A blank is no obstacle: "two words" is a parameter\'s name now.',
    program=PROGRAM,
    parameters=Names,
    spelled={
        "how": {
            "register_parameter": "net.register_parameter(",
            "register_buffer": "net.register_buffer(",
            "add_module": "net.add_module(",
            "setattr": "setattr(net, ",
        },
        "name": _NAMES,
        "value": _KINDS,
    },
    presets=(
        Preset(
            "A blank", 'A blank is no obstacle: "two words" is a parameter\'s name now.', Names()
        ),
        Preset(
            "A dot",
            "A dot parts the names of module and child, so it is refused.",
            Names(name="a.b"),
        ),
        Preset(
            "A name in use",
            "A register_ call does not replace a plain attribute: it raises.",
            Names(name="note"),
        ),
        Preset(
            "Assigned",
            "Assigning does replace it: note is a Parameter now.",
            Names("setattr", "note"),
        ),
        Preset(
            "A tensor over a Parameter",
            "Where w is a Parameter, a plain tensor is refused.",
            Names("setattr", "w", "tensor"),
        ),
    ),
    notes={
        'net.note = "plain"': "Anything that is no tensor and no module is a plain attribute.",
        "net.w =": "Assigned, a Parameter is registered by register_parameter itself.",
    },
    slips=(
        Slip(
            title="a layer before the call of super()",
            program="from torch import nn\n\nclass Net(nn.Module):\n    def __init__(self):\n"
            "        super().__init__()\n        self.fc = nn.Linear(1, 1)\n\nnet = Net()",
            wrong="self.fc = nn.Linear(1, 1)\nsuper().__init__()",
            right="super().__init__()\n        self.fc = nn.Linear(1, 1)",
            lesson="Until `Module.__init__` has run there is no dict to register in.",
            source=("pytorch#37824", "https://github.com/pytorch/pytorch/issues/37824"),
        ),
        Slip(
            title="a dot in a layer's name",
            program="from torch import nn\n\nnet = nn.Sequential()\n"
            'net.add_module("norm1", nn.ReLU())',
            wrong='net.add_module("norm.1", nn.ReLU())',
            right='net.add_module("norm1", nn.ReLU())',
            lesson="Old code named layers norm.1; today a dot raises, as it stands between "
            "parent and child.",
            source=("vision#809", "https://github.com/pytorch/vision/issues/809"),
        ),
        Slip(
            title="an attribute first, then register_buffer",
            program="import torch\nfrom torch import nn\n\nnet = nn.Module()\nmean = torch.zeros(2)"
            '\nnet.register_buffer("mean", mean)',
            wrong='net.mean = mean\nnet.register_buffer("mean", mean)',
            right='net.register_buffer("mean", mean)',
            lesson="The name is taken by the plain attribute: register at once, which sets it.",
            source=("pytorch#3232", "https://github.com/pytorch/pytorch/issues/3232"),
        ),
    ),
    proofs=(
        Proof(
            "It raises what the rules say, and where they say it.",
            "the rules on names and kinds, in Python",
            _raised,
            twin=('net.note = "plain"', 'net.note = "plain"; setattr(net, "two words", 0)'),
        ),
        Proof(
            "What is registered is among parameters, buffers or children, and nowhere else.",
            "the rules on names and kinds, in Python",
            _kept,
            twin=("recurse=False", "prefix='net'"),
        ),
    ),
    statements=(
        Statement(
            says="named_buffers() shows what register_parameter has registered.",
            where="register_parameter()",
            program="import torch\nfrom torch import nn\nnet = nn.Module()\n"
            'net.register_parameter("test param", nn.Parameter(torch.Tensor([2])))\n'
            "buffers = [name for name, _ in net.named_buffers()]\n"
            "parameters = [name for name, _ in net.named_parameters()]",
            judge=_seen,
            truth="named_parameters() does; a Parameter is no buffer.",
            twin=("net.register_parameter(", "net.register_buffer("),
        ),
        Statement(
            says="register_buffer refuses: before Module.__init__, a name that is no text, one "
            "with a dot, an empty one, one that is taken, and what is no tensor.",
            where="register_buffer()",
            program="import torch\nfrom torch import nn\nnet = nn.Module()\nzero = torch.zeros(1)\n"
            "new = nn.Module.__new__(nn.Module)\nraised = []\n"
            "for module, name, value in ((new, 'x', zero), (net, 3, zero), (net, 'a.b', zero), "
            "(net, '', zero), (net, 'forward', zero), (net, 'x', 1.0)):\n    try:\n"
            "        module.register_buffer(name, value)\n"
            "    except (AttributeError, TypeError, KeyError) as error:\n"
            "        raised.append(type(error).__name__)",
            judge=_all_refused,
            truth="All six raise: AttributeError, TypeError, or KeyError where it is the name.",
            twin=("'x', 1.0", "'x', zero"),
        ),
        Statement(
            says="A parameter that is no leaf is refused with a ValueError.",
            where="register_parameter()",
            program="import torch\nfrom torch import nn\nnet = nn.Module()\n"
            "w = torch.ones(1, requires_grad=True)\np = nn.Parameter(torch.ones(1), False)\n"
            "net.register_parameter('p', p * w)",
            judge=_non_leaf,
            truth="What an operation returns is no Parameter, and is refused for that: TypeError. "
            "ValueError meets a Parameter that was written in place.",
            twin=("p * w", "p.mul_(w)"),
        ),
        Statement(
            says="add_module has the effect of assigning a layer.",
            where="add_module()",
            program="from torch import nn\na, b = nn.Module(), nn.Module()\n"
            "a.fc = nn.Linear(1, 2)\nb.add_module('fc', nn.Linear(1, 2))\n"
            "one, other = list(a.state_dict()), list(b.state_dict())",
            judge=_alike,
            truth="It has, for names that Python cannot spell as well; but a name in use by a "
            "plain attribute raises.",
            twin=("a.fc = nn.Linear(1, 2)", "a.fc = [nn.Linear(1, 2)]"),
        ),
        Statement(
            says="Modules stand in the order in which they were added.",
            where="add_module()",
            program="from torch import nn\nnet = nn.Module()\n"
            "net.add_module('first', nn.ReLU())\nnet.add_module('second', nn.Tanh())\n"
            "net.add_module('first', nn.Sigmoid())\n"
            "names = [name for name, _ in net.named_children()]",
            judge=_order,
            truth="A name added again keeps its first place, and names another module without a "
            "word.",
            twin=("net.add_module('first', nn.S", "del net.first\nnet.add_module('first', nn.S"),
        ),
    ),
    ask=Ask(
        text='net.add_module("fc", a) and then net.add_module("fc", b), two Linear layers. '
        "What does the second do?",
        program="from torch import nn\nnet = nn.Module()\na, b = nn.Linear(1, 1), nn.Linear(1, 1)\n"
        "net.add_module('fc', a)\nnet.add_module('fc', b)\nreplaced = net.fc is b",
        answer=lambda trace: (
            "it raises a KeyError"
            if trace.failure
            else "fc is b, without a word"
            if told(trace, "replaced")
            else "fc stays a"
        ),
        options=("it raises a KeyError", "fc is b, without a word", "fc stays a"),
        because="A name that is a module's already is free for another module.",
    ),
    references=(("torch.nn.Module", f"{_DOCS}/generated/torch.nn.Module.html"),),
    terms=(
        "register_parameter",
        "register_buffer",
        "add_module",
        "register_module",
        "attribute already exists",
        "before Module.__init__() call",
        'can\'t contain "."',
    ),
)
