"""Mount a stage for the browser tests: one program after another, by its name in the address."""

import streamlit as st

from explainers.program import part, run
from figures.stage import Stage, staged, two
from ui.stage import STAGE, stage

VIEWS = """import torch

a = torch.arange(12.)
b = a.view(3, 4)
c = b.t()
d = c.contiguous()
e = b[:, ::2]
b[0, 1] = 99.
f = c.reshape(-1)
e.is_contiguous(), e.stride(), e.storage_offset()
"""
ACCUMULATION = """import torch

x = torch.tensor([[1., 2.], [3., 1.], [0., 1.], [2., 2.]])
y = torch.tensor([1., 2., 0., 3.])
w = torch.tensor([0.5, -0.5], requires_grad=True)
opt = torch.optim.SGD([w], lr=0.1, momentum=0.9)

for xs, ys in zip(x.chunk(2), y.chunk(2)):
    loss = ((xs @ w - ys) ** 2).mean() / 2
    loss.backward()
opt.step()
opt.zero_grad()
"""
MODULE = """import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(2, 2)]
        self.out = nn.Linear(2, 1)

torch.manual_seed(0)
net = Net()
opt = torch.optim.SGD(net.parameters(), lr=0.5)
x = torch.ones(1, 2)
net.out(net.layers[0](x)).sum().backward()
opt.step()
"""
TIED = """import torch
from torch import nn

a = nn.Linear(2, 2)
b = a
net = nn.Sequential(a, nn.ReLU(), b)
net.out = nn.Linear(2, 2)
net.out.weight = a.weight
net.register_buffer("seen", torch.zeros(1))
net.register_buffer("scratch", torch.zeros(2), persistent=False)
net.scale = torch.ones(2)
net.heads = [nn.Linear(2, 1)]
net.out.eval()
net.out.bias.requires_grad_(False)
opt = torch.optim.SGD([{"params": a.parameters()},
    {"params": [net.out.bias], "lr": 1.0}], lr=0.1, momentum=0.9)
net(torch.ones(1, 2)).sum().backward()
opt.step()
opt.param_groups[0]["lr"] = 0.01
del net.out, b
"""
NUMPY = """import numpy as np
import torch

a = np.arange(6.)
t = torch.from_numpy(a)
v = t[2:5]
n = v.numpy()
n[0] = 99
c = torch.tensor(a)
"""
REFUSED = """import torch

a = torch.arange(6.)
b = a.view(2, 3)
c = b.t()
d = c.view(6)
d[0] = 99.
"""
LOOP = """import torch

w = torch.tensor([4., -2.], requires_grad=True)
opt = torch.optim.SGD([w], lr=0.1)
for turn in range(20):
    opt.zero_grad()
    loss = (w ** 2).sum()
    loss.backward()
    opt.step()
print(loss.item())
"""
EXPAND = """import torch

row = torch.tensor([[1., 2., 3.]])
grid = row.expand(4, 3)
row[0, 1] = 7.
own = row.repeat(4, 1)
"""
FLOATS = """import torch

torch.manual_seed(0)
a = torch.randn(2, 6) / 100
a.t().sub_(1)
q, k, v = torch.randn(3, 4).unbind()
weights = torch.zeros(1000, 3)
part = weights[10:12]
cube = torch.arange(24).view(2, 3, 4)
cube.permute(2, 0, 1)
print("every head reads", cube.shape)
torch.tensor([1.5]).to(torch.int8).sqrt_()
"""
LARGE = """import torch

torch.manual_seed(0)
x = torch.randn(16, 16)
y = x.t()
z = x.relu()
big = torch.randn(64, 48)
"""
INSIDE = """import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.second = nn.Linear(4, 2)
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, x):
        hidden = self.first(x).relu()
        self.seen += x.shape[0]
        return self.second(hidden)

torch.manual_seed(0)
net = Net()
opt = torch.optim.Adam(net.parameters(), lr=0.1)
x = torch.randn(5, 3)
for epoch in range(3):
    loss = net(x).square().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
with torch.no_grad():
    out = net(x)
"""
PROGRAMS = {
    "inside": INSIDE,
    "views": VIEWS,
    "accumulation": ACCUMULATION,
    "module": MODULE,
    "tied": TIED,
    "numpy": NUMPY,
    "refused": REFUSED,
    "loop": LOOP,
    "expand": EXPAND,
    "floats": FLOATS,
    "large": LARGE,
}
NOTES = {"views": {8: "Whoever looks at the cell sees it; copies made before do not."}}
STARTS = {"views": 5, "accumulation": 8}

SHOWN = ("views", "loop", "break", "large", "accumulation", "module", "tied", "inside")
"""What stands on the page that names none, one below the other."""


def drawn(name: str) -> Stage:
    """Return what the app shows under a name."""
    if name == "break":
        wrong, right = run(REFUSED), run(REFUSED.replace("view(6)", "reshape(6)"))
        return two(wrong, right, part(wrong, right))
    trace = run(PROGRAMS[name])
    return staged(trace, notes=NOTES.get(name), start=STARTS.get(name), title=f"Program {name}")


if __name__ == "__main__":
    st.set_page_config(layout="wide")
    STAGE.send()
    state = st.session_state
    state.runs = state.get("runs", 0) + 1
    asked = st.query_params.get("show")
    if st.checkbox("Another program"):
        asked = "numpy"
    # As wide as a page's view beside the open sidebar.
    with st.container(width=850):
        for name in [asked] if asked else SHOWN:
            key = "first" if name == (asked or SHOWN[0]) else name
            stage(drawn(name), key=key, address="step" if name == (asked or SHOWN[0]) else "")
    st.button("Again")
    st.text(f"run {state.runs}")
