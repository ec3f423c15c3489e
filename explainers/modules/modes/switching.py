"""train and eval: a flag that goes down to every module."""

import dataclasses

import numpy as np

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import ModuleState, Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_FLAGS = {
    "pass": {},
    "net[0].eval()": {0: False},
    "net[1].train()": {1: True},
}


@dataclasses.dataclass(frozen=True)
class Switching(Parameters):
    """Say which mode the net gets, what one part gets afterwards, and one of its inputs."""

    mode: str = choice("eval", ("train", "eval"), label="net", help="Called on the whole net.")
    then: str = choice("pass", tuple(_FLAGS), label="then", help="Called on a part of it.")
    last: int = number(
        7, label="x[1, 1]", help="The last cell of x.", minimum=6, maximum=12, step=1
    )


PROGRAM = """
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.BatchNorm1d(2), nn.Sequential(nn.Dropout(0.5)))
net.${mode}()
${then}
x = torch.tensor([[1., 5.], [3., ${last}.]])
y = net(x)
"""


def _flags(settings: Switching) -> tuple[bool, bool, bool]:
    """Return the flags of the net, of BatchNorm and of the inner Sequential."""
    net = settings.mode == "train"
    then = _FLAGS[settings.then]
    return net, then.get(0, net), then.get(1, net)


def _walked(module: ModuleState) -> list[bool]:
    return [module.training, *(flag for one in module.children.values() for flag in _walked(one))]


def _set(trace: Trace, settings: Switching) -> float:
    net, norm, inner = _flags(settings)
    return float(_walked(final(trace, "net")) != [net, norm, inner, inner])


def _output(trace: Trace, settings: Switching) -> float:
    x = np.array([[1.0, 5.0], [3.0, settings.last]])
    _, norm, drops = _flags(settings)
    mean, variance = (x.mean(0), x.var(0)) if norm else (np.zeros(2), np.ones(2))
    kept = ((x - mean) / np.sqrt(variance + 1e-5)).reshape(-1).tolist()
    found = final(trace, "y").values
    if not drops:
        return difference(found, kept)
    # Each value is dropped, or doubled.
    return float(max(min(abs(a), abs(a - 2 * b)) for a, b in zip(found, kept, strict=True)))


def _running(trace: Trace, settings: Switching) -> float:
    buffers = final(trace, "net").children["0"].buffers
    x = np.array([[1.0, 5.0], [3.0, settings.last]])
    mean, count = (0.1 * x.mean(0), 1) if _flags(settings)[1] else (np.zeros(2), 0)
    return difference(
        [*buffers["running_mean"].values, *buffers["num_batches_tracked"].values],
        [*mean.tolist(), count],
    )


def _off(trace: Trace) -> tuple[Verdict, str]:
    x, y = final(trace, "x").values, final(trace, "y").values
    same = difference(y, x) < 1e-6
    verdict = Verdict.HOLDS if same else Verdict.WRONG
    return verdict, f"BatchNorm's input {x[0]:g}, output in eval {y[0]:g}"


def _reached(trace: Trace) -> tuple[Verdict, str]:
    flags = final(trace, "flags").text
    right = flags == "[False, False, False, False]"
    return (Verdict.HOLDS if right else Verdict.WRONG), f"training, module by module: {flags}"


def _statistics(trace: Trace) -> tuple[Verdict, str]:
    (held,), (whole,) = final(trace, "held").values, final(trace, "whole").values
    verdict = Verdict.HOLDS if abs(held - whole) < 1e-5 else Verdict.CONDITION
    return verdict, f"running mean {held:.2f}, mean of all that came {whole:.2f}"


def _small(trace: Trace) -> tuple[Verdict, str]:
    four, two = final(trace, "all4").values[0], final(trace, "two").values[0]
    verdict = Verdict.HOLDS if abs(four - two) > 1e-3 else Verdict.WRONG
    return verdict, f"the first sample among four: {four:.2f}, among two: {two:.2f}"


SWITCHING = Lesson(
    slug="switching",
    title="train and eval",
    notice="eval() set training to False in all four modules: BatchNorm reads its running "
    "statistics, and Dropout lets everything through.",
    program=PROGRAM,
    parameters=Switching,
    presets=(
        Preset("eval", "y is x, almost: the running mean is still 0, the variance 1.", Switching()),
        Preset(
            "train",
            "BatchNorm uses the batch's own mean and moves its running ones; half is dropped.",
            Switching("train"),
        ),
        Preset(
            "A part in eval",
            "net[0].eval() after train(): BatchNorm stands still, and Dropout drops.",
            Switching("train", "net[0].eval()"),
        ),
        Preset(
            "A part in train",
            "The net says eval, and its inner part drops all the same: each has its own flag.",
            Switching("eval", "net[1].train()"),
        ),
    ),
    notes={
        "net.": "It sets the flag of the net, and calls the same on each child.",
        "y = net(x)": "Whoever acts differently looks at its own flag.",
    },
    slips=(
        Slip(
            title="no model.eval() before validation",
            program="import torch\nfrom torch import nn\n\ntorch.manual_seed(0)\n"
            "net = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout(0.5))\n"
            "net.eval()\nwith torch.no_grad():\n    y = net(torch.tensor([[1., 5.], [3., 7.]]))",
            wrong="pass",
            right="net.eval()",
            lesson="no_grad stops the graph and nothing else: dropout drops, and BatchNorm learns "
            "from the validation set.",
            source=("pytorch-3dunet#53", "https://github.com/wolny/pytorch-3dunet/issues/53"),
            opens="y = net(",
        ),
        Slip(
            title="never back to train()",
            program="import torch\nfrom torch import nn\n\ntorch.manual_seed(0)\n"
            "net = nn.BatchNorm1d(1)\nfor epoch in range(2):\n    net.train()\n"
            "    y = net(torch.tensor([[1.], [3.]]))\n    net.eval()",
            wrong="    pass",
            right="    net.train()",
            lesson="eval() lasts. From the second epoch on the net is trained in eval mode: call "
            "train() at the head of each.",
            source=(
                "Grid-Anchor-based-Image-Cropping#2",
                "https://github.com/HuiZeng/Grid-Anchor-based-Image-Cropping-Pytorch/issues/2",
            ),
            opens="y = net(",
        ),
        Slip(
            title="a frozen BatchNorm, and train() again",
            program="import torch\nfrom torch import nn\n\ntorch.manual_seed(0)\n"
            "net = nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 1))\n"
            "net.train()\nnet[0].eval()\ny = net(torch.tensor([[1.], [3.]]))",
            wrong="net[0].eval()\nnet.train()",
            right="net.train()\nnet[0].eval()",
            lesson="train() reaches every child and knows of no exception: put the frozen part "
            "into eval after it, each time.",
            source=("gt-pyg#112", "https://github.com/pgniewko/gt-pyg/issues/112"),
        ),
    ),
    proofs=(
        Proof(
            "The call reaches all modules below, and the later one wins for its part.",
            "the rule, in Python",
            _set,
            twin=("net.${mode}()", "net.training = False; net[0].train(False)"),
            kind=Kind.INVARIANT,
        ),
        Proof(
            "y is x normalized by batch or running statistics, then dropped and doubled, or not.",
            "numpy",
            _output,
            twin=("BatchNorm1d(2)", "BatchNorm1d(2, eps=0.1)"),
            tolerance=1e-4,
        ),
        Proof(
            "The running mean goes a tenth of the way to the batch's if BatchNorm is in training.",
            "numpy",
            _running,
            twin=("y = net(x)", "y = net.train()(x)"),
            tolerance=1e-6,
        ),
    ),
    statements=(
        Statement(
            says="model.eval() does not use BatchNorm and Dropout.",
            where="model.eval()",
            program="import torch\nnorm = torch.nn.BatchNorm1d(1)\nnorm.running_mean.fill_(2.)\n"
            "norm.eval()\nx = torch.tensor([[1.], [5.]])\ny = norm(x)",
            judge=_off,
            truth="Dropout passes its input on. BatchNorm normalizes, by its running statistics.",
            twin=("fill_(2.)", "fill_(0.); norm.eps = 0."),
        ),
        Statement(
            says="train(mode) goes through all submodules and sets training; eval() is "
            "train(False).",
            where="train() & eval()",
            program="import torch\nfrom torch import nn\n"
            "net = nn.Sequential(nn.Dropout(), nn.Sequential(nn.BatchNorm1d(1)))\nnet.eval()\n"
            "flags = [module.training for module in net.modules()]",
            judge=_reached,
            truth="So it does, and returns the module itself.",
            twin=("net.eval()", "net.training = False"),
        ),
        Statement(
            says="In eval mode BatchNorm uses the statistics of all the training data.",
            where="torch.no_grad() and model.eval()",
            program="import torch\ntorch.manual_seed(0)\nnorm = torch.nn.BatchNorm1d(1)\n"
            "x = torch.arange(12.).reshape(3, 4, 1)\nfor batch in x:\n    norm(batch)\n"
            "held, whole = norm.running_mean, x.mean(dim=(0, 1))",
            judge=_statistics,
            truth="A running average of the batches, begun at 0, a tenth each: the last ones "
            "count most. With momentum=None it is their plain mean.",
            twin=("BatchNorm1d(1)", "BatchNorm1d(1, momentum=None)"),
        ),
        Statement(
            says="Without eval(), a small test batch changes what BatchNorm gives.",
            where="model.eval()",
            program="import torch\nnorm = torch.nn.BatchNorm1d(1)\nnorm.train()\n"
            "x = torch.tensor([[1.], [3.], [8.], [9.]])\nall4, two = norm(x), norm(x[:2])",
            judge=_small,
            truth="In training each batch is normalized by itself. In eval a sample's value does "
            "not depend on the others.",
            twin=("norm.train()", "norm.eval()"),
        ),
    ),
    ask=Ask(
        text="net[0].eval(), then net.train(). Is net[0] in training mode?",
        program="import torch\nfrom torch import nn\n"
        "net = nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 1))\nnet[0].eval()\nnet.train()",
        answer=lambda trace: "yes" if final(trace, "net").children["0"].training else "no",
        options=("yes", "no", "it has no mode of its own"),
        because="train() sets the flag of every module below, whatever was set before.",
    ),
    references=(
        ("torch.nn.Module.train", f"{_DOCS}/generated/torch.nn.Module.html#torch.nn.Module.train"),
        ("torch.nn.BatchNorm1d", f"{_DOCS}/generated/torch.nn.BatchNorm1d.html"),
    ),
    terms=("model.train", "model.eval", "training", "BatchNorm", "validation"),
)
