"""A topic's parameters: one declaration rules controls, address, presets and tests."""

import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explainers.parameters import Choice, Flag, Number, Parameters, choice, flag, number, shown
from ui import catalogue


@dataclass(frozen=True)
class Toy(Parameters):
    gamma: float = number(2.0, label="gamma", help="h", minimum=0.0, maximum=5.0, step=0.1)
    steps: int = number(10, label="steps", help="h", minimum=1, maximum=100, step=1)
    mode: str = choice("mean", ("none", "mean", "sum"), label="mode", help="h")
    soft: bool = flag(False, label="soft", help="h")


KINDS = [Toy, *(type(page.topic.PRESETS[0].parameters) for page in catalogue.PAGES)]


def values(spec: Number | Choice | Flag) -> st.SearchStrategy:
    match spec:
        case Number(integer=True):
            return st.integers(int(spec.minimum), int(spec.maximum))
        case Number():
            return st.floats(spec.minimum, spec.maximum).map(lambda value: round(value, 6))
        case Choice():
            return st.sampled_from(spec.options)
        case Flag():
            return st.booleans()


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_any_settings_come_back_from_their_address(kind: type[Parameters], data) -> None:
    settings = kind(**{name: data.draw(values(spec)) for name, spec in kind.specs().items()})
    restored, refused = kind.parse(settings.address())
    assert refused == ()
    assert restored == settings


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
