"""Draw the controls of a schedule: which scheduler, its arguments, a composer's children."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from explainers.optimizers import schedulers as topic
from explainers.optimizers.schedulers import Argument, Schedule
from explainers.parameters import Choice, Flag, Number
from ui import typed

FEW = 4
"""Arguments that stand in sight; the others are a click away."""

FIRST_CHILDREN = ("LinearLR(start_factor=0.1, total_iters=10)", "CosineAnnealingLR(T_max=90)")

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")

Changed = Callable[[Schedule, bool], None]


def draw(prefix: str, current: Callable[[], Schedule], changed: Changed) -> None:
    """Draw the controls of one schedule.

    Args:
        prefix: Of the session keys.
        current: Returns the schedule as it is now, at any time.
        changed: Called, in a callback, with the schedule that a control has made, and whether the
            controls must be drawn again: others are wanted, or a box has its sentence.
    """
    schedule = current()

    def choose() -> None:
        changed(_fresh(st.session_state[key]), True)

    key = f"{prefix}.scheduler"
    st.session_state[key] = schedule.name
    st.selectbox(
        "scheduler",
        (*topic.SCHEDULERS, *topic.COMPOSERS),
        key=key,
        on_change=choose,
        help="Any of torch.optim.lr_scheduler. Another starts at its defaults.",
    )
    if schedule.spec is None:
        _children(prefix, schedule, changed)
        return
    st.caption(schedule.spec.summary)
    if schedule.own_rate:
        st.caption(schedule.own_rate)
    names = tuple(schedule.spec.arguments)
    _arguments(prefix, current, names[:FEW], changed)
    if names[FEW:]:
        with st.popover(f"{len(names) - FEW} more arguments", icon=":material/tune:"):
            _arguments(prefix, current, names[FEW:], changed)


def _fresh(name: str) -> Schedule:
    """Return a schedule as one starts with it."""
    if name in topic.COMPOSERS:
        children = tuple(topic.read(call) for call in FIRST_CHILDREN)
        milestones = (10,) if name == "SequentialLR" else ()
        return topic.schedule(name, children=children, milestones=milestones)
    return topic.schedule(name)


def _arguments(
    prefix: str, current: Callable[[], Schedule], names: tuple[str, ...], changed: Changed
) -> None:
    schedule = current()
    assert schedule.spec is not None
    held = schedule.spec.check(dict(schedule.arguments))

    def take(name: str, value: Any, redraw: bool) -> None:
        # The neighbours may have moved since this control was drawn.
        now = current()
        arguments = {**dict(now.arguments), name: value}
        changed(topic.schedule(now.name, arguments, base_lr=now.base_lr), redraw)

    for start in range(0, len(names), 2):
        pair = names[start : start + 2]
        for name, place in zip(pair, st.columns(2), strict=False):
            with place:
                _control(
                    f"{prefix}.{schedule.name}",
                    name,
                    schedule.spec.arguments[name],
                    held,
                    take,
                )


def _control(
    prefix: str,
    name: str,
    argument: Argument,
    held: Mapping[str, Any],
    take: Callable[[str, Any, bool], None],
) -> None:
    key = f"{prefix}.{name}"
    spec = argument.spec
    value = held[name]

    def moved() -> None:
        set_to = st.session_state[key]
        # A step from 0.1 by 0.02 gives 0.12000000000000001.
        take(name, float(f"{set_to:.10g}") if isinstance(set_to, float) else set_to, False)

    match spec:
        case Number() if not isinstance(value, tuple):
            kind: type[int] | type[float] = int if spec.integer else float
            st.session_state[key] = value
            st.number_input(
                name,
                min_value=kind(spec.minimum),
                max_value=kind(spec.maximum),
                step=kind(spec.step),
                format="%d" if spec.integer else "%.4g",
                placeholder="None",
                key=key,
                help=spec.help,
                on_change=moved,
            )
        case Choice():
            st.session_state[key] = value
            st.segmented_control(
                name, spec.options, key=key, help=spec.help, on_change=moved, required=True
            )
        case Flag():
            st.session_state[key] = value
            st.toggle(name, key=key, help=spec.help, on_change=moved)
        case _:
            _text(key, name, argument, value, take)


def _text(
    key: str, name: str, argument: Argument, value: Any, take: Callable[[str, Any, bool], None]
) -> None:
    """Draw a formula, milestones, or one number per group, as text to type."""

    def read(text: str) -> Any:
        if argument.optional and not text.strip():
            return None
        try:
            return argument.spec.parse(text.strip())
        except ValueError as error:
            raise ValueError(f"{name} must be {error}") from None

    typed.box(
        name,
        key=key,
        refused=f"{key}.refused",
        held="" if value is None else argument.spec.spell(value),
        read=read,
        accept=lambda checked: take(name, checked, True),
        again=lambda: take(name, value, True),
        help=argument.help,
        longest=200,
        placeholder="None" if argument.optional else None,
    )


def _children(prefix: str, schedule: Schedule, changed: Changed) -> None:
    """Draw a composer's children as calls to type, and where SequentialLR passes on."""
    for index, child in enumerate(schedule.children):

        def replace(made: Schedule, at: int = index) -> None:
            children = (*schedule.children[:at], made, *schedule.children[at + 1 :])
            changed(_composed(schedule, children), True)

        _call(f"{prefix}.{schedule.name}.{index}", f"{_ORDINALS[index]} scheduler", child, replace)
    if schedule.name == "SequentialLR":
        _milestones(prefix, schedule, changed)
    with st.container(horizontal=True, gap="xsmall"):
        st.button(
            "Add a scheduler",
            icon=":material/add:",
            disabled=len(schedule.children) >= topic.MOST_CHILDREN,
            key=f"{prefix}.add",
            on_click=lambda: changed(
                _composed(schedule, (*schedule.children, topic.read("ExponentialLR(gamma=0.95)"))),
                True,
            ),
        )
        st.button(
            "Remove the last",
            icon=":material/remove:",
            disabled=len(schedule.children) < 2,
            key=f"{prefix}.remove",
            on_click=lambda: changed(_composed(schedule, schedule.children[:-1]), True),
        )


def _composed(schedule: Schedule, children: tuple[Schedule, ...]) -> Schedule:
    """Return the composer with other children, and as many milestones as they need."""
    if schedule.name != "SequentialLR":
        return topic.schedule(schedule.name, children=children)
    wanted = len(children) - 1
    milestones = list(schedule.milestones[:wanted])
    while len(milestones) < wanted:
        milestones.append((milestones[-1] if milestones else 0) + 30)
    return topic.schedule(schedule.name, children=children, milestones=milestones)


def _call(key: str, label: str, child: Schedule, replace: Callable[[Schedule], None]) -> None:
    def read(text: str) -> Schedule:
        try:
            made = topic.read(text)
            if made.children:
                raise ValueError("got a composer")
        except ValueError as error:
            raise ValueError(f"{label} must be {topic.RULE}; {error}") from None
        return made

    typed.box(
        label,
        key=key,
        refused=f"{key}.refused",
        held=str(child),
        read=read,
        accept=replace,
        again=lambda: replace(child),
        help="As in code, without the optimizer; each counts its own steps from 0.",
        longest=300,
    )


def _milestones(prefix: str, schedule: Schedule, changed: Changed) -> None:
    argument = topic.SCHEDULERS["MultiStepLR"].arguments["milestones"]

    def take(_: str, milestones: Any, redraw: bool) -> None:
        made = topic.schedule(schedule.name, children=schedule.children, milestones=milestones)
        changed(made, redraw)

    _text(f"{prefix}.{schedule.name}.milestones", "milestones", argument, schedule.milestones, take)
