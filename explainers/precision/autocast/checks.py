"""Prove what autocast casts: against torch's lists, casts by hand, numpy and float64."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from explainers import devices
from explainers.evidence import Check, Kind, largest_difference, recorded_warnings
from explainers.precision.autocast.lists import DTYPES, Listed, short
from explainers.precision.autocast.operations import BELOW_1, OPS
from explainers.precision.autocast.rows import KINDS, State, inputs, steps, table
from explainers.precision.autocast.training import Cost, Trainee
from explainers.precision.autocast.view import View
from explainers.precision.formats import FORMATS


def checks(*, device: str = "cpu") -> tuple[Check, ...]:
    """Compare what autocast gives with its lists, with casts made by hand, and with numpy.

    Args:
        device: Where torch computes.
    """
    where = devices.device(device)
    return (
        *(_lists(device, dtype) for dtype in DTYPES),
        _by_hand(where, Listed.LOWER),
        _by_hand(where, Listed.FLOAT32),
        _recorded(device),
        _numpy(where),
        _overflow(where),
        _off(where),
        _restored(where),
        _decorator(where),
        _weights(where),
        _no_grad(where),
        _cache(where),
        _out_of_place(where),
        _saved(where),
    )


def _pair(where: torch.device, size: int = 16) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(size, size, generator=generator).to(where) for _ in range(2))
    return a, b


def _wrong(count: int) -> float:
    return float(count)


def _lists(device: str, dtype: str) -> Check:
    rows = [row for row in table(device, dtype) if row.listed is not Listed.UNLISTED]
    off = [row.name for row in rows if not row.as_listed]
    return Check(
        f"In {dtype}, every listed operation returns its list's dtype",
        f"the {devices.device(device).type}'s documented lists: {len(rows)} operations, "
        "three kinds of input",
        _wrong(len(off)),
        0.0,
        f"Off: {', '.join(off)}." if off else "",
        kind=Kind.INDEPENDENT,
    )


def _by_hand(where: torch.device, listed: Listed) -> Check:
    """Run every operation of a list under autocast, and outside on inputs cast by hand."""
    error, count = 0.0, 0
    for dtype in DTYPES:
        lower = FORMATS[dtype].dtype
        names = [
            row.name for row in table(str(where), dtype) if row.listed is listed and not row.said
        ]
        wanted = lower if listed is Listed.LOWER else torch.float32
        with recorded_warnings():
            for name in names:
                a, b = (each.to(where, lower) for each in inputs(below_1=name in BELOW_1))
                with torch.autocast(where.type, dtype=lower):
                    cast = OPS[name](a.float(), b) if listed is Listed.LOWER else OPS[name](a, b)
                by_hand = OPS[name](a.to(wanted), b.to(wanted))
                same = cast.dtype is by_hand.dtype
                error = max(error, largest_difference(cast, by_hand) if same else float("inf"))
                count += 1
    return Check(
        "Operations listed as lower precision give what they give on inputs cast by hand"
        if listed is Listed.LOWER
        else "Operations listed as float32 give what they give on inputs cast by hand",
        f"the same {count // len(DTYPES)} operations without autocast, bit for bit, float16 and "
        "bfloat16",
        error,
        0.0,
        kind=Kind.ANOTHER_PATH,
    )


def _recorded(device: str) -> Check:
    """Count the operations whose recorded casts do not lead to the dtype that comes out."""
    wrong = 0
    rows = table(device)
    for row in rows:
        for kind, outcome in zip(KINDS, row.outcomes, strict=True):
            ran = steps(row.name, kind, device=device)
            given = {torch.float32, torch.float16} if kind == "mixed" else set()
            given |= {torch.float16} if kind == "lower" else {torch.float32}
            casts = {step.gives for step in ran if step.name == "cast"}
            # A dtype that comes out either went in or was cast to.
            wrong += outcome.dtype is not None and outcome.dtype not in given | casts
    return Check(
        "Each dtype that comes out went in, or a cast to it was recorded",
        f"calls that reach torch's library: {len(rows)} operations, three kinds of input",
        _wrong(wrong),
        0.0,
        kind=Kind.INVARIANT,
    )


def _numpy(where: torch.device) -> Check:
    """Count float16 products further than one rounding from numpy's float64 ones."""
    a, b = _pair(where)
    with torch.autocast(where.type, dtype=torch.float16):
        product = torch.mm(a, b)
    x, y = (each.cpu().numpy().astype(np.float16).astype(np.float64) for each in (a, b))
    true = x @ y
    error = np.abs(product.cpu().double().numpy() - true)
    # Sums of 16 in float32 or wider lose next to nothing; then one rounding to float16.
    allowed = np.abs(true) * 2.0**-11 + np.abs(x) @ np.abs(y) * 2.0**-20 + 2.0**-25
    return Check(
        "float16 products: exact products of rounded inputs, rounded again",
        "numpy: float16 inputs, float64 product; error over what is allowed",
        float((error / allowed).max()),
        1.0,
        "Allowed: half a float16 step plus a millionth of the summed magnitudes.",
        kind=Kind.INDEPENDENT,
    )


def _overflow(where: torch.device) -> Check:
    wrong = 0
    for value in (255.75, 255.9, 256.0, 1000.0):
        a = torch.full((1, 1), value, device=where)
        with torch.autocast(where.type, dtype=torch.float16):
            product = float(torch.mm(a, a))
        with np.errstate(over="ignore"):
            rounded = np.float16(value)
            expected = float(np.float16(np.float64(rounded) * np.float64(rounded)))
        wrong += product != expected
    return Check(
        "A product overflows where numpy's float16 does, above 65504",
        "numpy.float16, four numbers around 256 squared",
        _wrong(wrong),
        0.0,
        kind=Kind.INDEPENDENT,
    )


def _off(where: torch.device) -> Check:
    a, b = _pair(where)
    with torch.autocast(where.type, dtype=torch.bfloat16):
        with torch.autocast(where.type, enabled=False):
            inside = a @ b
        wide = a.double() @ b.double() if where.type != "mps" else inside
    outside = a @ b
    kept = wide.dtype is not torch.bfloat16 and inside.dtype is torch.float32
    return Check(
        "Under a nested autocast(enabled=False) nothing is cast; float64 never is",
        "the product outside of autocast",
        largest_difference(inside, outside) if kept else float("inf"),
        0.0,
        kind=Kind.ANOTHER_PATH,
    )


def _restored(where: torch.device) -> Check:
    a, _ = _pair(where)
    wrong = 0
    try:
        with torch.autocast(where.type, dtype=torch.bfloat16):
            torch.mm(a, a[:3])
    except RuntimeError:
        wrong += (a @ a).dtype is not torch.float32
    else:
        wrong += 1
    with torch.autocast(where.type, dtype=torch.bfloat16):
        with torch.autocast(where.type, dtype=torch.float16):
            wrong += (a @ a).dtype is not torch.float16
        wrong += (a @ a).dtype is not torch.bfloat16
    wrong += (a @ a).dtype is not torch.float32
    return Check(
        "Leaving a region, even by an error, restores the outer one",
        "a product's dtypes after an error, in, between and outside regions",
        _wrong(wrong),
        0.0,
        kind=Kind.INVARIANT,
    )


def _decorator(where: torch.device) -> Check:
    a, b = _pair(where)
    decorated = torch.autocast(where.type, dtype=torch.float16)(torch.mm)
    with torch.autocast(where.type, dtype=torch.float16):
        managed = torch.mm(a, b)
    same = decorated(a, b).dtype is managed.dtype
    return Check(
        "autocast acts alike as decorator and context manager",
        "torch.mm in a with block",
        largest_difference(decorated(a, b), managed) if same else float("inf"),
        0.0,
        kind=Kind.ANOTHER_PATH,
    )


def _weights(where: torch.device) -> Check:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(8, 8, generator=generator).to(where).requires_grad_()
    given = torch.randn(4, 8, generator=generator).to(where)
    with torch.autocast(where.type, dtype=torch.bfloat16):
        F.mse_loss(F.linear(given, weight), given).backward()
    assert weight.grad is not None
    wrong = sum(each.dtype is not torch.float32 for each in (weight, weight.grad))
    low = given.bfloat16()
    output = F.linear(low, weight.detach().bfloat16()).float()
    gradient = (2 / output.numel() * (output - given)).bfloat16().T @ low
    return Check(
        "Weights and gradients stay float32; the gradient is the lower precision's, cast",
        "a linear layer's backward, written out in bfloat16",
        largest_difference(weight.grad, gradient.float()) if not wrong else float("inf"),
        2.0**-8 * float(gradient.abs().max()),
        "One bfloat16 rounding: 1 part in 256.",
        kind=Kind.ANOTHER_PATH,
    )


def _gradient(where: torch.device, *, look_first: bool) -> Tensor:
    a, b = _pair(where)
    weight = b.clone().requires_grad_()
    with torch.autocast(where.type, dtype=torch.float16):
        if look_first:
            with torch.no_grad():
                F.linear(a, weight)
        output = F.linear(a, weight)
    if not output.requires_grad:
        return torch.zeros_like(weight)
    output.float().square().mean().backward()
    assert weight.grad is not None
    return weight.grad


def _no_grad(where: torch.device) -> Check:
    after, alone = (_gradient(where, look_first=first) for first in (True, False))
    return Check(
        "A weight first cast under no_grad keeps its gradient",
        "the gradient without that first pass",
        # Two lost gradients agree too.
        largest_difference(after, alone) if bool(alone.any()) else float("inf"),
        0.0,
        "Older releases lost it: pytorch#105211.",
        kind=Kind.ANOTHER_PATH,
    )


def _casts(where: torch.device, *, cache_enabled: bool) -> int:
    """Count the casts of a weight that is used three times."""
    a, b = _pair(where)
    weight = b.clone().requires_grad_()
    with torch.autocast(where.type, dtype=torch.float16, cache_enabled=cache_enabled):
        outputs = [F.linear(a, weight) for _ in range(3)]
    nodes: set[Any] = set()
    for output in outputs:
        assert output.grad_fn is not None
        nodes |= {
            node
            for node, _ in output.grad_fn.next_functions + _second(output.grad_fn)
            if node is not None and "ToCopy" in node.name()
        }
    return len(nodes)


def _second(node: Any) -> tuple[Any, ...]:
    found: tuple[Any, ...] = ()
    for each, _ in node.next_functions:
        if each is not None:
            found += each.next_functions
    return found


def _cache(where: torch.device) -> Check:
    kept, anew = (_casts(where, cache_enabled=cached) for cached in (True, False))
    return Check(
        "A weight used three times is cast once; with cache_enabled=False, thrice",
        "backward nodes that undo a cast",
        _wrong(abs(kept - 1) + abs(anew - 3)),
        0.0,
        kind=Kind.INVARIANT,
    )


def _out_of_place(where: torch.device) -> Check:
    a, b = _pair(where)
    out, held = torch.empty_like(a), a.clone()
    with torch.autocast(where.type, dtype=torch.bfloat16):
        torch.mm(a, b, out=out)
        held.addmm_(a, b)
    return Check(
        "In-place and out= operations are not autocast",
        "the same outside of autocast, bit for bit",
        max(
            largest_difference(out, torch.mm(a, b)),
            largest_difference(held, torch.addmm(a, a, b)),
        ),
        0.0,
        kind=Kind.ANOTHER_PATH,
    )


def _saved(where: torch.device) -> Check:
    size = Cost(width=32, batch=64)
    full = Trainee("float32", size, where).saved
    # Inputs, three outputs of relu, the last output and the targets.
    counted = 4 * 64 * (32 + 3 * 32 + 1 + 1)
    return Check(
        "The bytes kept for backward are the activations'",
        "float32 activations of Learn's network, counted by hand",
        _wrong(abs(full - counted)),
        0.0,
        kind=Kind.INDEPENDENT,
    )


def view_checks(view: View, *, device: str = "cpu") -> tuple[Check, ...]:
    """Check what one view shows.

    Args:
        view: What the page shows.
        device: Where torch computed it.
    """
    where = devices.device(device)
    return _shown_dtypes(view), _chosen_by_hand(view, where)


def _shown_dtypes(view: View) -> Check:
    settings = view.parameters
    rows = [row for row in view.rows if row.listed is not Listed.UNLISTED]
    if settings.enabled:
        off = [row.name for row in rows if not row.as_listed]
        return Check(
            "Every listed operation shown returns its list's dtype",
            f"torch's lists for the {view.device}: {len(rows)} operations",
            _wrong(len(off)),
            0.0,
            f"Off: {', '.join(off)}." if off else "",
            kind=Kind.INDEPENDENT,
        )
    found = [view.outcome(row).dtype for row in view.rows]
    foreign = torch.float16 if settings.dtype == "bfloat16" else torch.bfloat16
    allowed = {None, torch.float32}
    allowed |= {FORMATS[settings.dtype].dtype} if settings.inputs != "float32" else set()
    return Check(
        "Without autocast only dtypes that went in come out",
        f"the inputs' dtypes; {short(foreign)} is not among them",
        _wrong(sum(each not in allowed for each in found)),
        0.0,
        kind=Kind.INVARIANT,
    )


def _chosen_by_hand(view: View, where: torch.device) -> Check:
    """Repeat the chosen operation outside of autocast, with the casts that torch recorded."""
    settings = view.parameters
    outcome = view.outcome(view.chosen)
    lower = FORMATS[settings.dtype].dtype
    a, b = inputs(settings.exponent, below_1=settings.op in BELOW_1)
    a = a.to(where, torch.float32 if settings.inputs == "float32" else lower)
    b = b.to(where, lower if settings.inputs == "lower" else torch.float32)
    with recorded_warnings():
        if outcome.state is State.RAISED:
            same = 1.0
            try:
                with torch.autocast(where.type, dtype=lower, enabled=settings.enabled):
                    OPS[settings.op](a, b)
            except (RuntimeError, NotImplementedError):
                same = 0.0
            return Check(
                f"{settings.op} raises with these inputs each time",
                "a second call",
                same,
                0.0,
                kind=Kind.INVARIANT,
            )
        with torch.autocast(where.type, dtype=lower, enabled=settings.enabled):
            shown = OPS[settings.op](a, b)
        casts = {step.gives for step in view.steps if step.name == "cast"}
        if casts:
            (to,) = casts if len(casts) == 1 else (outcome.dtype,)
            a, b = a.to(to), b.to(to)
        by_hand = OPS[settings.op](a, b)
    how = f"cast to {short(next(iter(casts)))} by hand" if len(casts) == 1 else "as they are"
    # An infinity and a NaN equal themselves, and no number.
    alike = (shown == by_hand) | (shown.isnan() & by_hand.isnan())
    finite = shown.isfinite() & by_hand.isfinite()
    difference = (
        largest_difference(shown[finite], by_hand[finite])
        if bool((alike | finite).all())
        else float("inf")
    )
    return Check(
        f"{settings.op} gives what it gives without autocast, on inputs cast as torch cast them",
        f"{settings.op} without autocast, inputs {how}, bit for bit",
        difference if shown.dtype is by_hand.dtype else float("inf"),
        0.0,
        kind=Kind.ANOTHER_PATH,
    )
