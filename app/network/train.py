"""Small pieces that demos share: seeded generators, the gradient's norm, one training step.

python -m app.network.train NAME    makes a demo's pretrained weights again, under app/network/datasets
"""

from __future__ import annotations

import argparse
import functools
import importlib
import inspect
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

DATASETS = Path(__file__).parent / "datasets"
APART = 5  # steps at least between two measurements
PRETRAINED = {"speech-ctc": ("speech_ctc", "speech_ctc.safetensors")}  # demo → its study, its file


def generator(*seed: int) -> torch.Generator:
    """A generator for one purpose: mix the run's seed with a number of that purpose."""
    mixed = 0
    for part in seed:
        mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 25)
    return torch.Generator().manual_seed(mixed)


def linear(inputs: int, outputs: int, source: torch.Generator) -> nn.Linear:
    """A linear layer drawn from `source` alone: U(±1/√inputs), PyTorch's own range."""
    with torch.random.fork_rng(devices=[]):  # the constructor draws too: leave the global generator as it was
        made = nn.Linear(inputs, outputs)  # not skip_init, whose first call imports sympy: most of a second
    with torch.no_grad():
        for weight in made.parameters():
            weight.uniform_(-(inputs**-0.5), inputs**-0.5, generator=source)
    return made


def optimiser(kind: Literal["adam", "sgd"], parameters: Sequence[Tensor], lr: float) -> torch.optim.Optimizer:
    """Adam in one fused kernel (a third of the time at small sizes), or plain SGD, which rescales nothing."""
    if kind not in ("adam", "sgd"):
        raise ValueError(f"kind must be adam or sgd, not {kind!r}")
    if not 0 < lr <= 1000:
        raise ValueError(f"lr must be above 0 and at most 1000, not {lr}")
    _spare_the_compiler()
    return (
        torch.optim.Adam(parameters, lr=lr, fused=True)
        if kind == "adam"
        else torch.optim.SGD(parameters, lr=lr)
    )


@functools.cache
def _spare_the_compiler() -> None:
    """Keep the first optimiser of a process from importing torch.compile, which takes two seconds.

    Some methods of an optimiser are wrapped so that a compiler leaves them alone, and the wrapper imports that
    compiler at their first call unless it finds that they are exempt already. Nothing is compiled here.
    """
    for method in vars(torch.optim.Optimizer).values():
        inner = getattr(method, "__wrapped__", None)
        if inner is not None and not hasattr(inner, "__dynamo_disable"):
            setattr(inner, "__dynamo_disable", inner)


def measured_steps(total: int, most: int) -> frozenset[int]:
    """After which of `total` steps quality is measured: `most` times, evenly, the last step among them.

    A short run is measured fewer times, each APART steps: it would measure longer than it trains.
    """
    times = max(1, min(most, total // APART))
    return frozenset(round(k * total / times) for k in range(1, times + 1))


def advance(optimiser: torch.optim.Optimizer) -> None:
    """The update without what is wrapped around it: hooks, the profiler's mark, and that import again."""
    with torch.no_grad():
        if not _adam(optimiser):
            inspect.unwrap(type(optimiser).step)(optimiser)


def _adam(optimiser: torch.optim.Optimizer) -> bool:
    """Adam's kernel at once, in a third of the time at small sizes: the rest sorts tensors by device and type.

    False, and nothing done, where it is not the Adam that `optimiser` makes, where moments are missing (the first
    step makes them), or where tensors are not all of a kind.
    """
    group, *others = optimiser.param_groups
    if type(optimiser) is not torch.optim.Adam or others or not group["fused"]:
        return False
    if group["amsgrad"] or group["maximize"] or group["decoupled_weight_decay"]:
        return False
    weights = [each for each in group["params"] if each.grad is not None]
    moments = [optimiser.state.get(each, {}) for each in weights]
    if not all(moments) or len({(each.dtype, each.device) for each in weights}) != 1:
        return False
    steps = [each["step"] for each in moments]
    torch._foreach_add_(steps, 1)
    torch._fused_adam_(
        weights, [each.grad for each in weights], [each["exp_avg"] for each in moments],
        [each["exp_avg_sq"] for each in moments], [], steps, lr=group["lr"], beta1=group["betas"][0],
        beta2=group["betas"][1], weight_decay=group["weight_decay"], eps=group["eps"], amsgrad=False, maximize=False,
    )  # fmt: skip
    return True


def gradient_norm(parameters: Iterable[Tensor]) -> float:
    """‖g‖ over all parameters as one vector; 0 where none has a gradient."""
    norms = [p.grad.norm() for p in parameters if p.grad is not None]
    return float(torch.stack(norms).norm()) if norms else 0.0


def update(
    loss: Tensor, optimiser: torch.optim.Optimizer, parameters: Sequence[Tensor], clip: float = 0.0
) -> float:
    """One step: backward, norm clipping (0: none; Pascanu et al. 2013), update. The norm before clipping."""
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            parameter.grad = None  # as zero_grad() does, without its marks for the profiler
    loss.backward()  # type: ignore[no-untyped-call]
    if clip > 0:
        norm = _clip([each.grad for each in parameters if each.grad is not None], clip)
    else:
        norm = gradient_norm(parameters)
    advance(optimiser)
    return norm


def _clip(gradients: list[Tensor], clip: float) -> float:
    """`nn.utils.clip_grad_norm_`, bit for bit, without its sorting by device: half the time at small sizes."""
    if not gradients:
        return 0.0
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    length = float(norm)
    if length < 0.99 * clip:  # the factor would be one
        return length
    torch._foreach_mul_(gradients, torch.clamp(clip / (norm + 1e-6), max=1.0))
    return length


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what a demo only infers with; the weights go where its study reads them."""
    parser = argparse.ArgumentParser(prog="python -m app.network.train")
    parser.add_argument("name", choices=sorted(PRETRAINED))
    options = parser.parse_args(arguments)
    module, path = PRETRAINED[options.name]
    importlib.import_module(f"app.network.studies.{module}").pretrain(DATASETS / path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
