"""One exploding run under four treatments of its gradient: none, the source's code, by value, by norm.

Run:  python clip_lab.py                             (the demo's defaults)
      python clip_lab.py method=value scale=15 steps=100

An LSTM with blown-up recurrent weights adds two marked numbers, by plain SGD: Adam would rescale the gradient
and hide the effect. The source's code runs as it is printed, over the numbers of each gradient.
`method` is the treatment that the first four metrics are of. Prints one JSON line a metric. Needs torch only.
"""

import json
import math
import sys
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

PARAMS = {"method": "norm", "threshold": 1.0, "scale": 8.0, "lr": 0.5, "steps": 60, "seed": 0}
METHODS = ("none", "source", "value", "norm")
BATCH, STEPS, HIDDEN = 16, 60, 32


def generator(*seed: int) -> torch.Generator:
    """One stream of random numbers for each purpose."""
    mixed = 0
    for part in seed:
        mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 25)
    return torch.Generator().manual_seed(mixed)


def draw(module: nn.Module, source: torch.Generator) -> None:
    """All weights from U(±1/√H), in PyTorch's order."""
    with torch.no_grad():
        for weight in module.parameters():
            weight.uniform_(-(HIDDEN**-0.5), HIDDEN**-0.5, generator=source)


def adding(source: torch.Generator) -> tuple[Tensor, Tensor]:
    """x (B, T, 2), a number and a mark; y (B,), the sum of the two marked numbers, one in each half."""
    values = torch.rand(BATCH, STEPS, generator=source)
    first = torch.randint(0, STEPS // 2, (BATCH,), generator=source)
    second = torch.randint(STEPS // 2, STEPS, (BATCH,), generator=source)
    rows, marks = torch.arange(BATCH), torch.zeros(BATCH, STEPS)
    marks[rows, first] = marks[rows, second] = 1.0
    return torch.stack([values, marks], -1), values[rows, first] + values[rows, second]


def source_code(grads: list[float], threshold: float) -> list[float]:
    """The source's loop: it gives its own variable another value, and the list stays as it was."""
    for grad in grads:
        if abs(grad) > threshold:
            grad = math.copysign(threshold, grad)  # noqa: PLW2901 - this is the mistake
    return grads


def clip(method: str, parameters: Sequence[Tensor], threshold: float) -> None:
    """Treat the gradients in place."""
    if method == "norm":
        nn.utils.clip_grad_norm_(parameters, threshold)
    elif method == "value":
        nn.utils.clip_grad_value_(parameters, threshold)
    elif method == "source":
        for parameter in parameters:
            assert parameter.grad is not None
            treated = source_code(parameter.grad.flatten().tolist(), threshold)
            parameter.grad.copy_(torch.tensor(treated).view_as(parameter.grad))


class Lane:
    """One treatment, from the same weights on the same batches."""

    def __init__(self, method: str, p: dict[str, Any]) -> None:
        source, forget = generator(p["seed"], 7), slice(HIDDEN, 2 * HIDDEN)  # of i, f, g, o
        self.method, self.p = method, p
        self.layer, self.head = nn.LSTM(2, HIDDEN, batch_first=True), nn.Linear(HIDDEN, 1)
        draw(self.layer, source)
        draw(self.head, source)
        with torch.no_grad():
            _, recurrent, first, second = self.layer.all_weights[0]
            first[forget], second[forget] = 1.0, 0.0  # PyTorch adds two biases
            recurrent.mul_(p["scale"])
        self.parameters = [*self.layer.parameters(), *self.head.parameters()]
        self.finite, self.difference = True, 0.0
        self.cosines: list[float] = []
        self.norms: list[float] = []

    def step(self, x: Tensor, y: Tensor) -> None:
        loss = (self.head(self.layer(x)[0][:, -1]).squeeze(-1) - y).pow(2).mean()
        for parameter in self.parameters:
            parameter.grad = None
        torch.autograd.backward(loss)
        before = self.gradient()
        clip(self.method, self.parameters, self.p["threshold"])
        after = self.gradient()
        with torch.no_grad():
            for parameter in self.parameters:
                assert parameter.grad is not None
                parameter.sub_(parameter.grad, alpha=self.p["lr"])
        self.finite &= math.isfinite(loss.item())
        self.norms.append(float(after.norm()))
        self.cosines.append(float(nn.functional.cosine_similarity(before, after, dim=0)))

    def gradient(self) -> Tensor:
        return torch.cat([p.grad.flatten() for p in self.parameters if p.grad is not None]).double()

    def weights(self) -> Tensor:
        return torch.cat([parameter.detach().flatten() for parameter in self.parameters])

    def compare(self, plain: Tensor) -> None:
        """Note the largest difference from the untreated weights, as long as both are finite."""
        gap = (self.weights() - plain).abs()
        self.difference = max(self.difference, float(gap.nan_to_num(0.0, posinf=0.0).max()))


def measure(p: dict[str, Any]) -> dict[str, float | None]:
    lanes = {method: Lane(method, p) for method in METHODS}
    for step in range(1, p["steps"] + 1):
        x, y = adding(generator(p["seed"], 8, step))
        for lane in lanes.values():
            lane.step(x, y)
        for lane in lanes.values():
            lane.compare(lanes["none"].weights())
    tiny = torch.zeros(2, requires_grad=True)
    tiny.grad = torch.tensor([1e-9, 2e-9])
    before = float(tiny.grad.norm())
    clip("norm", [tiny], p["threshold"])
    chosen = lanes[p["method"]]
    return {
        "finite": float(chosen.finite),
        "max_weight_difference": chosen.difference,
        "cosine": min(filter(math.isfinite, chosen.cosines), default=None),
        "max_norm_after": max(filter(math.isfinite, chosen.norms), default=None),
        "max|Δw|": lanes["source"].difference,
        "‖g_after‖ / ‖g_before‖": float(tiny.grad.norm()) / before,
        "min cos": min(filter(math.isfinite, lanes["norm"].cosines), default=None),
    }


def main() -> None:
    p: dict[str, Any] = dict(PARAMS)
    for argument in sys.argv[1:]:
        name, text = argument.split("=", 1)
        p[name] = type(p[name])(text)
    torch.set_num_threads(1)
    for name, value in measure(p).items():
        sys.stdout.write(json.dumps({"metric": name, "value": value}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
