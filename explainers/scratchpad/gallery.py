"""Offer programs to begin with, and puzzles: make one tensor of another without a loop.

They are the project's own, so that a host that cannot jail may run them as they stand.
"""

from dataclasses import dataclass

__all__ = ["PUZZLES", "STARTS", "Puzzle", "Start"]


@dataclass(frozen=True, slots=True)
class Start:
    """Offer a program.

    Attributes:
        slug: Its name in an address.
        title: In a few words.
        notice: What to notice, or to change, in one sentence.
        program: What runs.
    """

    slug: str
    title: str
    notice: str
    program: str


@dataclass(frozen=True, slots=True)
class Puzzle:
    """Ask for a tensor named ``answer``, made of what is given, without a loop.

    Attributes:
        slug: Its name in an address.
        title: In a few words.
        notice: The task, in one sentence.
        given: The lines that stay: what is given.
        others: Lines that may stand in their place: what solves the puzzle solves these too.
        begin: The lines that a reader finds below, to be changed.
        solution: Lines that solve it.
    """

    slug: str
    title: str
    notice: str
    given: str
    others: tuple[str, ...]
    begin: str
    solution: str

    @property
    def program(self) -> str:
        """What runs as long as nothing is changed."""
        return self.given + self.begin

    @property
    def solved(self) -> str:
        """What solves it."""
        return self.given + self.solution


def _start(slug: str, title: str, notice: str, program: str) -> Start:
    return Start(slug, title, notice, program.lstrip("\n"))


def _puzzle(
    slug: str,
    title: str,
    notice: str,
    *,
    given: str,
    others: tuple[str, ...],
    begin: str,
    solution: str,
) -> Puzzle:
    head = "import torch\n\n"
    task = f"# {notice}\n"
    return Puzzle(
        slug,
        title,
        notice,
        head + given + "\n",
        tuple(head + other + "\n" for other in others),
        task + begin + "\n",
        task + solution + "\n",
    )


STARTS = (
    _start(
        "views",
        "A view, a copy",
        "b and c lie in a's storage, so b's write is seen in both; d has a storage of its own.",
        """
import torch

a = torch.arange(6)
b = a.view(2, 3)
c = b.t()
d = c.contiguous()
b[0, 1] = 99
""",
    ),
    _start(
        "broadcast",
        "Broadcasting",
        "A column and a row are stretched to one table, and no cell of either is copied for it.",
        """
import torch

column = torch.arange(3).unsqueeze(1)
row = torch.arange(4)
table = column * 10 + row
seen = column.expand(3, 4)
""",
    ),
    _start(
        "gradient",
        "A gradient",
        "backward walks the graph from y to x, and leaves dy/dx in x.grad.",
        """
import torch

x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
h = x * x
y = h.sum()
y.backward()
""",
    ),
    _start(
        "written",
        "Written too early",
        "exp kept its output for backward, and += wrote over it: backward refuses.",
        """
import torch

x = torch.tensor([0.0, 1.0], requires_grad=True)
y = x.exp()
y += 1
y.sum().backward()
""",
    ),
    _start(
        "module",
        "A module",
        "What __init__ binds to self is registered, and found by parameters().",
        """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 3)
        self.second = nn.Linear(3, 1)

    def forward(self, x):
        return self.second(torch.relu(self.first(x)))


torch.manual_seed(0)
net = Net()
y = net(torch.ones(1, 2))
y.sum().backward()
print(sum(p.numel() for p in net.parameters()))
""",
    ),
    _start(
        "training",
        "A training loop",
        "Each turn clears the gradients, fills them anew, and steps against them.",
        """
import torch

torch.manual_seed(0)
x = torch.linspace(-1, 1, 4).unsqueeze(1)
y = 3 * x + 0.5
model = torch.nn.Linear(1, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
for epoch in range(3):
    loss = ((model(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.3f}")
""",
    ),
    _start(
        "attention",
        "Attention",
        "No position reads a later one: above the diagonal every weight is 0.",
        """
import torch

torch.manual_seed(0)
q, k, v = torch.randn(3, 4, 2)
scores = q @ k.T / k.size(-1) ** 0.5
later = torch.ones(4, 4, dtype=torch.bool).triu(1)
weights = scores.masked_fill(later, float("-inf")).softmax(dim=-1)
out = weights @ v
""",
    ),
)
"""Programs to begin with; the first is what the page opens on."""

PUZZLES = (
    _puzzle(
        "products",
        "Products",
        "Every number of n times every number of n: a square table, without a loop.",
        given="n = torch.arange(1, 5)",
        others=("n = torch.tensor([2, 3, 5])", "n = torch.arange(7)"),
        begin="answer = n",
        solution="answer = n[:, None] * n",
    ),
    _puzzle(
        "onehot",
        "One-hot",
        "A row for each label: 1 in its column of four, 0 elsewhere; int64, without a loop.",
        given="labels = torch.tensor([2, 0, 3])",
        others=("labels = torch.tensor([1, 1])", "labels = torch.tensor([3, 2, 1, 0, 0])"),
        begin="answer = torch.zeros(3, 4, dtype=torch.int64)",
        solution="answer = (labels[:, None] == torch.arange(4)).long()",
    ),
    _puzzle(
        "windows",
        "Windows",
        "Every three neighbours of x, a row for each three, without a loop.",
        given="x = torch.arange(10, 16)",
        others=("x = torch.arange(3)", "x = torch.tensor([4, 0, 4, 1, 7, 7, 2])"),
        begin="answer = x",
        solution="answer = x.unfold(0, 3, 1)",
    ),
    _puzzle(
        "largest",
        "Row by row",
        "Keep each row's largest number, and put 0 for all others, without a loop.",
        given="x = torch.tensor([[3.0, 8.0, 5.0], [9.0, 2.0, 4.0]])",
        others=(
            "x = torch.tensor([[1.0, 2.0], [4.0, 3.0], [5.0, 6.0]])",
            "x = torch.tensor([[-1.0, -5.0, -2.0, -9.0]])",
        ),
        begin="answer = x",
        solution="answer = torch.where(x == x.amax(dim=1, keepdim=True), x, 0.0)",
    ),
    _puzzle(
        "patches",
        "Patches",
        "Cut the picture into patches of 2 x 2, left to right, top to bottom: a row for each, "
        "without a loop.",
        given="picture = torch.arange(16).view(4, 4)",
        others=(
            "picture = torch.arange(24).view(4, 6)",
            "picture = torch.arange(12).flip(0).view(6, 2)",
        ),
        begin="answer = picture.reshape(4, 4)",
        solution=(
            "h, w = picture.shape\n"
            "blocks = picture.view(h // 2, 2, w // 2, 2)\n"
            "answer = blocks.permute(0, 2, 1, 3).reshape(-1, 4)"
        ),
    ),
)
"""Puzzles, the easier first."""
