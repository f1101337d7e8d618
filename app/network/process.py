"""What a process does once before it trains: one thread, memory kept, every kernel touched."""

from __future__ import annotations

import ctypes

import torch
from torch import nn

from app.network.gru import TracedGRU
from app.network.rnn import TracedRNN
from app.network.traced import TracedLSTM
from app.network.train import generator, linear, optimiser, update

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h


def prepare_process() -> None:
    """One thread, and malloc told to keep its pages.

    A trace held from step to step makes glibc hand pages back and fetch them again: up to half of a
    training step. Another libc has no mallopt: slower there, not wrong. BLAS libraries that NumPy brings
    have threads of their own: OPENBLAS_NUM_THREADS=1 must be set before the process starts.
    """
    torch.set_num_threads(1)
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):
        return
    mallopt(_M_MMAP_THRESHOLD, 1 << 30)
    mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def warm() -> None:
    """Touch every kernel that a first run would otherwise wait for, the optimiser's and inference's too."""
    source = generator(0)
    for kind in (TracedLSTM, TracedGRU, TracedRNN):
        layer = kind(4, 8, generator=source)
        head = linear(8, 2, source)
        parameters = [*layer.parameters(), *head.parameters()]
        adam = optimiser("adam", parameters, 0.01)
        x = torch.randn(2, 5, 4, generator=source)
        update(
            nn.functional.cross_entropy(head(layer(x)[0][:, -1]), torch.tensor([0, 1])),
            adam,
            parameters,
            clip=1.0,
        )
        with torch.no_grad():
            layer(x)
