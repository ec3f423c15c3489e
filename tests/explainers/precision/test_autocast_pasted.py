"""An operation is taken as it stands in the reader's code."""

import pytest

from explainers.precision.autocast.operations import OPS
from explainers.precision.autocast.view import Autocast


@pytest.mark.parametrize(
    ("text", "op"),
    [("torch.matmul", "matmul"), ("F.linear(x, w)", "linear"), (" matmul ", "matmul")],
)
def test_an_operation_is_taken_with_its_module_and_its_arguments(text: str, op: str) -> None:
    assert Autocast(op=text).op == op


@pytest.mark.parametrize("op", OPS)
def test_every_operation_of_the_table_comes_back_from_its_own_name(op: str) -> None:
    assert Autocast(op=op).op == op


def test_an_operation_that_is_not_in_the_table_is_named() -> None:
    with pytest.raises(ValueError, match=r"got torch\.nowhere"):
        Autocast(op="torch.nowhere")
