"""Small pieces that demos share: seeded generators, the gradient's norm, one training step."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from app.network.others import TracedGRU, TracedRNN
from app.network.traced import TracedLSTM


def generator(*seed: int) -> torch.Generator:
    """A generator for one purpose: mix the run's seed with a number of that purpose."""
    mixed = 0
    for part in seed:
        mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 25)
    return torch.Generator().manual_seed(mixed)


def linear(inputs: int, outputs: int, source: torch.Generator) -> nn.Linear:
    """A linear layer drawn from `source`: U(±1/√inputs)."""
    made = nn.Linear(inputs, outputs)
    with torch.no_grad():
        for weight in made.parameters():
            weight.uniform_(-(inputs**-0.5), inputs**-0.5, generator=source)
    return made


def gradient_norm(parameters: Iterable[Tensor]) -> float:
    """‖g‖ over all parameters as one vector."""
    norms = [p.grad.norm() for p in parameters if p.grad is not None]
    return float(torch.stack(norms).norm()) if norms else 0.0


def update(loss: Tensor, optimiser: torch.optim.Optimizer, parameters: list[Tensor], clip: float = 0.0) -> float:
    """One step: backward, norm clipping (0: none), update. The gradient's norm before clipping."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = gradient_norm(parameters)
    if clip > 0:
        nn.utils.clip_grad_norm_(parameters, clip)
    optimiser.step()
    return norm


def prepare_process() -> None:
    """Once in a worker: one thread, and malloc told to keep its pages (a held trace cost up to 1.5 × without)."""
    torch.set_num_threads(1)
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
        libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD
    except (OSError, AttributeError):
        return  # another libc: slower, not wrong


def warm() -> None:
    """Touch every kernel that a first run would otherwise wait for, the optimiser's included."""
    source = generator(0)
    for kind in (TracedLSTM, TracedGRU, TracedRNN):
        layer = kind(4, 8, generator=source)
        head = linear(8, 2, source)
        parameters = [*layer.parameters(), *head.parameters()]
        optimiser = torch.optim.Adam(parameters, fused=True)
        output = layer(torch.randn(2, 5, 4, generator=source))[0]
        loss = nn.functional.cross_entropy(head(output[:, -1]), torch.tensor([0, 1]))
        update(loss, optimiser, parameters, clip=1.0)
