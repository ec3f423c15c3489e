"""Run the mistakes people make with initial weights, and what each costs."""

from explainers.initialization.initialization.mistakes.draws import (
    Fans,
    Symmetry,
    Truncated,
    count_fans,
    symmetry,
    truncated,
)
from explainers.initialization.initialization.mistakes.gains import (
    Default,
    KaimingTanh,
    Selu,
    XavierRelu,
    default,
    kaiming_tanh,
    question,
    selu,
    xavier_relu,
)
from explainers.initialization.initialization.mistakes.writing import (
    ByName,
    Data,
    InPlace,
    by_name,
    in_place,
    through_data,
)

__all__ = [
    "ByName",
    "Data",
    "Default",
    "Fans",
    "InPlace",
    "KaimingTanh",
    "Selu",
    "Symmetry",
    "Truncated",
    "XavierRelu",
    "by_name",
    "count_fans",
    "default",
    "in_place",
    "kaiming_tanh",
    "question",
    "selu",
    "symmetry",
    "through_data",
    "truncated",
    "xavier_relu",
]
