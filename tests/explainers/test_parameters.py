"""A topic's parameters: one declaration rules controls, address, presets and tests."""

import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explainers.parameters import (
    Choice,
    Flag,
    Number,
    Numbers,
    Parameters,
    Spec,
    Text,
    choice,
    flag,
    number,
    numbers,
    shown,
)
from ui import catalogue


@dataclass(frozen=True)
class Toy(Parameters):
    gamma: float = number(2.0, label="gamma", help="h", minimum=0.0, maximum=5.0, step=0.1)
    steps: int = number(10, label="steps", help="h", minimum=1, maximum=100, step=1)
    mode: str = choice("mean", ("none", "mean", "sum"), label="mode", help="h")
    soft: bool = flag(False, label="soft", help="h")
    line: str = numbers("0, 1", label="line", help="h", minimum=-9, maximum=9, columns=(2, 5))
    table: str = numbers(
        "1, 2; 3, 4", label="table", help="h", minimum=-99, maximum=99, rows=(1, 4), columns=(1, 3)
    )


LINE, TABLE = Toy.specs()["line"], Toy.specs()["table"]
WHOLE = Numbers("whole", "Help.", 0, 20, (1, 1), (1, 3), integer=True)

KINDS = [Toy, *(type(page.topic.PRESETS[0].parameters) for page in catalogue.PAGES)]


@st.composite
def typed(draw: st.DrawFn, spec: Numbers) -> str:
    """Numbers as a reader may type them: any digits, any spaces, with brackets or without."""
    width = draw(st.integers(*spec.columns))
    # Tiny and negative: the longest text that a number has.
    one = st.floats(spec.minimum, spec.maximum) | st.floats(-1e-299, 1e-299) | st.just(-0.0)
    form = st.sampled_from(["{:.6g}", "{:.2f}", "{:+.3e}", "{!r}"])
    if spec.integer:
        one = st.integers(int(spec.minimum), int(spec.maximum)).map(float)
    lines = draw(
        st.lists(
            st.lists(st.tuples(one, form), min_size=width, max_size=width),
            min_size=spec.rows[0],
            max_size=spec.rows[1],
        )
    )
    comma = draw(st.sampled_from([",", ", ", " , "]))
    rows = [
        comma.join(form.format(min(max(v, spec.minimum), spec.maximum)) for v, form in line)
        for line in lines
    ]
    if draw(st.booleans()):
        return "[" + ", ".join(f"[{row}]" for row in rows) + "]"
    return draw(st.sampled_from([";", "; "])).join(rows)


def texts(spec: Text) -> list[str]:
    """What the presets of the pages hold under this rule: the grammar is the topic's own."""
    return sorted(
        {
            getattr(preset.parameters, name)
            for page in catalogue.PAGES
            for preset in page.topic.PRESETS
            for name, other in preset.parameters.specs().items()
            if other == spec
        }
    )


def values(spec: Spec) -> st.SearchStrategy:
    match spec:
        case Number(integer=True):
            return st.integers(int(spec.minimum), int(spec.maximum))
        case Number():
            return st.floats(spec.minimum, spec.maximum)
        case Choice():
            return st.sampled_from(spec.options)
        case Flag():
            return st.booleans()
        case Numbers():
            return typed(spec)
        case Text():
            return st.sampled_from(texts(spec))


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_any_settings_come_back_from_their_address_bit_for_bit(
    kind: type[Parameters], data
) -> None:
    settings = kind(**{name: data.draw(values(spec)) for name, spec in kind.specs().items()})
    restored, refused = kind.parse(settings.address())
    assert refused == ()
    assert restored == settings
    assert repr(restored) == repr(settings), "also the sign of 0 and the kind of a number"


@pytest.mark.parametrize("kind", KINDS)
@given(address=st.dictionaries(st.text(max_size=12), st.text(max_size=60)))
def test_no_address_of_unknown_names_changes_anything(kind: type[Parameters], address) -> None:
    address = {name: text for name, text in address.items() if name not in kind.specs()}
    assert kind.parse(address) == (kind(), ())


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data(), text=st.text(max_size=80))
def test_any_text_for_any_name_is_refused_in_a_sentence_or_within_bounds(
    kind: type[Parameters], data, text: str
) -> None:
    name = data.draw(st.sampled_from(tuple(kind.specs())))
    settings, refused = kind.parse({name: text})
    if refused:
        (sentence,) = refused
        assert sentence.startswith(f"{name} must be ")
        assert len(sentence) < 400
        assert settings == kind()
    else:
        spec = kind.specs()[name]
        assert spec.check(getattr(settings, name)) == getattr(settings, name)


def test_the_defaults_need_no_address() -> None:
    assert Toy().address() == {}
    assert Toy(gamma=3.5, soft=True).address() == {"gamma": "3.5", "soft": "true"}


def test_one_bad_value_leaves_the_others_as_asked() -> None:
    settings, refused = Toy.parse({"gamma": "nan", "steps": "20", "mode": "../../etc/passwd"})
    assert settings == Toy(steps=20)
    assert refused == (
        "gamma must be a number from 0 to 5, got nan",
        "mode must be one of none, mean, sum, got ../../etc/passwd",
    )


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"gamma": math.nan}, "gamma must be a number from 0 to 5, got nan"),
        ({"gamma": -0.1}, "gamma must be a number from 0 to 5, got -0.1"),
        ({"gamma": "2"}, "gamma must be a number from 0 to 5, got 2"),
        ({"gamma": True}, "gamma must be a number from 0 to 5, got True"),
        ({"steps": 2.5}, "steps must be a whole number from 1 to 100, got 2.5"),
        ({"steps": math.inf}, "steps must be a whole number from 1 to 100, got inf"),
        ({"mode": "max"}, "mode must be one of none, mean, sum, got max"),
        ({"soft": 1}, "soft must be true or false, got 1"),
        ({"line": "0, 10"}, "line must be 2 to 5 numbers from -9 to 9, with commas between, got 0"),
        ({"table": ""}, "table must be 1 to 4 rows, with semicolons between, of 1 to 3 numbers fr"),
    ],
)
def test_bad_values_are_refused_with_name_rule_and_value(values, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Toy(**values)


def test_a_long_value_is_cut_in_the_sentence() -> None:
    assert len(shown("x" * 10_000)) == 40
    assert shown("short") == "short"


def test_numbers_are_normalised_to_their_kind() -> None:
    toy = Toy(gamma=3, steps=4.0)
    assert (type(toy.gamma), type(toy.steps)) == (float, int)


@pytest.mark.parametrize("spec", [LINE, TABLE])
@given(data=st.data())
def test_typed_numbers_are_the_same_once_they_are_evenly_spaced(spec: Numbers, data) -> None:
    text = spec.check(data.draw(typed(spec)))
    assert spec.check(spec.spell(text)) == text
    assert spec.parse(spec.spell(text)) == text
    assert spec.table(spec.spell(text)) == spec.table(text)
    assert " " not in spec.spell(text)


@pytest.mark.parametrize(
    ("spec", "text", "canonical", "rows"),
    [
        (LINE, "0,1", "0, 1", ((0, 1),)),
        (WHOLE, "3, 1e1", "3, 10", ((3, 10),)),
        (LINE, " .5 ,  1e0,-0 ", "0.5, 1, 0", ((0.5, 1, 0),)),
        (LINE, "[0, 0.25, 9]", "0, 0.25, 9", ((0, 0.25, 9),)),
        (TABLE, "1,2;3,4", "1, 2; 3, 4", ((1, 2), (3, 4))),
        (TABLE, "[[1, 2], [3, 4]]", "1, 2; 3, 4", ((1, 2), (3, 4))),
        (TABLE, "-99", "-99", ((-99,),)),
        (TABLE, "0.123456789", "0.123456789", ((0.123456789,),)),
        (LINE, "0, 1,", "0, 1", ((0, 1),)),
        (LINE, "3 -1", "3, -1", ((3, -1),)),
        (TABLE, "1, 2;", "1, 2", ((1, 2),)),
        (TABLE, "1, 2\n3, 4", "1, 2; 3, 4", ((1, 2), (3, 4))),
    ],
)
def test_numbers_are_read_as_people_type_them(spec: Numbers, text, canonical, rows) -> None:
    assert spec.check(text) == canonical
    assert spec.table(text) == rows


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (WHOLE, "1.5"),
        (WHOLE, "1, 2.000001"),
        *(
            (LINE, text)
            for text in (
                None,
                0,
                0.5,
                True,
                b"0, 1",
                ["0", "1"],
                (0, 1),
                "",
                " ",
                ",",
                ";",
                "[]",
                "1",
                "0, 1, 2, 3, 4, 5",
                "0, 1; 2, 3",
                "0, 9.1",
                "0, -9.1",
                "0, 1e400",
                "0, nan",
                "0, inf",
                "0, -infinity",
                "0,, 1",
                "0, a",
                "0, 0x1",
                "0, 1j",
                "0, 1+1",
                "0, __import__('os')",
                "0, \x00",
                "0, " * 10**6,
                "9" * 10**6,
            )
        ),
        *(
            (TABLE, text)
            for text in (
                "1, 2; 3",
                "1; 2, 3",
                ";1, 2",
                "1, 2;; 3, 4",
                "1; 2; 3; 4; 5",
                "1, 2, 3, 4",
                "100",
                "1, 2; 3, nan",
            )
        ),
    ],
    ids=lambda value: shown(value) if not isinstance(value, Numbers) else value.label,
)
def test_bad_numbers_are_refused_with_the_rule(spec: Numbers, text) -> None:
    with pytest.raises(ValueError) as refusal:
        spec.check(text)
    assert str(refusal.value).startswith(f"{spec.rule}, got {shown(text)}")
    assert len(str(refusal.value)) < 260


def test_a_bad_table_in_an_address_leaves_the_default() -> None:
    settings, refused = Toy.parse({"table": "1,2;3", "line": "3,4"})
    assert settings == Toy(line="3, 4")
    (sentence,) = refused
    assert sentence.startswith("table must be 1 to 4 rows, with semicolons between, of 1 to 3 num")
    assert sentence.endswith("got 1,2;3; rows have 1 to 2")


def test_numbers_stand_in_an_address_without_spaces() -> None:
    assert Toy(line="[1, 2]", table="1,2 ; 3,4").address() == {"line": "1,2"}


@pytest.mark.parametrize("text", ["1 2, 3", "[1][2]", "[[1, 2], [3, 4]", "1, 2]"])
def test_numbers_that_run_together_are_refused_and_not_joined(text: str) -> None:
    spec = Numbers("n", "N.", -10, 40, rows=(1, 3), columns=(1, 4))
    with pytest.raises(ValueError, match="1 to 3 rows"):
        spec.check(text)


def test_a_whole_number_too_large_for_a_float_is_refused_with_the_rule() -> None:
    spec = Number("n", "N.", 0, 10, 1, integer=True)
    with pytest.raises(ValueError, match="a whole number from 0 to 10"):
        spec.check(10**400)


RATE = Number("lr", "Rate.", 1e-7, 10.0, 1.0, log=True)
RATE_OR_NONE = Number("lr", "Rate.", 0.0, 10.0, 1.0, log=True)


@given(st.floats(1e-7, 10))
def test_a_logarithmic_control_stops_at_the_usual_rates_and_at_what_it_holds(held: float) -> None:
    stops = RATE.stops(held)
    assert {1e-7, 1e-5, 3e-4, 1e-3, 2.5e-4, 0.1, 10.0, held} <= set(stops)
    assert list(stops) == sorted(set(stops)) and (stops[0], stops[-1]) == (1e-7, 10)
    assert all(RATE.check(stop) == stop for stop in stops)


def test_a_rate_of_0_stands_before_the_powers_of_ten() -> None:
    assert RATE_OR_NONE.stops()[:2] == (0.0, 1e-7)
    assert len(RATE_OR_NONE.stops()) < 100


@pytest.mark.parametrize(
    ("text", "value"),
    [("3e-4", 3e-4), ("1/4", 0.25), ("lr=0.1,", 0.1), ("２．５", 2.5), ("tensor(1.)", 1.0)],
)
def test_an_address_may_spell_a_number_as_code_does(text: str, value: float) -> None:
    assert RATE.parse(text) == value


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("0, a", '"a" is no number: write it as 0.5, 1e-3 or 1/3'),
        ("0, 10", "10 is out of range"),
        ("0,,1", "a number is missing"),
        ("0, 1, 2, 3, 4, 5", "a row has 6"),
        ("torch.rand(3)", '"torch.rand(…)" is not run here: paste the numbers it gives'),
    ],
)
def test_a_refusal_of_numbers_names_the_piece(text: str, piece: str) -> None:
    with pytest.raises(ValueError) as refusal:
        LINE.check(text)
    assert piece in str(refusal.value)
