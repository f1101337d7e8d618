"""The network: the only room that imports torch."""

from __future__ import annotations

from app.network.arithmetic import UnitStep, unit_step
from app.network.cell import LSTMCellReference
from app.network.clamp import Clamp
from app.network.gru import GRUTrace, TracedGRU
from app.network.process import prepare_process, warm
from app.network.rnn import RNNTrace, TracedRNN
from app.network.streaming import StreamingLSTM
from app.network.trace import Trace
from app.network.traced import TracedLSTM

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
    "UnitStep",
    "prepare_process",
    "unit_step",
    "warm",
]
