"""Each wall holds alone what is its own to hold, and together they let nothing out."""

import os
from collections.abc import Iterator

import pytest

from explainers.scratchpad import available, language
from tests.explainers.scratchpad.attacks import ATTACKS, CANARY, STOPS
from tests.explainers.scratchpad.behind import Children

WALLS = ("language", "values", "operators")
JAIL = ()
IMPORTS = "import torch\nfrom torch import nn, optim\nimport torch.nn.functional as F\n"
ENDS_ITS_CHILD = {"ending"}

pytestmark = pytest.mark.skipif(available() != "", reason=available())


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    made = Children()
    yield made
    made.close()
    assert not os.path.lexists(CANARY)


def stopped_by(wall: str) -> list[str]:
    return [kind for kind, walls in STOPS.items() if wall in walls]


def test_there_are_attacks_of_every_kind() -> None:
    assert STOPS.keys() == ATTACKS.keys()
    assert sum(len(set(programs)) for programs in ATTACKS.values()) > 142 + 150


@pytest.mark.parametrize("kind", stopped_by("language"))
def test_the_language_alone_refuses(kind: str) -> None:
    for program in ATTACKS[kind]:
        with pytest.raises(ValueError, match=r"^line "):
            language.check(program)


@pytest.mark.parametrize("kind", stopped_by("values"))
def test_values_alone_are_guarded(children: Children, kind: str) -> None:
    assert ran(children, kind, "values") == []


@pytest.mark.parametrize("kind", stopped_by("operators"))
def test_operators_alone_are_listed_and_small(children: Children, kind: str) -> None:
    programs = tuple(IMPORTS + program for program in ATTACKS[kind])
    outcomes = children.run(programs, "operators")
    assert [
        (program, one)
        for program, one in zip(ATTACKS[kind], outcomes, strict=True)
        if one is None or one[0] not in {"Refused", "Stopped"}
    ] == []


def test_the_jail_alone_lets_nothing_out(children: Children) -> None:
    assert ran(children, "outside", *JAIL) == []
    assert not os.path.lexists(CANARY)


def test_in_the_jail_alone_what_does_not_end_is_ended(children: Children) -> None:
    outcomes = children.run(ATTACKS["ending"], *JAIL, batch=1, seconds=0.3)
    assert all(one is None or one[0] for one in outcomes)
    assert None in outcomes


@pytest.mark.parametrize("kind", [kind for kind in ATTACKS if kind not in ENDS_ITS_CHILD])
def test_behind_all_walls_none_ends_even_its_own_child(children: Children, kind: str) -> None:
    outcomes = children.run(ATTACKS[kind], *WALLS)
    assert [
        program
        for program, one in zip(ATTACKS[kind], outcomes, strict=True)
        if one is None or (one[0] == "" and STOPS[kind])
    ] == []


def test_with_no_wall_but_the_jail_an_attack_on_values_gets_its_way(children: Children) -> None:
    """Or the tests above could not fail."""
    tried = ("x = ''.__class__", "x = getattr(torch, 'load')", "import os\nx = os.getpid()")
    outcomes = children.run(tuple(f"import torch\n{one}" for one in tried), *JAIL)
    assert [one and one[0] for one in outcomes] == ["", "", ""]


def test_what_torch_leaves_unset_is_zero(children: Children) -> None:
    made = ("torch.empty(900)", "torch.Tensor(900)", "torch.ones(1).new_empty(900)",
            "torch.empty_like(torch.ones(900))", "torch.FloatTensor(900)")  # fmt: skip
    programs = tuple(f"print(({one} == 0).all())" for one in made)
    for outcome in children.run(programs, *WALLS):
        assert outcome is not None
        assert outcome[4] == "tensor(True)\n"


def test_no_text_tells_an_address(children: Children) -> None:
    shown = ("torch", "print", "torch.ones", "nn.Linear", "nn", "f", "x.view", "[f, x.sum]",
             "(i for i in [1])", "y.grad_fn", "copy", "copy.deepcopy", "A", "A.apply",
             "A.apply(y).grad_fn", "OrderedDict", "OrderedDict(a=x)",
             "optim.SGD([y], lr=1.0)", "x.data_ptr()")  # fmt: skip
    start = (
        "import copy\nfrom collections import OrderedDict\n"
        "class A(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n"
        "        return x * 2\n"
        "f = lambda: 1\nx = torch.ones(2)\ny = torch.ones(1, requires_grad=True)\n"
    )
    programs = tuple(f"{start}print({one})\nprint(f'{{{one}}}')" for one in shown)
    for outcome in children.run(programs, *WALLS):
        assert outcome is not None
        assert outcome[0] in {"", "TypeError"}, outcome
        assert "0x" not in outcome[4]
        assert not any(len(word) > 11 and word.isdigit() for word in outcome[4].split())


def ran(children: Children, kind: str, *walls: str) -> list[str]:
    """The programs of a kind that ran to their end, or ended their child."""
    outcomes = children.run(ATTACKS[kind], *walls)
    return [
        program
        for program, one in zip(ATTACKS[kind], outcomes, strict=True)
        if one is None or not one[0]
    ]
