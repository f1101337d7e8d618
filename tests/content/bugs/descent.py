"""Gradient descent with momentum, by hand: the first optimiser of torch.optim in a process takes seconds to build."""

from __future__ import annotations

from collections.abc import Iterable

import torch


class Descent:
    """As much of an optimiser as training loops and GradScaler ask for."""

    def __init__(self, params: Iterable[torch.Tensor], lr: float, momentum: float = 0.0) -> None:
        self.params, self.lr, self.momentum = list(params), lr, momentum
        self.param_groups = [{"params": self.params}]
        self.speed = [torch.zeros_like(param) for param in self.params]

    def zero_grad(self) -> None:
        for param in self.params:
            param.grad = None

    @torch.no_grad()
    def step(self) -> None:
        for param, speed in zip(self.params, self.speed, strict=True):
            speed.mul_(self.momentum).add_(param.grad)
            param.sub_(self.lr * speed)
