"""Run what the notes say of learning rates and their schedulers, and judge it."""

import ast
import importlib
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import lr_scheduler

from explainers import devices
from explainers.evidence import Claim, Verdict, recorded_warnings
from explainers.optimizers.schedulers.tracing import plateau, trace

_RESUME = "lr_scheduler: resuming"
_NOTED = "lr_scheduler: StepLR, MultiStepLR"
_TABLE = "lr_scheduler: example"
_DECAY = "learning rate decay"
_TUNING = "2.1 Adjusting the learning rate"
# Rates of a dozen roundings, compared as shares of each other.
_SAME = 1e-12


def claims(*, device: str = "cpu") -> tuple[Claim, ...]:
    """Judge each statement of the notes by what torch gives now.

    Args:
        device: Where torch computes; rates are Python floats anywhere.
    """
    where = devices.device(device)
    return (
        _descent(where),
        _param_groups(where),
        _constant(),
        _by_hand(where),
        _step_formula(),
        _step_meaning(where),
        _starts_at_one(where),
        _notes_step(),
        _multi_step_formula(),
        _multi_step_tenfold(),
        _multi_step_milestones(),
        _exponential(),
        _lambda_table(where),
        _lambda_rule(),
        _lambda_floor(),
        _lambda_code(),
        _cosine_restarts(),
        _cosine_first_rate(),
        _plateau_rule(),
        _plateau_modes(),
        _order(where),
        _imported_class(),
        _read_rate(where),
        _key_error(where),
        _base_lrs(where),
        _get_lr(where),
        _initial_lr_mends(where),
        _checkpoint(where),
    )


def _descent(where: torch.device) -> Claim:
    weights = torch.tensor([1.0, -2.0], device=where, requires_grad=True)
    optimizer = torch.optim.SGD([weights], lr=0.1)
    weights.square().sum().backward()
    assert weights.grad is not None
    expected = (weights - 0.1 * weights.grad).detach()
    optimizer.step()
    error = float((weights.detach() - expected).abs().max())
    ends = {lr: abs(_descend(lr, where)) for lr in (0.5, 1.0, 1.1)}
    return Claim(
        "A step of gradient descent is w - lr * grad(w): the rate scales the gradient.",
        "Learning rate",
        Verdict.HOLDS if error < 1e-6 else Verdict.WRONG,
        f"SGD is off by {error:.1g}. On w², from 1, six steps end at "
        + ", ".join(f"{end:.3g} for lr {lr:g}" for lr, end in ends.items())
        + ".",
        "In plain SGD. On w² a rate of 0.5 reaches 0 in one step, 1 swings for ever, more "
        "diverges.",
    )


def _descend(lr: float, where: torch.device) -> float:
    weight = torch.ones(1, device=where, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=lr)
    for _ in range(6):
        optimizer.zero_grad()
        weight.square().sum().backward()
        optimizer.step()
    return float(weight.detach())


def _param_groups(where: torch.device) -> Claim:
    optimizer = torch.optim.Adam([torch.zeros(1, device=where, requires_grad=True)])
    groups = optimizer.param_groups
    listed = {"amsgrad", "params", "lr", "betas", "weight_decay", "eps"}
    there = listed <= set(groups[0])
    return Claim(
        "param_groups is a list of two: a dict of six entries, then the optimizer's state.",
        "optimizer",
        Verdict.HOLDS
        if len(groups) == 2 and set(groups[0]) == listed
        else Verdict.OBSOLETE
        if there and len(groups) == 2
        else Verdict.WRONG,
        f"Adam on one list: {len(groups)} group, {len(groups[0])} entries, the six "
        f"{'among' if there else 'not all among'} them.",
        "One dict per parameter group, with the lr that a scheduler sets. State is in "
        "optimizer.state.",
    )


def _constant() -> Claim:
    rates = _rates("LambdaLR", 50, lr_lambda="1", base_lr=0.01)
    same = len(set(rates.tolist())) == 1
    return Claim(
        "Adam(model.parameters(), lr=0.01) keeps its learning rate constant.",
        f"{_TUNING}: constant",
        Verdict.HOLDS if same else Verdict.WRONG,
        "50 steps at "
        + (f"{float(rates[0]):g}." if same else f"{len(set(rates.tolist()))} different rates."),
        "lr stays until it is set. Adam's steps still vary with the gradients.",
    )


def _by_hand(where: torch.device) -> Claim:
    def adjust(optimizer: torch.optim.Optimizer, epoch: int, lr: float) -> None:
        lr *= 0.1 ** (epoch // 2)
        for group in optimizer.param_groups:
            group["lr"] = lr

    optimizer = _sgd(where, 10.0)
    meant, compounded = [], []
    for epoch in range(10):
        adjust(optimizer, epoch, 10.0)
        meant.append(_rate(optimizer))
    optimizer.param_groups[0]["lr"] = 10.0
    for epoch in range(10):
        adjust(optimizer, epoch, _rate(optimizer))
        compounded.append(_rate(optimizer))
    expected = [10.0 ** (1 - epoch // 2) for epoch in range(10)]
    holds = _close(meant, expected)
    return Claim(
        "By hand: lr *= 0.1 ** (epoch // 2) in every group divides the rate by 10 every 2 epochs.",
        f"{_TUNING}: by hand",
        Verdict.HOLDS if holds else Verdict.WRONG,
        f"From 10, epoch 9 has {meant[9]:.1g}; with the current rate for lr, {compounded[9]:.1g}.",
        "While lr is the first rate, as in the notes; from the current one the decay compounds.",
    )


def _step_formula() -> Claim:
    rates = _rates("StepLR", 100, step_size=30, gamma=0.1)
    expected = [0.1 * 0.1 ** (epoch // 30) for epoch in range(100)]
    return Claim(
        "StepLR: new_lr = initial_lr * gamma ** (epoch // step_size).",
        f"{_NOTED} (StepLR)",
        _yes(_close(rates.tolist(), expected)),
        f"100 epochs: relative error at most {_relative(rates.tolist(), expected):.1g}.",
        "Epochs count from 0.",
    )


def _step_meaning(where: torch.device) -> Claim:
    weight = torch.zeros(1, device=where, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    scheduler = lr_scheduler.StepLR(optimizer, 5)
    moved, changed = 0, 0
    for _ in range(10):
        weight.grad = torch.ones_like(weight)
        before, rate = float(weight.detach()), _rate(optimizer)
        optimizer.step()
        scheduler.step()
        moved += float(weight.detach()) != before
        changed += _rate(optimizer) != rate
    return Claim(
        "step_size: the parameters are updated once every step_size epochs.",
        f"{_NOTED} (StepLR)",
        Verdict.HOLDS if moved == 2 else Verdict.WRONG,
        f"step_size 5, 10 epochs: {moved} moves of the weight, {changed} of the rate.",
        "The rate is updated so; parameters move at every step of the optimizer.",
    )


def _starts_at_one(where: torch.device) -> Claim:
    optimizer = _sgd(where)
    scheduler = lr_scheduler.StepLR(optimizer, 2)
    first = scheduler.last_epoch
    optimizer.step()
    scheduler.step()
    return Claim(
        "last_epoch=-1 trains from the beginning, that is from epoch 1.",
        f"{_NOTED} (StepLR)",
        Verdict.HOLDS if first == 1 else Verdict.WRONG,
        (
            f"last_epoch is {first} when the scheduler is made, {scheduler.last_epoch} after "
            "one step."
        ),
        "From epoch 0. Making the scheduler takes the first step.",
    )


def _notes_step() -> Claim:
    rates = _rates("StepLR", 250, step_size=100, gamma=0.9).tolist()
    drops = [index for index in range(1, 250) if rates[index] != rates[index - 1]]
    factors = [rates[index] / rates[index - 1] for index in drops]
    holds = drops == [100, 200] and _close(factors, [0.9, 0.9])
    return Claim(
        "StepLR(step_size=100, gamma=0.9): the rate times 0.9 every step_size epochs.",
        f"{_TUNING}: StepLR",
        _yes(holds),
        f"It drops at steps {_listed(drops)}, to "
        f"{_listed(f'{factor:.3g}' for factor in factors)} of what it was.",
        f"That is slow: from 0.1, after 250 epochs the rate is {rates[-1]:.3g}.",
    )


def _multi_step_formula() -> Claim:
    milestones = (30, 30, 80)
    rates = _rates("MultiStepLR", 100, milestones=milestones)
    expected = [0.1 * 0.1 ** sum(step <= epoch for step in milestones) for epoch in range(100)]
    return Claim(
        "MultiStepLR: new_lr = initial_lr * gamma ** bisect_right(milestones, epoch).",
        f"{_NOTED} (MultiStepLR)",
        _yes(_close(rates.tolist(), expected)),
        f"Milestones 30, 30, 80: relative error at most {_relative(rates.tolist(), expected):.1g}.",
        "The power counts the milestones passed; one given twice counts twice.",
    )


def _multi_step_tenfold() -> Claim:
    milestones = [30, 80, 120]
    rates = _rates("MultiStepLR", 150, milestones=milestones).tolist()
    factors = [rates[step] / rates[step - 1] for step in milestones]
    tenfold = _close(factors, [0.1] * 3)
    literal = _close([rates[30]], [0.1 * 0.1**30])
    return Claim(
        "At each milestone the rate falls tenfold: 0.1 ** milestones.",
        f"{_NOTED} (MultiStepLR)",
        _verdict(tenfold, tenfold and literal),
        f"Factors at 30, 80, 120: {', '.join(f'{factor:.2g}' for factor in factors)}; at 30 "
        f"the rate is {rates[30]:.2g}, 0.1 ** 30 would make it {0.1 * 0.1**30:.1g}.",
        "With the default gamma, 0.1. The power counts the milestones passed.",
    )


def _multi_step_milestones() -> Claim:
    found = {
        gamma: _rates("MultiStepLR", 150, milestones=[30, 80, 120], gamma=gamma).tolist()
        for gamma in (0.1, 0.5)
    }
    factors = {gamma: rates[30] / rates[29] for gamma, rates in found.items()}
    times = all(_close([factor], [gamma]) for gamma, factor in factors.items())
    return Claim(
        "milestones=[30, 80, 120]: at each, the rate is reduced by a factor of gamma.",
        f"{_TUNING}: MultiStepLR",
        _yes(times),
        "At 30 the rate is multiplied by "
        + ", ".join(f"{factor:.2g} for gamma {gamma:g}" for gamma, factor in factors.items())
        + ".",
        "It is multiplied: a gamma above 1 raises it.",
    )


def _exponential() -> Claim:
    rates = trace("ExponentialLR", steps=8, base_lr=1.0, gamma=0.9).learning_rate[0].tolist()
    first = [0.9**epoch for epoch in range(8)]
    literal = [math.prod(0.9**epoch for epoch in range(last + 1)) for last in range(8)]
    return Claim(
        "ExponentialLR: lr = lr * gamma ** epoch.",
        f"{_TUNING}: ExponentialLR",
        _verdict(_close(rates, first) or _close(rates, literal), _close(rates, literal)),
        f"From 1, gamma 0.9, epoch 7 has {rates[7]:.4f}; 0.9 ** 7 is {first[7]:.4f}; the line "
        f"run in each epoch gives {literal[7]:.4f}.",
        "With the first rate on the right. From one epoch to the next, lr = lr * gamma.",
    )


def _lambda_table(where: torch.device) -> Claim:
    noted = "0.100000 0.050000 0.033333 0.025000 0.020000 0.016667 0.014286 0.012500 0.011111 "
    noted += "0.010000"
    weight = torch.zeros(1, device=where, requires_grad=True)
    optimizer = torch.optim.Adam([weight], lr=0.1)
    scheduler = lr_scheduler.LambdaLR(optimizer, lr_lambda=lambda epoch: 1 / (epoch + 1))
    rows = []
    for _ in range(1, 11):
        optimizer.zero_grad()
        optimizer.step()
        rows.append(f"{_rate(optimizer):f}")
        scheduler.step()
    same = sum(a == b for a, b in zip(rows, noted.split(), strict=True))
    return Claim(
        "LambdaLR with 1 / (epoch + 1) from 0.1, ten epochs: 0.100000, 0.050000, 0.033333, …, "
        "0.010000.",
        _TABLE,
        _yes(same == 10),
        f"{same} of 10 rows equal to six digits: {', '.join(rows)}.",
        "To every digit, once lamda is spelled lambda.",
    )


def _lambda_rule() -> Claim:
    rates = _rates("LambdaLR", 40, lr_lambda="0.95**epoch").tolist()
    expected = [0.1 * 0.95**epoch for epoch in range(40)]
    optimizer = _sgd(torch.device("cpu"))
    lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5)
    initial = optimizer.param_groups[0]["initial_lr"]
    return Claim(
        "LambdaLR sets each group's rate to its initial lr times a function; with last_epoch=-1 "
        "the initial lr is lr.",
        f"{_TUNING}: LambdaLR",
        _yes(_close(rates, expected) and initial == 0.1),
        f"0.95 ** epoch: relative error at most {_relative(rates, expected):.1g}; "
        f"initial_lr is {initial:g}.",
        "A factor on the first rate, never the last.",
    )


def _lambda_floor() -> Claim:
    rates = _rates("LambdaLR", 31, lr_lambda="epoch//10").tolist()
    idle = sum(rate == 0 for rate in rates)
    factor = _close(rates, [0.1 * (epoch // 10) for epoch in range(31)])
    return Claim(
        "An example for LambdaLR: the factor epoch // 10.",
        f"{_TUNING}: LambdaLR",
        _verdict(factor, factor and idle == 0),
        f"The rate is 0 for {idle} epochs, then {rates[10]:g}, {rates[20]:g}, {rates[30]:g}.",
        "It runs, but learns nothing for ten epochs, then grows without end. 0.1 ** (epoch "
        "// 10) decays.",
    )


def _lambda_code() -> Claim:
    lines = {
        "lambda = lambda epoch: epoch // 10": False,
        "lr_lambda=lamda epoch:1/(epoch+1)": False,
    }
    for line in lines:
        try:
            ast.parse(line)
            lines[line] = True
        except SyntaxError:
            pass
    refused = [line.split("=")[0].strip() for line, runs in lines.items() if not runs]
    return Claim(
        "The code `lambda = lambda epoch: epoch // 10` and `lr_lambda=lamda epoch: …`.",
        f"{_TUNING}: LambdaLR",
        _yes(not refused),
        f"SyntaxError in {len(refused)} of {len(lines)} lines.",
        "lambda is a keyword. Write factor = lambda epoch: ….",
    )


def _cosine_restarts() -> Claim:
    cosine = _rates("CosineAnnealingLR", 31, T_max=5).tolist()
    warm = _rates("CosineAnnealingWarmRestarts", 31, T_0=5).tolist()
    largest = {
        name: max(b - a for a, b in itertools.pairwise(rates))
        for name, rates in (("CosineAnnealingLR", cosine), ("warm restarts", warm))
    }
    jumps = largest["CosineAnnealingLR"] > 0.08
    return Claim(
        "CosineAnnealingLR has a cosine for its period and sets the rate anew at each period's "
        "maximum.",
        f"{_TUNING}: cosine annealing",
        _yes(jumps),
        f"T_max 5, from 0.1: step 5 {abs(cosine[5]):.1g}, step 10 {cosine[10]:.2g}; largest "
        f"rise in a step {largest['CosineAnnealingLR']:.3f}, with warm restarts "
        f"{largest['warm restarts']:.3f}.",
        "It never jumps: after T_max it climbs back, with period 2 * T_max. "
        "CosineAnnealingWarmRestarts jumps.",
    )


def _cosine_first_rate() -> Claim:
    rates = _rates("CosineAnnealingLR", 100, T_max=100 // 9 + 1)
    highest, first = float(rates.max()), float(rates[0])
    above = _rates("CosineAnnealingLR", 100, T_max=12, eta_min=0.2)
    return Claim(
        "Cosine annealing has the initial learning rate for its maximum; T_max = epochs // 9 + 1.",
        f"{_TUNING}: cosine annealing",
        _verdict(highest <= first * (1 + _SAME), float(above.max()) <= 0.1 * (1 + _SAME)),
        f"100 epochs, T_max 12: highest {highest:.3g}, first {first:.3g}; {_turns(rates)} "
        f"turning points. With eta_min 0.2 the highest is {float(above.max()):.2g}.",
        "While eta_min is below the initial rate. A period is 2 * T_max: this T_max makes "
        f"{100 // (2 * 12)} full periods of 100 epochs.",
    )


def _plateau_rule() -> Claim:
    flat = plateau([1.0] * 25, base_lr=1.0, factor=0.9)
    slow = plateau([1 - 5e-6 * index for index in range(25)], base_lr=1.0, factor=0.9)
    cuts = [int(index) + 1 for index in flat.cut.nonzero()[:, 0]]
    at_once = cuts[:1] == [2]
    return Claim(
        "ReduceLROnPlateau, mode min: when the loss does not fall, the rate is multiplied by "
        "factor.",
        f"{_TUNING}: ReduceLROnPlateau",
        _verdict(bool(cuts), at_once and not bool(slow.cut.any())),
        f"A flat loss: cut at losses {', '.join(map(str, cuts))}. A loss falling by 5e-6 "
        f"each time: {int(slow.cut.sum())} cut in 25.",
        "Only after more than patience (10) losses in a row not better than the best by a "
        "share of threshold (0.0001).",
    )


def _plateau_modes() -> Claim:
    falling = [1 - 0.02 * index for index in range(25)]
    cut = {
        (mode, name): bool(plateau(curve, mode=mode).cut.any())
        for mode in ("min", "max")
        for name, curve in (("falling", falling), ("rising", falling[::-1]))
    }
    reverse = [cut[key] for key in cut] == [False, True, True, False]
    return Claim(
        "ReduceLROnPlateau, mode max: the reverse of min.",
        f"{_TUNING}: ReduceLROnPlateau",
        _yes(reverse),
        "Cut under "
        + ", ".join(f"{mode} while {name}" for (mode, name), was in cut.items() if was)
        + ".",
        "max wants a rising metric, as accuracy. The rate falls in both.",
    )


def _order(where: torch.device) -> Claim:
    optimizer = _sgd(where)
    scheduler = lr_scheduler.StepLR(optimizer, 30)
    used = []
    with recorded_warnings() as caught:
        for _ in range(100):
            scheduler.step()
            used.append(_rate(optimizer))
            optimizer.step()
    level = sum(rate == used[0] for rate in used)
    return Claim(
        "In the loop, scheduler.step() comes first, then optimizer.step().",
        f"{_DECAY}; {_TUNING}: StepLR",
        Verdict.HOLDS
        if level == 30 and not caught
        else Verdict.OBSOLETE
        if caught
        else Verdict.WRONG,
        f"StepLR(30): the first rate lasts {level} epochs. "
        + (f"“{str(caught[0].message).split('. ')[0]}.”" if caught else "No warning."),
        "Until torch 1.1. Now the optimizer steps first, or drops come early.",
    )


def _imported_class() -> Claim:
    try:
        importlib.import_module("torch.optim.lr_scheduler.StepLR")
        measured, imports = "It imports.", True
    except ModuleNotFoundError as error:
        measured, imports = f"{type(error).__name__}: {error}.", False
    return Claim(
        "import torch.optim.lr_scheduler.StepLR.",
        _DECAY,
        _yes(imports),
        measured,
        "StepLR is a class, not a module: from torch.optim.lr_scheduler import StepLR.",
    )


def _read_rate(where: torch.device) -> Claim:
    weight = torch.zeros(1, device=where, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    errors = []
    for _ in range(5):
        with torch.no_grad():
            weight.zero_()
        weight.grad = torch.ones_like(weight)
        rate = _rate(optimizer)
        optimizer.step()
        scheduler.step()
        errors.append(abs(-float(weight.detach()) - rate))
    return Claim(
        "optimizer.param_groups[0]['lr'] shows the learning rate.",
        _DECAY,
        _yes(max(errors) < 1e-7),
        f"Before each step it is within {max(errors):.1g} of how far that step moves a weight of "
        "gradient 1.",
        "For the first group, until scheduler.step(). scheduler.get_last_lr() has all.",
    )


def _key_error(where: torch.device) -> Claim:
    noted = "param 'initial_lr' is not specified in param_groups[0] when resuming an optimizer"
    meant = noted.split(" when ", maxsplit=1)[0]
    said = ""
    try:
        lr_scheduler.StepLR(_sgd(where), 5, last_epoch=4)
    except KeyError as error:
        said = str(error.args[0]).splitlines()[0]
    return Claim(
        f"Resuming may raise KeyError: {meant} ….",
        _RESUME,
        _yes(said.startswith(meant)),
        f"KeyError: {said}" if said else "Nothing raised.",
        "It comes of last_epoch >= 0 with a new optimizer."
        + (" Only the end of its wording has changed since." if said and said != noted else ""),
    )


def _base_lrs(where: torch.device) -> Claim:
    parameters = [torch.zeros(1, device=where, requires_grad=True) for _ in range(2)]
    groups = [{"params": [parameters[0]], "lr": 0.1}, {"params": [parameters[1]], "lr": 0.01}]
    optimizer = torch.optim.SGD(groups)
    before = "initial_lr" in optimizer.param_groups[0]
    scheduler = lr_scheduler.StepLR(optimizer, 1)
    for _ in range(3):
        optimizer.step()
        scheduler.step()
    initial = [group["initial_lr"] for group in optimizer.param_groups]
    holds = not before and initial == [0.1, 0.01] and list(scheduler.base_lrs) == initial
    return Claim(
        "Making a scheduler writes initial_lr into every group; base_lrs keeps these, and later "
        "rates come from them.",
        _RESUME,
        _yes(holds),
        f"Three steps later the initial_lr of the groups is {_listed(initial)}, base_lrs "
        f"{_listed(scheduler.base_lrs)}.",
        "But most schedulers compute each rate from the last, not from base_lrs.",
    )


def _get_lr(where: torch.device) -> Claim:
    wrong: dict[str, int] = {}
    makers: Mapping[str, Callable[[torch.optim.Optimizer], Any]] = {
        "LambdaLR": lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.9**epoch),
        "StepLR": lambda optimizer: lr_scheduler.StepLR(optimizer, 2),
    }
    with recorded_warnings() as caught:
        for name, make in makers.items():
            optimizer = _sgd(where)
            scheduler = make(optimizer)
            wrong[name] = 0
            for _ in range(9):
                wrong[name] += abs(scheduler.get_lr()[0] - _rate(optimizer)) > _SAME
                optimizer.step()
                scheduler.step()
    return Claim(
        "get_lr() computes the learning rate, and warns that get_last_lr() should be used.",
        _RESUME,
        _verdict(bool(caught), bool(caught) and not any(wrong.values())),
        "Not the rate in use at "
        + ", ".join(f"{count} of 9 steps of {name}" for name, count in wrong.items())
        + f". Warnings: {len(caught)}.",
        "Outside step() it is the rate in use only where that is computed from the first, as by "
        "LambdaLR.",
    )


def _initial_lr_mends(where: torch.device) -> Claim:
    whole = _rates("StepLR", 15, step_size=5).tolist()
    ways = ("initial_lr", "the optimizer's state_dict")
    first = {}
    for way, cut in itertools.product(ways, (7, 10)):
        optimizer = _sgd(where)
        _go(optimizer, lr_scheduler.StepLR(optimizer, 5), cut)
        again = _sgd(where)
        if way == "initial_lr":
            again.param_groups[0]["initial_lr"] = 0.1
        else:
            again.load_state_dict(optimizer.state_dict())
        first[way, cut] = _go(again, lr_scheduler.StepLR(again, 5, last_epoch=cut - 1), 1)[0]
    right = [_close([rate], [whole[cut]]) for (_, cut), rate in first.items()]
    return Claim(
        "To mend it, add initial_lr to param_groups, or save the optimizer's state_dict.",
        _RESUME,
        _verdict(True, all(right)),
        f"No KeyError. StepLR(5), cut before epochs 7 and 10, where it has {whole[7]:.2g} "
        f"and {whole[10]:.2g}: "
        + "; ".join(f"with {way} {first[way, 7]:.2g} and {first[way, 10]:.2g}" for way in ways)
        + ".",
        "Both silence the error. initial_lr alone restarts from the first rate; with the "
        "optimizer's state_dict a cut at a drop decays twice. Load the scheduler's too.",
    )


def _checkpoint(where: torch.device) -> Claim:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(32, 3, generator=generator)
    start = torch.randn(1, 3, generator=generator)
    inputs, start = inputs.to(where), start.to(where)
    targets = inputs.sum(dim=1, keepdim=True)

    def made() -> tuple[Tensor, torch.optim.Adam, lr_scheduler.StepLR]:
        weight = start.clone().requires_grad_()
        optimizer = torch.optim.Adam([weight], lr=0.05)
        return weight, optimizer, lr_scheduler.StepLR(optimizer, 5, 0.5)

    def go(weight: Tensor, optimizer: Any, scheduler: Any, count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            nn.functional.mse_loss(inputs @ weight.T, targets).backward()
            optimizer.step()
            scheduler.step()

    weight, optimizer, scheduler = made()
    go(weight, optimizer, scheduler, 12)
    kept = weight.detach().clone()
    states = _copied(optimizer.state_dict()), scheduler.state_dict()
    go(weight, optimizer, scheduler, 8)
    errors, rates = {}, {}
    for name in ("without", "with"):
        again, other, third = made()
        if name == "with":
            third.load_state_dict(states[1])
        with torch.no_grad():
            again.copy_(kept)
        # The optimizer takes the tensors it loads for its own, and writes into them.
        other.load_state_dict(_copied(states[0]))
        go(again, other, third, 8)
        errors[name] = float((again - weight).detach().abs().max())
        rates[name] = _rate(other)
    return Claim(
        "A checkpoint of epoch, best score, results, model and optimizer is what resuming needs.",
        _RESUME,
        _verdict(errors["with"] == 0, errors["without"] == 0),
        f"Resumed at step 12 of 20, weights end {errors['without']:.1e} off, rate "
        f"{rates['without']:.3g} for {_rate(optimizer):.3g}. With the scheduler's state: "
        f"{errors['with']:.1g}.",
        "Add the scheduler's state_dict, or the rate falls at wrong steps.",
    )


def _copied(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return an optimizer's state dict whose tensors later steps leave alone."""
    moments = {
        index: {name: value.clone() for name, value in entries.items()}
        for index, entries in state["state"].items()
    }
    return {"state": moments, "param_groups": state["param_groups"]}


def _sgd(where: torch.device, lr: float = 0.1) -> torch.optim.SGD:
    return torch.optim.SGD([torch.zeros(1, device=where, requires_grad=True)], lr=lr)


def _rate(optimizer: torch.optim.Optimizer) -> float:
    return float(optimizer.param_groups[0]["lr"])


def _rates(name: str, steps: int, *, base_lr: float = 0.1, **arguments: Any) -> Tensor:
    return trace(name, steps=steps, base_lr=base_lr, **arguments).learning_rate[0]


def _go(optimizer: torch.optim.Optimizer, scheduler: Any, count: int) -> list[float]:
    rates = []
    for _ in range(count):
        rates.append(_rate(optimizer))
        optimizer.step()
        scheduler.step()
    return rates


def _listed(values: Iterable[object]) -> str:
    return ", ".join(str(value) for value in values)


def _relative(rates: Sequence[float], expected: Sequence[float]) -> float:
    pairs = zip(rates, expected, strict=True)
    return max(abs(a - b) / abs(b) if b else abs(a) for a, b in pairs)


def _close(rates: Sequence[float], expected: Sequence[float]) -> bool:
    return _relative(rates, expected) < _SAME


def _turns(rates: Tensor) -> int:
    """Return how often the rate changes between falling and rising."""
    way = (rates[1:] - rates[:-1]).sign()
    return int((way[1:] * way[:-1] < 0).sum())


def _yes(holds: bool) -> Verdict:
    return Verdict.HOLDS if holds else Verdict.WRONG


def _verdict(holds: bool, always: bool) -> Verdict:
    if not holds:
        return Verdict.WRONG
    return Verdict.HOLDS if always else Verdict.CONDITION
