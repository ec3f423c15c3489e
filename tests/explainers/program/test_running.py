"""A program runs statement by statement, and what stands after each is taken down."""

from explainers.program import Plain, TensorState, Trace, run


def tensor(trace: Trace, step: int, name: str) -> TensorState:
    state = trace.steps[step].names[name]
    assert isinstance(state, TensorState)
    return state


def test_a_write_through_a_view_is_seen_in_its_base() -> None:
    trace = run("import torch\na = torch.zeros(3)\nb = a[1:]\nb[0] = 5.0\n")
    assert trace.failure is None
    assert [(step.first, step.last) for step in trace.steps] == [(n, n) for n in range(1, 5)]
    assert tensor(trace, 3, "a").values == (0.0, 5.0, 0.0)
    assert tensor(trace, 3, "b").cells == (1, 2)
    assert tensor(trace, 3, "a").storage == tensor(trace, 3, "b").storage
    assert trace.steps[3].changes.written[0].names == ("a", "b")


def test_an_error_ends_the_run_and_the_last_good_state_stays() -> None:
    trace = run("import torch\na = torch.zeros(3)\nn = 2\nb = a.view(2)\n")
    assert trace.steps[-1].names["n"] == Plain("2", "int")
    assert trace.failure is not None
    assert (trace.failure.line, trace.failure.kind) == (4, "RuntimeError")
    assert "invalid for input of size 3" in trace.failure.message
