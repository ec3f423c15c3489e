"""Judge what the notes say of autocast by what torch gives now."""

import functools
import importlib
import time
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from explainers import devices
from explainers.evidence import Claim, Verdict, largest_difference, recorded_warnings
from explainers.precision.autocast.lists import DTYPES, Listed, raised, short
from explainers.precision.autocast.mistakes import mismatch
from explainers.precision.autocast.rows import table
from explainers.precision.autocast.training import Cost, Trainee, settle
from explainers.precision.formats import FORMATS, brief


def claims(*, device: str = "cpu") -> tuple[Claim, ...]:
    """Judge what the notes say of autocast by what torch gives now.

    Args:
        device: Where torch computes.
    """
    where = devices.device(device)
    return (
        _automatic_claim(where),
        cuda_only(device=device),
        _imports_claim(),
        _decorator_claim(where),
        _out_of_place_claim(where),
        _widest_claim(where),
        _mismatch_claim(where),
        _fp16_copy_claim(where),
        _backward_dtype_claim(where),
        _reduction_claim(device),
        _register_claim(where),
        _memory_claim(where),
        _speed_claim(where),
        _eights_claim(where),
        _half_claim(where),
        _half_inputs_claim(where),
    )


_AMP = "amp()"
_EXAMPLES = "automatic mixed precision examples"
_WHY = "Why use amp"
_CAUTION = "Notes of caution"
_HALF = "Speeding up a model, saving memory"


def _yes(holds: bool) -> Verdict:
    return Verdict.HOLDS if holds else Verdict.WRONG


def _linear(where: torch.device, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return a float32 weight that wants a gradient, and inputs."""
    generator = torch.Generator().manual_seed(seed)
    weight = (torch.randn(16, 16, generator=generator) / 4).to(where).requires_grad_()
    return weight, torch.randn(8, 16, generator=generator).to(where)


def _automatic_claim(where: torch.device) -> Claim:
    weight, inputs = _linear(where)
    with torch.autocast(where.type, dtype=torch.float16):
        output = F.linear(inputs, weight)
        loss = F.mse_loss(output, inputs)
    chosen = (weight.dtype, output.dtype, loss.dtype)
    return Claim(
        "amp chooses the precision of each operation; nobody converts the parameters by hand.",
        _AMP,
        _yes(chosen == (torch.float32, torch.float16, torch.float32)),
        f"Weight {short(chosen[0])}, linear {short(chosen[1])}, mse_loss {short(chosen[2])}.",
        "autocast casts each listed operation's inputs at the call.",
    )


def cuda_only(*, device: str = "cpu") -> Claim:
    """Judge the notes' statement that only CUDA operations can be autocast.

    Args:
        device: Where torch computes on this page.
    """
    where = devices.device(device)
    found = {}
    for dtype in DTYPES:
        weight, inputs = _linear(torch.device("cpu"))
        with torch.autocast("cpu", dtype=FORMATS[dtype].dtype):
            found[dtype] = short(F.linear(inputs, weight).dtype)
    named = ("cpu", "cuda", "mps", "xpu")
    takes = [name for name in named if torch.amp.is_autocast_available(name)]
    on_cpu = all(found[dtype] == dtype for dtype in DTYPES)
    return Claim(
        "Only CUDA operations can be autocast; amp needs Tensor Cores, and the model's parameters "
        "must be CUDA tensors.",
        f"{_AMP}: operations; typical training",
        Verdict.OBSOLETE if on_cpu else Verdict.HOLDS,
        f"On the CPU linear gives {' and '.join(found.values())}. This torch autocasts for "
        f"{', '.join(takes)}; run on {where.type}.",
        "True of the first releases. Now each device has lists; float16 with a GradScaler runs "
        "on CPUs too.",
    )


def _imports_claim() -> Claim:
    said = []
    for name in ("torch.cuda.amp.autocast", "torch.cuda.amp.GradScaler"):
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            said.append(raised(error))
    with recorded_warnings() as caught:
        torch.cuda.amp.GradScaler(enabled=False)
        torch.cuda.amp.autocast(enabled=False)
    warned = sum(issubclass(each.category, FutureWarning) for each in caught)
    return Claim(
        "import torch.cuda.amp.autocast as autocast; import torch.cuda.amp.GradScaler as "
        "GradScaler.",
        f"{_AMP}: how to use it",
        Verdict.OBSOLETE if said or warned else Verdict.HOLDS,
        f"{said[0] if said else 'Both import'}. The classes raise {warned} FutureWarnings.",
        'Both are classes; torch.cuda.amp is deprecated. Use torch.amp.GradScaler("cuda") '
        'and torch.autocast("cuda").',
    )


def _decorator_claim(where: torch.device) -> Claim:
    weight, inputs = _linear(where)

    decorated = torch.autocast(where.type, dtype=torch.bfloat16)(lambda: F.linear(inputs, weight))
    with torch.autocast(where.type, dtype=torch.bfloat16):
        managed = F.linear(inputs, weight)
    works = decorated().dtype is managed.dtype is torch.bfloat16
    said = ""
    old: Any = functools.partial(torch.autocast, where.type)
    try:
        old(enable=True)
    except TypeError as error:
        said = raised(error)
    return Claim(
        "autocast(enable=True) works as a context manager and as a decorator.",
        f"{_AMP}: the autocast class",
        Verdict.CONDITION if works and said else _yes(works),
        f"Both give {short(managed.dtype)}. With enable: {said or 'taken'}.",
        "Both work. The argument is enabled, after device_type.",
    )


def _out_of_place_claim(where: torch.device) -> Claim:
    generator = torch.Generator().manual_seed(0)
    a, b, c = (torch.rand(4, 4, generator=generator).to(where) for _ in range(3))
    out = torch.empty_like(a)
    with torch.autocast(where.type, dtype=torch.bfloat16):
        plain = a.addmm(b, c).dtype
        inplace = a.clone().addmm_(b, c).dtype
        torch.addmm(a, b, c, out=out)
    exact = largest_difference(out, torch.addmm(a, b, c)) == 0
    return Claim(
        "Only out-of-place operations can be autocast: a.addmm(b, c), not a.addmm_(b, c) nor "
        "a.addmm(b, c, out=d).",
        f"{_AMP}: operations",
        _yes(plain is torch.bfloat16 and inplace is torch.float32 and exact),
        f"addmm gives {short(plain)}, addmm_ {short(inplace)}, out= {short(out.dtype)}, "
        f"{'equal' if exact else 'not equal'} to float32's result.",
        "The others run in their tensors' dtype.",
    )


def _widest_claim(where: torch.device) -> Claim:
    rows = {row.name: row for row in table(str(where))}
    names = ("dot", "add", "cat")
    found = {name: rows[name] for name in names}
    widest = [
        row.from_mixed is torch.float32 and row.from_lower is torch.float16
        for row in found.values()
    ]
    cast = [row.name for row in rows.values() if row.listed is Listed.UNLISTED and row.cast]
    return Claim(
        "Operations on no list, as dot, add, cat, compute in the widest dtype of their inputs.",
        f"{_AMP}: operations",
        Verdict.HOLDS if all(widest) and not cast else _verdict(any(widest)),
        "float16 with float32: "
        + ", ".join(
            f"{name} {short(row.from_mixed) if row.from_mixed else 'raises'}"
            for name, row in found.items()
        )
        + (f". Cast here though unlisted: {', '.join(cast)}." if cast else "."),
        "add does. dot and cat are listed on some devices. Other unlisted operations run in "
        "their inputs' dtype, and may raise where these differ, as mv on a CPU.",
    )


def _verdict(partly: bool) -> Verdict:
    return Verdict.CONDITION if partly else Verdict.WRONG


def _part(parts: Sequence[bool]) -> Verdict:
    """Judge a statement of several parts, or cases: all hold, some do, or none."""
    return Verdict.HOLDS if all(parts) else _verdict(any(parts))


def _mismatch_claim(where: torch.device) -> Claim:
    found = mismatch(device=str(where))
    product, ones = (torch.ones(2, 2, dtype=d, device=where) for d in (found.inside, torch.float32))
    added = torch.add(product, ones).dtype
    refused = bool(found.said) and found.inside is torch.float16
    return Claim(
        "Outside of the autocast region, its float16 results must be cast to float32, or there is "
        "a mismatch error.",
        f"{_AMP}: mismatch error",
        Verdict.CONDITION if refused and added is torch.float32 else _yes(refused),
        f"mm: {found.said or 'nothing was raised'}. With .float(): off by "
        f"{brief(found.difference)}. add gives {short(added)}.",
        "Where an operation needs equal dtypes, as mm does; add casts to the wider one.",
    )


def _fp16_copy_claim(where: torch.device) -> Claim:
    weight, inputs = _linear(where)
    with torch.autocast(where.type, dtype=torch.float16):
        output = F.linear(inputs, weight)
    output.float().square().mean().backward()
    assert weight.grad is not None
    found = (weight.dtype, weight.grad.dtype)
    return Claim(
        "In the autocast region the model makes an FP16 copy of itself; backward gives scaled FP16 "
        "gradients.",
        f"{_AMP}: typical training",
        _yes(found == (torch.float16, torch.float16)),
        f"Output {short(output.dtype)}, weight {short(found[0])}, weight.grad {short(found[1])}.",
        "Weights are cast when needed, and the casts kept for the region. Gradients travel "
        "in float16, and reach weights in float32.",
    )


def _backward_dtype_claim(where: torch.device) -> Claim:
    weight, inputs = _linear(where)
    seen = []
    with torch.autocast(where.type, dtype=torch.float16):
        hidden = F.linear(inputs, weight)
        hidden.register_hook(lambda gradient: seen.append(gradient.dtype))
        loss = F.mse_loss(hidden, inputs)
    loss.backward()
    return Claim(
        "Backward operations run in the dtype that autocast chose for the forward ones.",
        f"{_EXAMPLES}: typical training",
        _yes(seen == [torch.float16]),
        f"Outside the region, a float16 linear gets a gradient of {short(seen[0])}; the "
        f"loss is {short(loss.dtype)}.",
        "Backward needs no autocast; torch advises against it.",
    )


def _reduction_claim(device: str) -> Claim:
    rows = {row.name: row for row in table(device)}
    names = ("sum", "mean", "softmax", "mse_loss", "cross_entropy")
    wide = [name for name in names if rows[name].from_lower is torch.float32]
    narrow = narrow_losses(devices.device(device))
    return Claim(
        "Reductions need float32's range, and autocast gives them float32.",
        _AMP,
        Verdict.HOLDS if len(wide) == len(names) else _verdict(bool(wide)),
        f"From float16 inputs, {', '.join(wide)} give float32, "
        f"{', '.join(name for name in names if name not in wide) or 'none'} float16. Of "
        f"{len(_LOSSES)} losses {', '.join(narrow) or 'none'} give{'' if len(narrow) > 1 else 's'} "
        "float16.",
        "Losses on autocast's list do. sum and softmax are on CUDA's float32 list, not the CPU's; "
        "mean on neither.",
    )


# torch's losses of two or three tensors of one shape.
_LOSSES: Mapping[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "mse_loss": lambda a, b, _: F.mse_loss(a, b),
    "l1_loss": lambda a, b, _: F.l1_loss(a, b),
    "smooth_l1_loss": lambda a, b, _: F.smooth_l1_loss(a, b),
    "huber_loss": lambda a, b, _: F.huber_loss(a, b),
    "kl_div": lambda a, b, _: F.kl_div(a, b, reduction="sum"),
    "cross_entropy": lambda a, b, _: F.cross_entropy(a, b),
    "binary_cross_entropy_with_logits": lambda a, b, _: F.binary_cross_entropy_with_logits(a, b),
    "soft_margin_loss": lambda a, b, _: F.soft_margin_loss(a, b),
    "hinge_embedding_loss": lambda a, b, _: F.hinge_embedding_loss(a, b),
    "poisson_nll_loss": lambda a, b, _: F.poisson_nll_loss(a, b),
    "gaussian_nll_loss": F.gaussian_nll_loss,
    "multilabel_soft_margin_loss": lambda a, b, _: F.multilabel_soft_margin_loss(a, b),
    "triplet_margin_loss": F.triplet_margin_loss,
    "triplet_margin_with_distance_loss": F.triplet_margin_with_distance_loss,
    "margin_ranking_loss": F.margin_ranking_loss,
}


def narrow_losses(where: torch.device) -> tuple[str, ...]:
    """Return torch's losses that give float16 from float16 inputs under autocast."""
    generator = torch.Generator().manual_seed(0)
    given = [
        (0.1 + 0.8 * torch.rand(4, 4, generator=generator)).to(where, torch.float16)
        for _ in range(3)
    ]
    with torch.autocast(where.type, dtype=torch.float16):
        return tuple(name for name, run in _LOSSES.items() if run(*given).dtype is torch.float16)


def _register_claim(where: torch.device) -> Claim:
    there = [
        name
        for name, module in (("torch.amp", torch.amp), ("torch.cuda.amp", torch.cuda.amp))
        if hasattr(module, "register_float_function")
    ]
    low = torch.ones(2, dtype=torch.bfloat16, device=where)
    forced = torch.amp.custom_fwd(
        lambda _, inputs: inputs * inputs, device_type=where.type, cast_inputs=torch.float32
    )
    with torch.autocast(where.type, dtype=torch.bfloat16):
        given = forced(types.SimpleNamespace(), low).dtype
    return Claim(
        "Functions that are seldom used must be registered first: "
        'amp.register_float_function(torch, "sigmoid").',
        f"{_CAUTION}: registering",
        Verdict.HOLDS if there else Verdict.OBSOLETE,
        f"Found in {', '.join(there) or 'neither torch.amp nor torch.cuda.amp'}. custom_fwd "
        f"with cast_inputs=torch.float32 gives {short(given)} from bfloat16.",
        "That is a function of NVIDIA's apex. torch has custom_fwd, or nested "
        "autocast(enabled=False) with .float().",
    )


def _memory_claim(where: torch.device) -> Claim:
    size = Cost(width=128, batch=256)
    found = {name: Trainee(name, size, where).saved for name in ("float32", "float16")}
    weights = sum(weight.nbytes for weight in Trainee("float16", size, where).weights)
    share = found["float16"] / found["float32"]
    few = Cost(width=128, batch=16)
    other = Trainee("float16", few, where).saved / Trainee("float32", few, where).saved
    return Claim(
        "amp takes less memory.",
        f"{_WHY}: advantages",
        _part((share < 1, other < 1)),
        f"Four linear layers, 256 samples: backward keeps {found['float32'] / 1024:.0f} KiB "
        f"in float32, {found['float16'] / 1024:.0f} under autocast ({share:.2f} times); with 16 "
        f"samples {other:.2f} times. Weights: {weights / 1024:.0f} KiB in both.",
        "Activations halve. Weights, gradients, optimizer stay float32; the weights' casts "
        "are extra.",
    )


# float16 products may take twenty times as long on a CPU; more would hold the page up.
_PRODUCT = 96
# Too many for a cache, in float32.
_VALUES = 4_000_000


def _least_time(run: Callable[[], object], where: torch.device, repeats: int = 9) -> float:
    """Return the least time: what else the machine does only adds to it."""
    run()
    times = []
    for _ in range(repeats):
        settle(where)
        start = time.perf_counter()
        run()
        settle(where)
        times.append(time.perf_counter() - start)
    return min(times)


def _product_times(where: torch.device, size: int, dtypes: Sequence[torch.dtype]) -> list[float]:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(size, size, generator=generator).to(where)
    return [
        _least_time(functools.partial(torch.mm, low, low), where)
        for low in (matrix.to(dtype) for dtype in dtypes)
    ]


def _speed_claim(where: torch.device) -> Claim:
    full, half, brain = _product_times(
        where, _PRODUCT, (torch.float32, torch.float16, torch.bfloat16)
    )
    products = (half / full, brain / full)
    wide = torch.ones(_VALUES, device=where)
    passes = [
        _least_time(functools.partial(torch.relu, each), where) for each in (wide, wide.bfloat16())
    ]
    relu = passes[1] / passes[0]
    return Claim(
        "amp computes faster, up to twice as fast.",
        f"{_WHY}: advantages",
        _part([ratio < 1 for ratio in (*products, relu)]),
        f"On this {where.type}, in float32's time: {_PRODUCT} by {_PRODUCT} products "
        f"{products[0]:.2g} in float16, {products[1]:.2g} in bfloat16; relu of "
        f"{_VALUES / 1e6:.0f} million values {relu:.2g} in bfloat16.",
        "Products need Tensor Cores, or a CPU's AMX. What only moves large tensors gains from "
        "fewer bytes anywhere; small ones pay more for casts than they save.",
    )


def _eights_claim(where: torch.device) -> Claim:
    dtypes = ("float16", "bfloat16", "float32")
    even, odd = (
        _product_times(where, size, [FORMATS[name].dtype for name in dtypes]) for size in (64, 63)
    )
    ratios = {name: b / a for name, a, b in zip(dtypes, even, odd, strict=True)}
    return Claim(
        "Dimensions that are multiples of 8 are fastest.",
        f"{_CAUTION}: dimensions",
        # Size 63 has 5% less work to do.
        _part([ratio > 1 for ratio in ratios.values()]),
        f"Products on this {where.type}: size 63 takes, in size 64's time for 5% less work, "
        + ", ".join(f"{ratio:.2g} in {name}" for name, ratio in ratios.items())
        + ".",
        "The hardware decides: it was said of Tensor Cores. Newer libraries pad by themselves: "
        "measure.",
    )


def _half_claim(where: torch.device) -> Claim:
    size = Cost(width=64, batch=64)
    model = Trainee("float32", size, where)

    def output(dtype: torch.dtype) -> Tensor:
        hidden = model.inputs.to(dtype)
        for weight in model.weights[:-1]:
            hidden = torch.relu(F.linear(hidden, weight.detach().to(dtype)))
        return F.linear(hidden, model.weights[-1].detach().to(dtype)).float()

    off = largest_difference(output(torch.float16), output(torch.float32))
    full, half = _product_times(where, _PRODUCT, (torch.float32, torch.float16))
    size_of, size_half = (
        sum(weight.to(dtype).nbytes for weight in model.weights)
        for dtype in (torch.float32, torch.float16)
    )
    return Claim(
        "model.half() speeds a model up, saves memory, and costs hardly any accuracy.",
        _HALF,
        _part((half < full, size_half < size_of, off < 1e-2)),
        f"Weights {size_of / 1024:.0f} KiB become {size_half / 1024:.0f}; outputs off by at "
        f"most {brief(off)}; a matrix product takes {half / full:.2g} times as long on this "
        f"{where.type}.",
        "Memory halves; speed needs hardware. Inference bears it; training loses updates "
        "below half a float16 step.",
    )


def _half_inputs_claim(where: torch.device) -> Claim:
    weight, inputs = _linear(where)
    half = weight.detach().half()
    said = ""
    try:
        F.linear(inputs, half)
    except RuntimeError as error:
        said = raised(error)
    after = inputs.cpu().half().to(where)
    before = inputs.half()
    same = torch.equal(after.cpu(), before.cpu())
    return Claim(
        "model.half() must come before model.cuda(); and the inputs must be half too.",
        _HALF,
        Verdict.CONDITION if said and same else _yes(bool(said)),
        f"float32 inputs: {said or 'taken'}. Halved before or after the move, the numbers "
        f"are {'the same' if same else 'not the same'}.",
        "The inputs must match. Order changes nothing; halving first moves fewer bytes.",
    )
