"""The network: the only room that imports torch."""

from __future__ import annotations

from app.network.cell import LSTMCellReference
from app.network.others import GRUTrace, RNNTrace, TracedGRU, TracedRNN
from app.network.streaming import StreamingLSTM
from app.network.trace import Clamp, Trace
from app.network.traced import TracedLSTM
from app.network.train import prepare_process, warm

__all__ = [
    "Clamp",
    "GRUTrace",
    "LSTMCellReference",
    "RNNTrace",
    "StreamingLSTM",
    "Trace",
    "TracedGRU",
    "TracedLSTM",
    "TracedRNN",
    "prepare_process",
    "warm",
]
