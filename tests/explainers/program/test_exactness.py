"""What a trace says is what the program itself would see, asked at that place.

The question is written into the program, which then runs as plain Python: no engine, no mode.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explainers.program import Plain, TensorState, run
from tests.explainers.program import questions

PROGRAMS = {
    "a graph kept, freed, and written over": (
        """import torch
w = torch.tensor([1., 2., 3.], requires_grad=True)
h = w * w
h.retain_grad()
y = (h * 2).sum()
y.backward(retain_graph=True)
y.backward()
w.grad = None
z = (w * 3).sum()
z.backward()
try:
    u = (w * w).sum()
    u.backward()
    u.backward()
except RuntimeError:
    failed = torch.ones(2)
with torch.no_grad():
    w -= 0.1 * w.grad
w.grad.zero_()
""",
        "w h y z u failed",
    ),
    "views, copies, dtypes and devices": (
        """import torch
a = torch.arange(12.)
b = a.view(3, 4)
c = b.t()
d = c.contiguous()
e = b[1].expand(3, 4)
b[1, 2] = 99.
f = b[:, ::2]
g = c.reshape(12)
del b
h = a.to(torch.int64)
i = torch.tensor(True)
k = torch.view_as_complex(a.view(6, 2))
m = k.conj()
n = torch.zeros(0, 3)
p = torch.ones(3, dtype=torch.bfloat16).fill_(0.1)
q = a.data
q[0] = 7
r = a.detach()
r.add_(1)
s = torch.full((2,), float("nan"))
""",
        "a b c d e f g h i k m n p q r s",
    ),
    "in-place on views of what has a gradient": (
        """import torch
x = torch.ones(4, requires_grad=True)
y = x * 2
v = y[1:3]
v.mul_(3)
u = y[:2]
y.add_(1)
s = y.sum()
s.backward()
""",
        "x y v u s",
    ),
    "hooks and a custom Function": (
        """import torch
x = torch.ones(2, requires_grad=True)
seen = []
def double(g):
    seen.append(g)
    d = g * 2
    return d
handle = x.register_hook(double)
y = (x ** 2).sum()
y.backward()
handle.remove()
class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        out = x ** 3
        return out
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        r = 3 * x ** 2 * g
        return r
z = Cube.apply(x)
z.sum().backward()
""",
        "x y z d g out r",
    ),
    "what the ctx of a Function holds": (
        """import torch
class Power(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, n):
        ctx.square = x * x
        y = x ** n
        ctx.save_for_backward(x, y)
        return y
    @staticmethod
    def backward(ctx, g):
        ctx.seen = g
        kept, made = ctx.saved_tensors
        return g * made / kept, None
x = torch.ones(2, requires_grad=True)
y = Power.apply(x * 2, 1)
(y * y).sum().backward()
""",
        "x y g kept made ctx.square ctx.to_save.0 ctx.to_save.1 ctx.saved_tensors.0 "
        "ctx.saved_tensors.1 ctx.seen",
    ),
    "a training with dropout, tied weights and Adam": (
        """import torch
from torch import nn
import torch.nn.functional as F
torch.manual_seed(3)
net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 1))
emb = nn.Embedding(4, 2)
tied = net[0].weight
opt = torch.optim.Adam([*net.parameters(), *emb.parameters()], lr=0.1)
x = emb(torch.tensor([0, 1, 1, 3]))
for i in range(3):
    loss = net(x.detach()).pow(2).mean() + x.sum()
    opt.zero_grad()
    loss.backward(retain_graph=True)
    opt.step()
    y = F.dropout(x, 0.3)
net.eval()
""",
        "net.0.weight net.0.bias net.1.running_mean net.3.weight emb.weight tied x loss y",
    ),
    "every way to draw": (
        """import torch
from torch import nn
import torch.nn.functional as F
a = torch.rand(3)
torch.manual_seed(3)
b = torch.randn(3).normal_()
c = torch.bernoulli(torch.full((4,), 0.5))
d = torch.multinomial(torch.ones(5), 3)
e = torch.randint(0, 9, (4,))
f = torch.rand_like(b)
g = nn.init.kaiming_uniform_(torch.empty(2, 2))
h = nn.init.orthogonal_(torch.empty(2, 2))
i = F.gumbel_softmax(torch.zeros(3))
j = F.rrelu(-torch.ones(4), training=True)
k = nn.LSTM(2, 2, num_layers=2, dropout=0.5)(torch.ones(3, 1, 2))[0]
state = torch.get_rng_state()
l = torch.rand(2)
torch.set_rng_state(state)
m = torch.rand(2)
n = torch.tensor(torch.initial_seed())
with torch.random.fork_rng():
    o = torch.rand(2)
p = torch.rand(2)
q = torch.distributions.Gamma(torch.tensor(2.), torch.tensor(1.)).sample()
r = torch.rand(2, generator=torch.default_generator)
s = torch.rand(2, generator=torch.Generator().manual_seed(1))
t = torch.normal(torch.zeros(3), torch.ones(3))
u = torch.stack(list(torch.utils.data.DataLoader(torch.arange(6), shuffle=True)))
v = torch.randperm(5)
x = F.fractional_max_pool2d(torch.arange(25.).view(1, 1, 5, 5), 2, output_size=2)
y = F.max_pool2d(torch.arange(25.).view(1, 1, 5, 5), 2)
w = nn.MultiheadAttention(4, 2, dropout=0.5)(*[torch.ones(2, 1, 4)] * 3)[0]
""",
        "a b c d e f g h i j k l m n o p q r s t u v w x y",
    ),
    "checkpoints, higher derivatives and modes": (
        """import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
torch.manual_seed(1)
net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
x = torch.ones(3, 2, requires_grad=True)
y = checkpoint(net, x, use_reentrant=False)
y.sum().backward()
r = torch.rand(2)
g, = torch.autograd.grad((x ** 3).sum(), x, create_graph=True)
h, = torch.autograd.grad(g.sum(), x)
with torch.inference_mode():
    i = torch.ones(2) * 2
with torch.autocast("cpu", dtype=torch.bfloat16):
    a = net(x)
v = torch.func.vmap(lambda t: t * 2)(torch.ones(3))
j = torch.autograd.functional.jacobian(lambda t: t ** 2, torch.ones(2))
with torch.autograd.graph.saved_tensors_hooks(lambda t: t * 1, lambda t: t):
    s = (x * x).sum()
s.backward()
""",
        "x y r g h i a v j s net.0.weight",
    ),
    "layers that take a faster path in evaluation": (
        """import torch
from torch import nn
torch.manual_seed(0)
layer = nn.TransformerEncoderLayer(4, 2, 4, batch_first=True).eval()
x = torch.randn(1, 3, 4)
with torch.no_grad():
    y = layer(x)
    z = layer.self_attn(x, x, x, need_weights=False)[0]
""",
        "x y z",
    ),
    "functions, generators and fifty turns": (
        """import torch
def f(a, n):
    b = a * n
    if n > 0:
        c = f(b, n - 1)
        return c
    b += 1
    return b
x = torch.ones(2, requires_grad=True)
y = f(x, 2)
def turns(n):
    for i in range(n):
        t = torch.full((2,), float(i))
        yield t
s = torch.zeros(2)
for t in turns(3):
    s += t
for i in range(50):
    s = s * 0.5 + i
""",
        "a b c x y s t",
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_trace_says_what_the_program_sees(name: str) -> None:
    source, paths = PROGRAMS[name]
    trace = run(source)
    assert trace.failure is None
    assert questions.differences(source, *paths.split()) == []


@pytest.mark.parametrize(
    ("program", "asks"),
    [
        # What keeps an object alive, or counts who does, would show here.
        ("x = torch.ones(2)\nr = weakref.ref(x)\ndel x\n", "r() is None"),
        ("x = torch.ones(2)\ny = x.clone()\n", "sys.getrefcount(x)"),
        ("x = torch.ones(2)\ny = x.clone()\n", "weakref.getweakrefcount(x)"),
        ("def f(x):\n    y = x * 2\n    n = sys.getrefcount(y)\n    return n\n", "f(np.ones(2))"),
        (
            "def f(x):\n    y = x * 2\n    r = weakref.ref(y)\n    del y\n    return r() is None\n",
            "f(torch.ones(2))",
        ),
        (
            "x = torch.ones(9, requires_grad=True)\nh = x.exp()\ny = h * h\nr = weakref.ref(h)\n"
            "del h\ny.sum().backward()\n",
            "r() is None",
        ),
        ("a = [1]\na.append(a)\nclass C: pass\nc = C()\nc.c = c\nr = weakref.ref(c)\ndel c\n",
         "r() is None"),
        ("a = np.ones(3)\nt = torch.from_numpy(a)\n", "sys.getrefcount(a)"),
        ("net = torch.nn.Linear(1, 1)\n", "sys.getrefcount(net), sys.getrefcount(net.weight)"),
        ("x = torch.ones(2)\nkept = [x]\n", "len(gc.get_referrers(x))"),
        ("x = 1\n", "sorted(n for n in globals() if n[:2] != '__')"),
        ("def f(a):\n    b = 2\n    return sorted(locals())\n", "f(1)"),
        ("x = torch.ones(2)\n", "torch.get_default_dtype(), len(f'{x}')"),
        ("import warnings\n", "warnings.catch_warnings(record=True).__enter__()"),
    ],
)  # fmt: skip
def test_to_record_changes_nothing_that_the_program_could_notice(program: str, asks: str) -> None:
    source = f"import gc, sys, weakref\nimport numpy as np\nimport torch\n{program}"
    final = f"{source}answer = ({asks})\n"
    plain = questions.plainly(final)["answer"]
    trace = run(final)
    assert trace.failure is None
    state = trace.steps[-1].names["answer"]
    assert isinstance(state, Plain)
    assert state.text == (repr(list(plain)) if isinstance(plain, list) else str(plain))


LOOKS = st.sampled_from(
    ["t()", "flatten()", "unsqueeze(0)", "squeeze()", "[..., ::2]", "[1:]", "[-1]", "flip(0)",
     "contiguous()", "expand(2, *v.shape)", "unfold(0, 1, 1)", "diagonal()", "permute(-1, 0)"]
)  # fmt: skip


@given(st.integers(1, 4), st.integers(1, 4), st.lists(LOOKS, max_size=4))
def test_a_tensors_values_are_the_storages_cells_in_its_order(
    rows: int, columns: int, looks: list[str]
) -> None:
    source = f"import torch\nv = torch.arange({rows * columns}.).view({rows}, {columns})\n"
    source += "".join(f"v = v{look if look[0] == '[' else f'.{look}'}\n" for look in looks)
    trace = run(source)
    memory = {}
    for step in trace.steps:
        memory |= step.memory
        state = step.names.get("v")
        if isinstance(state, TensorState):
            held = memory[state.storage].values
            assert held is not None and state.cells is not None
            assert state.values == tuple(held[cell] for cell in state.cells)
            where = [
                state.offset + int(np.dot(index, state.stride)) for index in np.ndindex(state.shape)
            ]
            assert list(state.cells) == where
