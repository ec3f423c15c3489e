"""A refusal names the line and the piece, and says why or what instead."""

import threading

import pytest

from explainers.scratchpad import MOST_CHARACTERS, MOST_LINES, check, offered
from tests.explainers.scratchpad.programs import LEAST, PROGRAMS
from ui import catalogue

REFUSALS = {
    "x = torch.ones(2)\n\ny = x.numpy()": ("3: x.numpy", "x.tolist() shows the values"),
    "import numpy as np": (
        "1: import numpy as np",
        "torch.tensor([...]) makes a tensor of a list, x.tolist() a list of one",
    ),
    "import os": ("1: import os", "torch, nn, F and optim are there, imported or not"),
    "x = open('a')": ("1: open", "there are no files here"),
    "x = torch.ones(2).cuda()": ("1: .cuda", "the CPU computes here"),
    "x = 1\nx.__class__": ("2: __class__", "type(x).__name__ is the name of what x is"),
    "x = 1\nx.__dict__": ("2: __dict__", "names begin with a letter here, and have no __"),
    "torch.add(1, 2, out=x)": ("1: out=", "name the result: z = torch.add(x, y)"),
    "raise ValueError": ("1: raise", "assert x, 'why' ends a run with words"),
    "def f():\n    yield 1": ("2: yield", "return a list"),
    "class A:\n    pass": (
        "1: class A of another kind",
        "write class Net(nn.Module): or class Twice(torch.autograd.Function):",
    ),
    "class A(torch.autograd.Function):\n    def forward(ctx, x):\n        return x": (
        "2: forward without @staticmethod",
        "write that above it",
    ),
    "torch.ones(2, **{'device': 'cpu'})": (
        "1: ** of a dict",
        "functions of your own take it; of torch's, name each argument",
    ),
    "getattr = 1": ("1: getattr as a name of your own", "it is Python's"),
    "del x[0], y[0]": ("1: del of several at once", "write a del for each"),
    "with open('a') as f:\n    pass": ("1: with open('a')", "torch.no_grad() and its kin are"),
    "torch = 1": ("1: torch as a name of your own", "it is torch's here"),
}


@pytest.mark.parametrize("program", REFUSALS)
def test_a_refusal_teaches(program: str) -> None:
    piece, why = REFUSALS[program]
    with pytest.raises(ValueError) as caught:
        check(program)
    assert str(caught.value) == f"line {piece} is not available here: {why}"


def test_what_is_no_python_is_said_in_pythons_words() -> None:
    with pytest.raises(ValueError) as caught:
        check("y = 2\nx = (1")
    assert str(caught.value) == "line 2: this is no Python: '(' was never closed"


def test_the_first_piece_in_the_order_of_the_text_is_named() -> None:
    with pytest.raises(ValueError, match="line 2: getattr"):
        check("x = 1\ny = getattr(x, 'a')\nz = eval('1')\nw = x.__class__\n")


@pytest.mark.parametrize(
    ("program", "least"),
    [("x" * MOST_CHARACTERS, MOST_CHARACTERS), ("x\n" * MOST_LINES, MOST_LINES)],
)
def test_bounds_are_what_they_say(program: str, least: int) -> None:
    with pytest.raises(ValueError, match=f"at most {least}"):
        check(program + "\n" * 2 + "x")


def test_only_text_is_a_program() -> None:
    with pytest.raises(ValueError, match="source must be text, got bytes"):
        check(b"x = 1")  # type: ignore[arg-type]


def test_what_learners_type_is_of_the_language() -> None:
    refused = []
    for name, program in PROGRAMS.items():
        try:
            check(program)
        except ValueError:
            refused.append(name)
    assert len(PROGRAMS) - len(refused) >= LEAST


def test_of_the_first_chapters_own_programs_at_most_one_in_eight_is_refused() -> None:
    pages = [page for page in catalogue.PAGES if page.chapter in catalogue.PATH["Start here"]]
    lessons = [one for page in pages for one in getattr(page.topic, "LESSONS", ())]
    assert len(lessons) > 40
    refused = []
    for lesson in lessons:
        try:
            check(lesson.source())
        except ValueError as error:
            refused.append(f"{lesson.slug}: {error}")
    assert len(refused) <= len(lessons) / 8, refused


@pytest.mark.parametrize(
    "program",
    [
        "def f(*a, **k):\n    return len(a) + len(k)\nx = f(*[1], 2, **{'z': 1}, own=3)",
        "f = lambda *a: sum(a)\nx = f(1, 2)",
        "d = dict(own=1)\ndel d['own']\nl = [1, 2]\ndel l[0]",
        "from collections import OrderedDict\nd = OrderedDict(own=1)",
        "import copy\nm = copy.deepcopy(nn.Linear(1, 1))\nx = type(m).__name__",
        "class Twice(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n"
        "        ctx.k = 2\n        return x * ctx.k\n    @staticmethod\n"
        "    def backward(ctx, g):\n        return g * ctx.k\ny = Twice.apply(torch.ones(1))",
    ],
)
def test_the_language_has_what_learners_pass_delete_copy_and_differentiate(program: str) -> None:
    check(program)


def test_a_name_given_to_an_attribute_of_ones_own_module_may_be_read() -> None:
    head = "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    check(
        head
        + "        self.blocks = 1\n    def step(self):\n        return self.blocks\nNet().blocks"
    )
    with pytest.raises(ValueError, match=r"line 4: torch\.blocks"):
        check(head + "        self.blocks = torch.blocks")


def test_a_program_is_checked_on_a_thread_of_a_server() -> None:
    """Its stack is not larger than any other's, and Python 3.11's parser counts for all threads."""
    programs = ["-" * 3000 + "1", "x" + ".a" * 1900, "not " * 900 + "1", "(" * 900,
                "x=" * 1900 + "1",
                "x = " + "1 if 1 else " * 300 + "1", "f" + "()" * 1900, "x = 1"]  # fmt: skip
    refused: list[str] = []

    def all_of_them() -> None:
        for program in programs * 5:
            try:
                check(program)
            except ValueError as error:
                refused.append(str(error))

    threads = [threading.Thread(target=all_of_them) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 4 * 5 * (len(programs) - 1)


def test_every_name_that_is_offered_is_there() -> None:
    for name, (module, names) in offered.SPACES.items():
        assert [one for one in names if not hasattr(module, one)] == [], name
    of_tensors, of_modules = offered.ATTRIBUTES[0], offered.ATTRIBUTES[1]
    assert [one for one in of_tensors[1] if not hasattr(of_tensors[0], one)] == []
    assert not any(one.startswith("_") for one in of_modules[1])
