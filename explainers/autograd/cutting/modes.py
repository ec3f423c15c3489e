"""no_grad, enable_grad, set_grad_enabled and inference_mode, one inside the other."""

import dataclasses

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_MODES = (
    "no_grad()",
    "enable_grad()",
    "set_grad_enabled(False)",
    "set_grad_enabled(True)",
    "inference_mode()",
)


@dataclasses.dataclass(frozen=True)
class Modes(Parameters):
    """Say which mode is outside and which inside."""

    outer: str = choice("no_grad()", _MODES, label="outer", help="Around both operations.")
    inner: str = choice("enable_grad()", _MODES, label="inner", help="Around the first.")


PROGRAM = """
import torch

x = torch.tensor([1., 2.], requires_grad=True)
with torch.${outer}:
    with torch.${inner}:
        y = x * 2
        made = torch.ones(2, requires_grad=True)
    after = x * 2
last = x * 2
"""


def _on(*modes: str) -> bool:
    """Whether an operation under these modes, outermost first, is noted."""
    inference = "inference_mode()" in modes
    return modes[-1] in ("enable_grad()", "set_grad_enabled(True)") and not inference


def _noted(trace: Trace, settings: Modes) -> float:
    expected = {
        "y": _on(settings.outer, settings.inner),
        "after": _on(settings.outer),
        "last": True,
    }
    return float(
        sum(final(trace, name).requires_grad is not noted for name, noted in expected.items())
    )


def _made(trace: Trace, settings: Modes) -> float:
    made = final(trace, "made")
    uncounted = "inference_mode()" in (settings.outer, settings.inner)
    return float(not made.requires_grad) + float((made.version is None) is not uncounted)


def _pair(trace: Trace) -> tuple[Verdict, str]:
    before, after = final(trace, "before").text, final(trace, "after").text
    verdict = Verdict.HOLDS if before == after else Verdict.CONDITION
    return verdict, f"grad mode before {before}, after the pair {after}"


def _every_result(trace: Trace) -> tuple[Verdict, str]:
    found = {name: final(trace, name).requires_grad for name in ("y", "made")}
    verdict = Verdict.CONDITION if any(found.values()) else Verdict.HOLDS
    return verdict, ", ".join(f"{name}.requires_grad is {held}" for name, held in found.items())


def _prints(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message}"
    held = final(trace, "y").requires_grad
    return (Verdict.HOLDS if held else Verdict.WRONG), f"y.requires_grad is {held}"


MODES = Lesson(
    slug="modes",
    title="grad modes, nested",
    notice="The innermost mode decides for y; behind it the outer one holds again.",
    program=PROGRAM,
    parameters=Modes,
    presets=(
        Preset("On inside off", "y is noted although no_grad is around it.", Modes()),
        Preset(
            "Inside inference",
            "enable_grad cannot undo inference_mode: y is not noted.",
            Modes("inference_mode()"),
        ),
        Preset(
            "Off inside on",
            "y is not noted, and after is.",
            Modes("enable_grad()", "set_grad_enabled(False)"),
        ),
    ),
    opens="last = ",
    notes={
        "y = x * 2": "Noted if the mode right here says so.",
        "made = torch": "A mode is about operations: a new leaf may always ask for a gradient.",
        "last = x": "Left behind, a mode leaves nothing.",
    },
    slips=(
        Slip(
            title="switching off and on by hand",
            program="import torch\n\nx = torch.ones(2, requires_grad=True)\n"
            "with torch.no_grad():\n    before = torch.is_grad_enabled()\n"
            "    torch.set_grad_enabled(False)\n    y = x * 2\n"
            "    torch.set_grad_enabled(before)\n    z = x * 2",
            wrong="torch.set_grad_enabled(True)",
            right="torch.set_grad_enabled(before)",
            lesson="On is not what was before: within no_grad the pair switches gradients on. A "
            "with block puts back what was, by itself.",
            source=("deepinv#166", "https://github.com/deepinv/deepinv/issues/166"),
            opens="z = x * 2",
        ),
        Slip(
            title="an error between off and on",
            program="import torch\n\nx = torch.ones(2, requires_grad=True)\ntry:\n"
            "    with torch.no_grad(): raise ValueError\nexcept ValueError:\n    pass\n"
            "y = x * 2",
            wrong="torch.set_grad_enabled(False); raise ValueError",
            right="with torch.no_grad(): raise ValueError",
            lesson="The line that would have switched gradients on again is never reached; a with "
            "block is left by an error, too.",
            source=(
                "pytorch-lightning#2180",
                "https://github.com/Lightning-AI/pytorch-lightning/issues/2180",
            ),
            opens="y = x * 2",
        ),
        Slip(
            title="Inference tensors cannot be saved for backward",
            program="import torch\n\nx = torch.ones(2)\nw = torch.ones(2, requires_grad=True)\n"
            "with torch.no_grad(): features = x * 2\nloss = (w * features).sum()",
            wrong="with torch.inference_mode(): features = x * 2",
            right="with torch.no_grad(): features = x * 2",
            lesson="What inference_mode made is no good for any graph later. Use no_grad, or clone "
            "it outside.",
            source=("unsloth#2434", "https://github.com/unslothai/unsloth/issues/2434"),
        ),
    ),
    proofs=(
        Proof(
            "An operation is noted if the innermost mode is on and inference_mode is not around.",
            "a stack of switches, in Python",
            _noted,
            twin=("    after = x * 2", "        after = x * 2"),
        ),
        Proof(
            "A new leaf requires a gradient under any mode; under inference_mode its version is "
            "not counted.",
            "the rule, in Python",
            _made,
            twin=("made = torch.ones(2, requires_grad=True)", "made = torch.ones(2)"),
        ),
    ),
    statements=(
        Statement(
            says="no_grad() and set_grad_enabled(False) … (True) are no different.",
            where="no_grad, set_grad_enabled, enable_grad and eval",
            program="import torch\nwith torch.no_grad():\n    before = torch.is_grad_enabled()\n"
            "    torch.set_grad_enabled(False)\n    torch.set_grad_enabled(True)\n"
            "    after = torch.is_grad_enabled()",
            judge=_pair,
            truth="In straight code. The pair does not restore the mode that was, and an error "
            "between leaves gradients off.",
            twin=("torch.no_grad()", "torch.enable_grad()"),
        ),
        Statement(
            says="In no_grad each result has requires_grad=False.",
            where="no_grad, set_grad_enabled, enable_grad and eval",
            program="import torch\nx = torch.ones(2, requires_grad=True)\nwith torch.no_grad():\n"
            "    y = x * 2\n    made = torch.ones(2, requires_grad=True)",
            judge=_every_result,
            truth="Results of operations. A new tensor may ask for a gradient, a new Parameter "
            "does, and a view of a leaf says True.",
            twin=("made = torch.ones(2, requires_grad=True)", "made = torch.ones(2)"),
        ),
        Statement(
            says="The example of enable_grad, with torch.tensor([1], …), prints True.",
            where="no_grad, set_grad_enabled, enable_grad and eval",
            program="import torch\nx = torch.tensor([1], requires_grad=True)\n"
            "with torch.no_grad():\n    with torch.enable_grad():\n        y = x * 2",
            judge=_prints,
            truth="[1] makes whole numbers, which cannot require a gradient; with [1.] it does.",
            twin=("[1]", "[1.]"),
        ),
    ),
    ask=Ask(
        text="with inference_mode(): with enable_grad(): y = x * 2, and x requires a gradient. "
        "Does y?",
        program="import torch\nx = torch.ones(2, requires_grad=True)\n"
        "with torch.inference_mode():\n    with torch.enable_grad():\n        y = x * 2",
        answer=lambda trace: (
            "it raises" if trace.failure else "yes" if final(trace, "y").requires_grad else "no"
        ),
        options=("yes", "no", "it raises"),
        because="inference_mode keeps nothing that a graph would need; enable_grad cannot undo it.",
    ),
    references=(
        ("torch.no_grad", f"{_DOCS}/generated/torch.no_grad.html"),
        (
            "torch.inference_mode",
            f"{_DOCS}/generated/torch.autograd.grad_mode.inference_mode.html",
        ),
        ("torch: autograd mechanics", f"{_DOCS}/notes/autograd.html"),
    ),
    terms=("no_grad", "enable_grad", "set_grad_enabled", "inference_mode", "is_grad_enabled"),
)
