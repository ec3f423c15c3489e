"""What learners of Tensors, Autograd, Modules and Optimizers type: sixty short programs.

Each is torch that runs as it stands; where one ends in an error, that error is its point. The
scratchpad must run at least `LEAST` of them, and refuse the others with a sentence that teaches.
"""

from types import MappingProxyType

__all__ = ["FAILING", "LEAST", "PROGRAMS"]

LEAST = 55
"""How many of them must run."""

_TENSORS = {
    "a first tensor": """
import torch

x = torch.tensor([[1, 2, 3], [4, 5, 6]])
print(x)
print(x.shape, x.dtype, x.device)
""",
    "indexing": """
import torch

x = torch.arange(12).reshape(3, 4)
row = x[0]
column = x[:, 1]
cell = x[1, 2]
block = x[1:, ::2]
last = x[-1, -1].item()
print(row, column, cell, last)
""",
    "a view shares storage": """
import torch

a = torch.zeros(2, 3)
b = a.view(3, 2)
b[0, 0] = 7
c = a.clone()
c[1, 1] = 5
print(a)
print(a.data_ptr() == b.data_ptr(), a.data_ptr() == c.data_ptr())
""",
    "transpose and contiguous": """
import torch

x = torch.arange(6.0).reshape(2, 3)
y = x.T
print(y.stride(), y.is_contiguous())
z = y.contiguous()
print(z.stride(), z.is_contiguous())
y = x.transpose(0, 1).reshape(-1)
""",
    "view refused": """
import torch

x = torch.arange(6).reshape(2, 3)
y = x.t()
z = y.view(6)
""",
    "broadcasting": """
import torch

column = torch.arange(3).unsqueeze(1)
row = torch.arange(4).unsqueeze(0)
table = column * 10 + row
print(table.shape)
mean = table.float().mean(dim=1, keepdim=True)
centred = table - mean
""",
    "shapes that do not broadcast": """
import torch

a = torch.ones(3, 2)
b = torch.ones(3)
print(f"{a.shape} + {b.shape}")
c = a + b
""",
    "unsqueeze, squeeze, None": """
import torch

x = torch.randn(4)
print(x[None].shape, x[:, None].shape)
y = x.unsqueeze(0).unsqueeze(-1)
print(y.shape, y.squeeze().shape, y.squeeze(0).shape)
z = x[..., None].expand(4, 3)
""",
    "masks": """
import torch

torch.manual_seed(0)
x = torch.randn(3, 4)
mask = x > 0
print(mask.sum().item(), "positive of", x.numel())
kept = x[mask]
x[~mask] = 0.0
y = torch.where(mask, x, torch.full_like(x, -1.0))
""",
    "fancy indexing": """
import torch

x = torch.arange(20).view(4, 5)
rows = torch.tensor([0, 2])
picked = x[rows]
pairs = x[[0, 1, 2], [4, 3, 2]]
x[rows, 0] = -1
top = x.index_select(1, torch.tensor([1, 3]))
""",
    "gather and scatter": """
import torch

scores = torch.tensor([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]])
labels = torch.tensor([1, 0])
chosen = scores.gather(1, labels.unsqueeze(1)).squeeze(1)
onehot = torch.zeros(2, 3).scatter_(1, labels.view(-1, 1), 1.0)
print(chosen, onehot)
""",
    "cat and stack": """
import torch

parts = [torch.full((2, 2), float(i)) for i in range(3)]
tall = torch.cat(parts, dim=0)
wide = torch.cat(parts, dim=1)
deep = torch.stack(parts)
for name, t in {"tall": tall, "wide": wide, "deep": deep}.items():
    print(name, tuple(t.shape))
""",
    "dtypes": """
import torch

a = torch.tensor([1, 2, 3])
b = torch.tensor([0.5, 1.5, 2.5])
c = a + b
print(a.dtype, b.dtype, c.dtype)
d = c.to(torch.int64)
e = a / 2
f = a // 2
h = torch.tensor([300]).to(torch.uint8)
""",
    "reductions": """
import torch

x = torch.tensor([[3.0, 1.0, 2.0], [6.0, 5.0, 4.0]])
total = x.sum()
rows = x.sum(dim=1)
values, indices = x.max(dim=1)
best = x.argmax(dim=-1)
print(total.item(), rows.tolist(), values, indices, best)
std = x.std(dim=0, unbiased=False)
""",
    "matmul": """
import torch

a = torch.randn(2, 3)
b = torch.randn(3, 4)
c = a @ b
d = torch.matmul(a, b)
assert torch.allclose(c, d)
batch = torch.randn(5, 2, 3)
e = torch.bmm(batch, batch.transpose(1, 2))
f = torch.einsum("bij,bkj->bik", batch, batch)
print(c.shape, e.shape, torch.allclose(e, f, atol=1e-6))
""",
    "shapes by their indices": """
import torch

images = torch.rand(2, 3, 4, 4)
n, c, h, w = images.shape
flat = images.view(images.shape[0], -1)
assert flat.size(1) == c * h * w
last = images.permute(0, 2, 3, 1)
print(f"{n=} {c=} {h=} {w=}", last.shape, images.ndim)
""",
    "in place": """
import torch

x = torch.ones(3)
y = x
y += 1
x.mul_(2)
y = y + 1
print(x, y, x is y)
""",
    "a loop over rows": """
import torch

x = torch.arange(6).reshape(3, 2)
total = 0
for i, row in enumerate(x):
    total += row.sum().item()
    print(i, row.tolist(), total)
""",
    "tensors from lists": """
import torch

rows = [[i * j for j in range(4)] for i in range(3)]
table = torch.tensor(rows, dtype=torch.float32)
squares = torch.tensor([n**2 for n in range(6) if n % 2 == 0])
pairs = [(a.item(), b.item()) for a, b in zip(squares, squares.flip(0))]
print(table, squares, pairs)
""",
    "sorting and topk": """
import torch

x = torch.tensor([0.3, 0.9, 0.1, 0.5])
ordered, order = torch.sort(x, descending=True)
values, indices = x.topk(2)
counts = torch.bincount(torch.tensor([0, 1, 1, 3]))
unique = torch.unique(torch.tensor([3, 1, 1, 2]))
running = x.cumsum(0)
""",
    "distances without a loop": """
import torch

a = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
b = torch.tensor([[0.0, 1.0], [3.0, 0.0], [6.0, 8.0]])
difference = a[:, None, :] - b[None, :, :]
distance = difference.pow(2).sum(-1).sqrt()
print(distance.shape, torch.cdist(a, b).sub(distance).abs().max())
""",
    "expand and repeat": """
import torch

x = torch.tensor([[1], [2], [3]])
e = x.expand(3, 4)
r = x.repeat(1, 4)
print(e.stride(), r.stride())
print(torch.equal(e, r))
print(e.untyped_storage().nbytes(), r.untyped_storage().nbytes())
""",
    "a function of tensors": """
import torch


def normalize(x, dim=-1, eps=1e-5):
    mean = x.mean(dim, keepdim=True)
    var = x.var(dim, unbiased=False, keepdim=True)
    return (x - mean) / torch.sqrt(var + eps)


x = torch.randn(2, 4)
y = normalize(x)
print(y.mean(dim=-1), y.std(dim=-1, unbiased=False))
""",
    "NumPy and back": """
import numpy as np
import torch

a = np.array([1.0, 2.0, 3.0])
t = torch.from_numpy(a)
t[0] = 9
print(a)
""",
    "to NumPy": """
import torch

x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
a = x.numpy()
print(a)
""",
}

_AUTOGRAD = {
    "a first gradient": """
import torch

x = torch.tensor(3.0, requires_grad=True)
y = x**2 + 2 * x
y.backward()
print(x.grad)
""",
    "a gradient of a sum": """
import torch

x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = (x * x).sum()
print(y.grad_fn, x.is_leaf, y.is_leaf)
y.backward()
assert torch.equal(x.grad, 2 * x)
""",
    "backward of what is no scalar": """
import torch

x = torch.ones(3, requires_grad=True)
y = x * 2
y.backward()
""",
    "backward with a gradient": """
import torch

x = torch.ones(3, requires_grad=True)
y = x * torch.tensor([1.0, 2.0, 3.0])
y.backward(gradient=torch.ones_like(y))
print(x.grad)
""",
    "backward twice": """
import torch

x = torch.tensor([2.0], requires_grad=True)
y = (x**3).sum()
y.backward()
y.backward()
""",
    "retain_graph": """
import torch

x = torch.tensor([2.0], requires_grad=True)
y = (x**3).sum()
y.backward(retain_graph=True)
first = x.grad.clone()
y.backward()
print(first, x.grad)
x.grad.zero_()
""",
    "no_grad": """
import torch

w = torch.randn(3, requires_grad=True)
with torch.no_grad():
    y = w * 2
    w -= 0.1
print(y.requires_grad, w.requires_grad)
z = (w * 2).detach()
""",
    "a leaf written in place": """
import torch

w = torch.ones(2, requires_grad=True)
w += 1
""",
    "saved for backward, then written": """
import torch

x = torch.ones(3, requires_grad=True)
y = x.exp()
y += 1
y.sum().backward()
""",
    "hooks": """
import torch

x = torch.ones(2, requires_grad=True)
y = x * 3
y.retain_grad()
handle = y.register_hook(lambda grad: grad * 10)
y.sum().backward()
print(x.grad, y.grad)
handle.remove()
""",
    "autograd.grad": """
import torch

x = torch.tensor(2.0, requires_grad=True)
y = x**3
(first,) = torch.autograd.grad(y, x, create_graph=True)
(second,) = torch.autograd.grad(first, x)
print(first.item(), second.item())
""",
    "gradients that add up": """
import torch

w = torch.tensor([1.0], requires_grad=True)
for step in range(3):
    loss = (w * 2).sum()
    loss.backward()
    print(step, w.grad)
w.grad = None
""",
    "descent by hand": """
import torch

torch.manual_seed(0)
x = torch.linspace(-1, 1, 8)
y = 3 * x + 0.5
w = torch.zeros(1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
lr = 0.1
for epoch in range(5):
    loss = ((w * x + b - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        for p in [w, b]:
            p -= lr * p.grad
            p.grad.zero_()
    print(f"epoch {epoch}: loss {loss.item():.4f}")
""",
    "a custom Function": """
import torch


class Clamp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * (x > 0)


x = torch.tensor([-1.0, 2.0], requires_grad=True)
Clamp.apply(x).sum().backward()
print(x.grad)
""",
    "clipping": """
import torch

w = torch.tensor([3.0, 4.0], requires_grad=True)
(w * w).sum().backward()
norm = torch.nn.utils.clip_grad_norm_([w], max_norm=1.0)
print(norm, w.grad, w.grad.norm())
""",
}

_MODULES = {
    "a linear layer": """
import torch
from torch import nn

torch.manual_seed(0)
layer = nn.Linear(3, 2)
x = torch.randn(4, 3)
y = layer(x)
by_hand = x @ layer.weight.T + layer.bias
print(y.shape, torch.allclose(y, by_hand))
""",
    "Sequential": """
import torch
import torch.nn as nn

model = nn.Sequential(
    nn.Linear(4, 8),
    nn.ReLU(),
    nn.Linear(8, 2),
)
out = model(torch.randn(5, 4))
print(model)
print(out.shape, sum(p.numel() for p in model.parameters()))
""",
    "a module of one's own": """
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 3)
        self.fc2 = nn.Linear(3, 2)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        return self.fc2(x)


net = Net()
y = net(torch.randn(2, 4))
for name, p in net.named_parameters():
    print(name, tuple(p.shape))
""",
    "a parameter of one's own": """
import torch
from torch import nn


class Scale(nn.Module):
    def __init__(self, size: int, start: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.weight = nn.Parameter(torch.full((size,), start))
        self.register_buffer("count", torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.count += 1
        return x * self.weight


scale = Scale(3, start=2.0)
y = scale(torch.ones(2, 3))
y.sum().backward()
print(scale.weight.grad, scale.count)
""",
    "layers in a list": """
import torch
from torch import nn


class Stack(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(depth)])

    def forward(self, x):
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return x


stack = Stack(3)
print(len(list(stack.parameters())), stack(torch.ones(1, 2)))
""",
    "a convolution": """
import torch
import torch.nn as nn

conv = nn.Conv2d(1, 2, kernel_size=3, padding=1)
pool = nn.MaxPool2d(2)
image = torch.rand(1, 1, 6, 6)
features = conv(image)
print(conv.weight.shape, features.shape, pool(features).shape)
flat = nn.Flatten()(pool(features))
""",
    "train and eval": """
import torch
from torch import nn

torch.manual_seed(1)
drop = nn.Dropout(p=0.5)
x = torch.ones(8)
drop.train()
print(drop(x))
drop.eval()
print(drop(x))
norm = nn.BatchNorm1d(2)
y = norm(torch.randn(4, 2))
print(norm.running_mean)
""",
    "state_dict": """
import torch
from torch import nn

a = nn.Linear(2, 1)
b = nn.Linear(2, 1)
state = a.state_dict()
for key, value in state.items():
    print(key, value.shape)
b.load_state_dict(state)
print(torch.equal(a.weight, b.weight))
""",
    "freezing": """
import torch
from torch import nn

model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
for p in model[0].parameters():
    p.requires_grad = False
model(torch.ones(1, 2)).sum().backward()
trained = [name for name, p in model.named_parameters() if p.requires_grad]
print(trained, model[0].weight.grad is None, isinstance(model[1], nn.ReLU))
""",
    "an embedding": """
import torch
from torch import nn

vocabulary = {"the": 0, "cat": 1, "sat": 2}
words = "the cat sat the".split()
ids = torch.tensor([vocabulary[word] for word in words])
table = nn.Embedding(len(vocabulary), 4)
vectors = table(ids)
print(vectors.shape, torch.equal(vectors[0], vectors[3]))
""",
    "attention": """
import math
import torch

torch.manual_seed(0)
q, k, v = (torch.randn(1, 4, 2) for _ in range(3))
scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
mask = torch.triu(torch.ones(4, 4, dtype=torch.bool), diagonal=1)
weights = scores.masked_fill(mask, float("-inf")).softmax(dim=-1)
out = weights @ v
print(weights.sum(dim=-1), out.shape)
""",
    "cross entropy": """
import torch
import torch.nn.functional as F

logits = torch.tensor([[2.0, 0.5, 0.1], [0.2, 0.1, 3.0]], requires_grad=True)
target = torch.tensor([0, 2])
loss = F.cross_entropy(logits, target)
by_hand = -F.log_softmax(logits, dim=1)[range(2), target].mean()
loss.backward()
print(loss.item(), by_hand.item(), logits.grad)
accuracy = (logits.argmax(1) == target).float().mean()
""",
}

_OPTIMIZERS = {
    "a training loop": """
import torch
from torch import nn, optim

torch.manual_seed(0)
model = nn.Linear(1, 1)
criterion = nn.MSELoss()
optimizer = optim.SGD(model.parameters(), lr=0.1)
x = torch.linspace(0, 1, 5).unsqueeze(1)
y = 2 * x + 1
for epoch in range(4):
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
    if epoch % 2 == 0:
        print(f"epoch {epoch:2d} loss {loss.item():.3f}")
""",
    "Adam on a bowl": """
import torch

point = torch.tensor([2.0, -1.0], requires_grad=True)
optimizer = torch.optim.Adam([point], lr=0.5)
path = []
for _ in range(4):
    optimizer.zero_grad()
    loss = (point**2).sum()
    loss.backward()
    optimizer.step()
    path.append(point.detach().clone())
path = torch.stack(path)
""",
    "momentum by hand": """
import torch

w = torch.tensor([1.0], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)
v = 0.0
mine = w.item()
for i in range(3):
    optimizer.zero_grad()
    (w**2).sum().backward()
    optimizer.step()
    v = 0.9 * v + 2 * mine
    mine = mine - 0.1 * v
    print(i, w.item(), round(mine, 6))
""",
    "parameter groups and a schedule": """
import torch
from torch import nn

model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
optimizer = torch.optim.SGD(
    [
        {"params": model[0].parameters(), "lr": 0.01},
        {"params": model[1].parameters()},
    ],
    lr=0.1,
)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
for epoch in range(4):
    optimizer.step()
    scheduler.step()
    print([group["lr"] for group in optimizer.param_groups])
""",
    "mini-batches": """
import torch
from torch import nn

torch.manual_seed(0)
data = torch.randn(8, 2)
labels = (data.sum(dim=1) > 0).long()
model = nn.Linear(2, 2)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.05, weight_decay=0.01)
loss_fn = nn.CrossEntropyLoss()
order = torch.randperm(len(data))
losses = []
for start in range(0, len(data), 4):
    batch = order[start : start + 4]
    loss = loss_fn(model(data[batch]), labels[batch])
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print(losses, min(losses))
""",
    "until it is small": """
import torch

w = torch.tensor([4.0], requires_grad=True)
steps = 0
while w.abs().item() > 1 and steps < 20:
    loss = (w**2).sum()
    loss.backward()
    with torch.no_grad():
        w -= 0.2 * w.grad
        w.grad.zero_()
    steps += 1
print(steps, w)
""",
    "an error caught": """
import torch

a = torch.ones(2, 3)
try:
    b = a @ a
except RuntimeError as error:
    print("refused:", error)
b = a @ a.T
""",
    "saving": """
import torch
from torch import nn

model = nn.Linear(2, 1)
torch.save(model.state_dict(), "model.pt")
state = torch.load("model.pt")
""",
}

PROGRAMS = MappingProxyType(
    {
        f"{chapter}: {name}": source.lstrip("\n")
        for chapter, programs in {
            "Tensors": _TENSORS,
            "Autograd": _AUTOGRAD,
            "Modules": _MODULES,
            "Optimizers": _OPTIMIZERS,
        }.items()
        for name, source in programs.items()
    }
)
"""By chapter and name."""

FAILING = MappingProxyType(
    {
        "Tensors: view refused": 5,
        "Tensors: shapes that do not broadcast": 6,
        "Autograd: backward of what is no scalar": 5,
        "Autograd: backward twice": 6,
        "Autograd: a leaf written in place": 4,
        "Autograd: saved for backward, then written": 6,
    }
)
"""Those of them that torch refuses, and the line at which it does, from 1."""
