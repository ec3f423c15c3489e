"""A typed formula is bounded arithmetic in the epoch, or a sentence: never anything else."""

import math
import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from explainers.optimizers.schedulers import formula
from explainers.optimizers.schedulers.formula import DEEPEST, FUNCTIONS, LONGEST, MOST_NODES
from tests.clock import milliseconds

# What people have published against eval, simpleeval, numexpr, asteval and jinja sandboxes.
ESCAPES = [
    "__import__('os')",
    "__import__('os').system('id')",
    "__builtins__",
    "().__class__.__bases__[0].__subclasses__()",
    "''.__class__.__mro__[1].__subclasses__()",
    "(1).__class__.__base__.__subclasses__()",
    "epoch.__class__",
    "epoch.real",
    "epoch.__init__.__globals__",
    "abs.__self__",
    "min.__self__.eval('1')",
    "cos.__module__",
    "exp.__call__(1)",
    "getattr(epoch, 'real')",
    "setattr(epoch, 'x', 1)",
    "eval('1')",
    "exec('1')",
    "compile('1', '', 'eval')",
    "open('/etc/passwd').read()",
    "globals()",
    "locals()",
    "vars()",
    "dir()",
    "type(epoch)",
    "breakpoint()",
    "input()",
    "help()",
    "lambda: 1",
    "(lambda x: x)(1)",
    "[x for x in (1, 2)]",
    "{x for x in (1, 2)}",
    "{1: 2}",
    "sum(x for x in [1])",
    "(x := 1)",
    "[1, 2][0]",
    "(1, 2)[0]",
    "epoch[0]",
    "'a' * 10**9",
    "b'a'",
    "f'{epoch}'",
    "f'{epoch.__class__}'",
    "'{0.__class__}'.format(epoch)",
    "'%s' % epoch",
    "min(1, 2, key=abs)",
    "min(*(1, 2))",
    "max(**{})",
    "print(1)",
    "await epoch",
    "yield epoch",
    "import os",
    "epoch; epoch",
    "epoch = 1",
    "epoch += 1",
    "del epoch",
    "pass",
    "epoch if epoch",
    "1 << 10000",
    "1 >> 1",
    "~1",
    "1 ^ 2",
    "1 | 2",
    "1 & 2",
    "epoch @ epoch",
    "epoch is epoch",
    "1 in (1, 2)",
    "...",
    "None",
    "True",
    "1j",
    "(1, 2)",
    "1, 2",
    "()",
    "0x10",
    "1_000",
    "rand()",
    "randint(10)",
    "str(1)",
    "int(1)",
    "float('nan')",
    "inf",
    "nan",
    "cos",
    "epoch()",
    "cos(1)(2)",
    "epoch\n+ 1",
    "epoch # 1",
    "epoch \\",
    "\x00",
    "ｅｐｏｃｈ",  # wide letters, which Python reads as epoch
    "１ + 1",
    "𝐞poch",
    "min(1, 2) if epoch else __import__('os')",
    "where(epoch, 1, __import__('os'))",
    "0 and __import__('os')",
    # The frame of a generator, a coroutine or an exception leads to everything else.
    "(x for x in ()).gi_frame.f_back.f_globals",
    "[x.gi_frame.f_back.f_back for x in [(y for y in ())]]",
    "epoch.__traceback__.tb_frame",
    "(lambda: 0).__globals__['__builtins__']",
    "(lambda: 0).__code__.__replace__(co_consts=())",
    # Jinja's ways around a filter of names.
    "cycler.__init__.__globals__.os.popen('id').read()",
    "lipsum.__globals__['os']",
    "self._TemplateReference__context",
    "''|attr('__class__')",
    "request['application']['\\x5f\\x5fglobals\\x5f\\x5f']",
    "{{7*7}}",
    "${7*7}",
    # Templates and formats that reach attributes: asteval, CVE-2025-24359.
    "f'{epoch.__class__.__mro__!r}'",
    "'{x.__globals__}'.format(x=abs)",
    "'{}'.format.__self__",
    # Names that are others' in another spelling: numexpr, CVE-2023-39631.
    "__𝑖𝑚𝑝𝑜𝑟𝑡__('os')",
    "__imp\\x6frt__('os')",
    "getattr(epoch, '__cla' + 'ss__')",
    "vars()['__builtins__']",
    "object.__subclasses__()",
    "type('', (), {'__add__': print})() + 1",
    "class x: pass",
    "def f(): pass",
    "@abs",
    "with epoch: pass",
    "try: 1",
    "raise epoch",
    "assert epoch",
    "match epoch: case 1: 1",
    "from os import system",
    "global epoch",
    "exit()",
    "quit()",
    "license()",
    "copyright",
    "memoryview(b'')",
    "super().__init__",
    "__debug__",
    "__name__",
    "_",
    "epoch.__format__('')",
    "epoch:=1",
    "*epoch",
    "**epoch",
    "`id`",
    "$(id)",
    "; id",
    "epoch || id",
]

# Each is quick to write and would take Python's integers for ever, or all memory.
SLOW = [
    "9**9**9",
    "9**9**9**9",
    "10**10**10",
    "3999999**3999999",
    "3999999**epoch**3999999 + 3999999**3999999",
    "(9**99)**99**9",
    "2**(2**(2**(2**(2**2))))",
    "*".join(["9**99"] * 30),
    "(" * 8 + "9**9" + ")**9" * 8,
    "floor(1e300)**floor(1e300)",
    "exp(exp(exp(exp(9))))",
    "1e308 * 1e308",
    "9" * 199 + "**9",
]


@pytest.mark.parametrize(
    ("text", "epoch", "value"),
    [
        ("0.95**epoch", 7, 0.95**7),
        ("1/(epoch+1)", 9, 0.1),
        ("min(1, epoch/10)", 4, 0.4),
        ("min(1, epoch/10)", 40, 1.0),
        ("epoch//10", 25, 2.0),
        ("epoch % 3", 8, 2.0),
        ("-epoch + +2", 5, -3.0),
        ("cos(pi*epoch/4)", 4, -1.0),
        ("exp(-epoch)", 2, math.exp(-2)),
        ("log(e)", 0, 1.0),
        ("sqrt(epoch)", 9, 3.0),
        ("abs(sin(epoch))", 3, abs(math.sin(3))),
        ("tanh(epoch)", 1, math.tanh(1)),
        ("floor(epoch/4) + ceil(epoch/4)", 5, 3.0),
        ("where(epoch < 5, 1, 0.1)", 4, 1.0),
        ("where(epoch < 5, 1, 0.1)", 5, 0.1),
        ("1 if epoch < 5 else 0.1", 5, 0.1),
        ("0 < epoch <= 5 and not epoch == 3", 3, 0.0),
        ("epoch or 7", 0, 7.0),
        ("epoch != 2", 1, 1.0),
        ("(-1)**epoch", 3, -1.0),
        (".5e1 * 2.", 0, 10.0),
        (" epoch ", 3, 3.0),
        ("max(1, 2, epoch)", 3, 3.0),
    ],
)
def test_a_formula_computes_what_python_would(text: str, epoch: int, value: float) -> None:
    assert formula(text)(epoch) == pytest.approx(value, abs=1e-15)
    assert isinstance(formula(text)(epoch), float)


def test_where_computes_only_the_branch_it_takes() -> None:
    assert formula("where(epoch > 0, 1/epoch, 1)")(0) == 1.0


def refused_in(text: str, limit: float) -> float:
    """Milliseconds until the sentence."""

    def refuse() -> None:
        with pytest.raises(ValueError, match=r"^formula must "):
            formula(text)(3)

    return milliseconds(refuse, limit=limit)


@pytest.mark.parametrize("text", ESCAPES)
def test_an_escape_from_the_sandbox_gets_a_sentence_at_once(text: str) -> None:
    assert refused_in(text, 50) < 50


@pytest.mark.parametrize("text", SLOW)
def test_a_formula_that_python_would_compute_for_ever_gets_a_sentence_at_once(text: str) -> None:
    assert refused_in(text, 50) < 50


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "formula must not be empty, got ''"),
        ("   ", "formula must not be empty, got '   '"),
        (None, "formula must be text, got None"),
        (0.5, "formula must be text, got 0.5"),
        (b"1", "formula must be text, got b'1'"),
        (["1"], "formula must be text, got ['1']"),
        ("1+" * 100 + "1", f"formula must have at most {LONGEST} characters, got 201"),
        ("+".join(["1"] * 40), f"formula must have at most {MOST_NODES} parts, got 79"),
        ("1/0", "formula must give a finite number, got a division by zero in 1/0"),
        ("1//0", "formula must give a finite number, got a division by zero in 1//0"),
        ("1%0", "formula must give a finite number, got a division by zero in 1%0"),
        ("epoch + 0/0", "formula must give a finite number, got a division by zero in epoch + 0/0"),
        ("(-1)**0.5", "formula must give a finite number, got no real number in (-1)**0.5"),
        ("0**-1", "formula must give a finite number, got no real number in 0**-1"),
        ("log(0)", "formula must give a finite number, got no real number in log(0)"),
        ("sqrt(-1)", "formula must give a finite number, got no real number in sqrt(-1)"),
        ("1e999", "formula must hold only numbers below 1e308, got 1e999"),
        ("9**9**9", "formula must give a finite number, got a number above 1e308 in 9**9**9"),
        ("1e308*10", "formula must give a finite number, got a number above 1e308 in 1e308*10"),
        ("cos(1, 2)", "formula must give cos 1 values, got 2"),
        ("where(1, 2)", "formula must give where 3 values, got 2"),
        ("min(1)", "formula must give min 2 to 8 values, got 1"),
        ("min()", "formula must give min 2 to 8 values, got 0"),
        ("0.95**", "formula must be complete arithmetic, as in 0.95**epoch, got 0.95**"),
        ("(epoch", "formula must be complete arithmetic, as in 0.95**epoch, got (epoch"),
        ("epoch epoch", "formula must be complete arithmetic, as in 0.95**epoch, got epoch epoch"),
        ("007", "formula must be complete arithmetic, as in 0.95**epoch, got 007"),
    ],
)
def test_bad_input_gets_its_sentence(text: object, sentence: str) -> None:
    with pytest.raises(ValueError) as error:
        formula(text)  # type: ignore[arg-type]
    assert str(error.value) == sentence


def test_an_unknown_word_is_named_beside_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"use only the words epoch, pi, e, min, .*, got step$"):
        formula("0.9**step")


def test_a_formula_without_a_value_names_the_epoch() -> None:
    ramp = formula("1/epoch")
    assert ramp(4) == 0.25
    with pytest.raises(ValueError) as error:
        ramp(0)
    assert str(error.value) == (
        "formula must give a finite number, got a division by zero at epoch 0 in 1/epoch"
    )


def test_an_epoch_beyond_floats_gets_a_sentence() -> None:
    with pytest.raises(ValueError, match="got a number above 1e308 at epoch 1000"):
        formula("epoch")(10**400)


def test_the_variable_has_the_name_it_is_given() -> None:
    assert formula("1/x", variable="x")(4) == 0.25
    with pytest.raises(ValueError, match=r"got epoch$"):
        formula("1/epoch", variable="x")


def test_depth_is_bounded_before_anything_is_computed() -> None:
    deep = "-" * (DEEPEST + 1) + "epoch"
    with pytest.raises(ValueError, match=f"^formula must be nested at most {DEEPEST} deep"):
        formula(deep)
    assert formula("-" * (DEEPEST - 1) + "epoch")(3) == -3.0


def test_two_threads_do_not_see_each_others_epoch() -> None:
    square = formula("epoch*epoch + 0*cos(epoch)")
    wrong: list[int] = []

    def run(offset: int) -> None:
        wrong.extend(n for n in range(offset, offset + 2000) if square(n) != n * n)

    threads = [threading.Thread(target=run, args=(offset,)) for offset in (0, 5000, 10000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def gives_a_number_or_a_sentence(text: str, epoch: int) -> bool:
    try:
        value = formula(text)(epoch)
    except ValueError as error:
        return str(error).startswith("formula must ")
    return type(value) is float and math.isfinite(value)


@given(st.text(max_size=LONGEST + 10))
@settings(max_examples=300)
@example("1if epoch else 2")
@example("epoch" + " " * 300)
def test_any_text_gives_a_finite_float_or_a_value_error(text: str) -> None:
    assert gives_a_number_or_a_sentence(text, 3)


PIECES = st.sampled_from(
    [
        *FUNCTIONS,
        *("epoch", "pi", "e", "if", "else", "and", "or", "not", " ", "(", ")", ","),
        *("+", "-", "*", "/", "//", "%", "**", "<", ">=", "==", "!=", "0", "9", ".5", "1e300"),
        *("__class__", ".", "[", "]", "'", "lambda", ":", "=", "\n", "None"),
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join), st.integers(-3, 10_000))
@settings(max_examples=600)
def test_any_heap_of_words_gives_a_finite_float_or_a_value_error_at_once(
    text: str, epoch: int
) -> None:
    start = time.perf_counter()
    assert gives_a_number_or_a_sentence(text, epoch)
    # Generous: the machine may be busy. A power without bounds takes minutes.
    assert time.perf_counter() - start < 0.5


Expression = tuple[str, Callable[[int], float]]


def sums(a: Expression, b: Expression) -> Expression:
    return f"({a[0]} + {b[0]})", lambda epoch: a[1](epoch) + b[1](epoch)


def products(a: Expression, b: Expression) -> Expression:
    return f"({a[0]} * {b[0]})", lambda epoch: a[1](epoch) * b[1](epoch)


def powers(a: Expression, b: Expression) -> Expression:
    return f"abs({a[0]})**cos({b[0]})", lambda epoch: abs(a[1](epoch)) ** math.cos(b[1](epoch))


def quotients(a: Expression, b: Expression) -> Expression:
    return (
        f"{a[0]} / (1 + abs({b[0]}))",
        lambda epoch: a[1](epoch) / (1 + abs(b[1](epoch))),
    )


def branches(a: Expression, b: Expression) -> Expression:
    return (
        f"where({a[0]} < {b[0]}, {a[0]}, {b[0]})",
        lambda epoch: min(a[1](epoch), b[1](epoch)),
    )


def made_of(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    return st.builds(
        lambda join, a, b: join(a, b),
        st.sampled_from([sums, products, powers, quotients, branches]),
        inner,
        inner,
    )


LEAVES: st.SearchStrategy[Expression] = st.one_of(
    st.just(("epoch", float)),
    st.just(("pi", lambda _: math.pi)),
    st.floats(0.001, 99).map(lambda value: (repr(value), lambda _: value)),
)


@given(st.recursive(LEAVES, made_of, max_leaves=5), st.integers(1, 100))
@settings(max_examples=200)
def test_any_arithmetic_agrees_with_python(expression: Expression, epoch: int) -> None:
    text, expected = expression
    assume(len(text) <= LONGEST)
    try:
        by_python = expected(epoch)
    except ArithmeticError:
        assume(False)
    assume(math.isfinite(by_python))
    assert formula(text)(epoch) == pytest.approx(by_python, rel=1e-12)
