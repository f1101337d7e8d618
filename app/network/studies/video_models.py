"""Four kinds of model for clips (B, T, S, S) → logits (B, classes), each drawn from one generator alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from app.network.traced import TracedLSTM
from app.network.train import linear

MODELS = ("cnn_lstm", "cnn_mean", "lstm", "cnn_lstm2", "conv_lstm")
FEATURES, CHANNELS = 32, 8


class FrameCNN(nn.Module):
    """(N, S, S) → features (N, 32): two 3 × 3 convolutions of stride 2 with ReLU, then a linear layer.

    Weights He-uniform, biases zero (He et al. 2015). With PyTorch's own smaller start the features are so faint
    that the LSTM behind them saw next to nothing of the motion: two of three seeds had not learnt after 400 steps.
    """

    def __init__(self, side: int, source: torch.Generator) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 8, 3, stride=2, padding=1)
        self.second = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.last = nn.Linear(16 * (side // 4) ** 2, FEATURES)
        with torch.no_grad():
            for part in (self.first, self.second, self.last):
                bound = (6 / part.weight[0].numel()) ** 0.5
                part.weight.uniform_(-bound, bound, generator=source)
                assert part.bias is not None
                part.bias.zero_()

    def forward(self, frames: Tensor) -> Tensor:
        """(N, S, S) → (N, 32)."""
        features: Tensor = self.last(self.second(self.first(frames.unsqueeze(1)).relu()).relu().flatten(1))
        return features


class CNNThenLSTM(nn.Module):
    """Features of every frame, then one or two LSTM layers (forget bias 1); classes from the last h.

    Without a CNN the LSTM reads each frame's pixels as they are.
    """

    def __init__(
        self, side: int, hidden: int, classes: int, source: torch.Generator, *, layers: int = 1,
        cnn: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        inputs = FEATURES if cnn else side * side
        self.layer = TracedLSTM(inputs, hidden, layers, init="forget-bias", forget_bias=1.0, generator=source)
        self.head = linear(hidden, classes, source)
        self.cnn = FrameCNN(side, source) if cnn else None

    def features(self, clips: Tensor) -> Tensor:
        """(B, T, S, S) → (B, T, F): batch and time folded into one for the CNN and unfolded again."""
        if self.cnn is None:
            return clips.flatten(2)
        features: Tensor = self.cnn(clips.flatten(0, 1)).unflatten(0, clips.shape[:2])
        return features

    def forward(self, clips: Tensor) -> Tensor:
        logits: Tensor = self.head(self.layer(self.features(clips))[0][:, -1])
        return logits


class CNNThenMean(nn.Module):
    """Features of every frame, averaged over the frames: their order cannot matter."""

    def __init__(self, side: int, classes: int, source: torch.Generator) -> None:
        super().__init__()
        self.head = linear(FEATURES, classes, source)
        self.cnn = FrameCNN(side, source)

    def forward(self, clips: Tensor) -> Tensor:
        features = self.cnn(clips.flatten(0, 1)).unflatten(0, clips.shape[:2])
        logits: Tensor = self.head(features.mean(1))
        return logits


class ConvLSTM(nn.Module):
    """i, f, g, o from 3 × 3 convolutions of frame and state; H and C are maps (B, 8, S/2, S/2).

    Shi et al. 2015 without peepholes, on frames averaged over 2 × 2; classes from the mean of the last H.
    """

    def __init__(self, classes: int, source: torch.Generator) -> None:
        super().__init__()
        self.gates = nn.Conv2d(1 + CHANNELS, 4 * CHANNELS, 3, padding=1)
        bound = self.gates.weight[0].numel() ** -0.5
        with torch.no_grad():
            self.gates.weight.uniform_(-bound, bound, generator=source)
            assert self.gates.bias is not None
            self.gates.bias.zero_()
            self.gates.bias[CHANNELS : 2 * CHANNELS] = 1.0  # the forget gate's, as in the other lanes
        self.head = linear(CHANNELS, classes, source)

    def forward(self, clips: Tensor) -> Tensor:
        small = nn.functional.avg_pool2d(clips, 2)
        h = c = small.new_zeros(len(small), CHANNELS, *small.shape[2:])
        for t in range(small.shape[1]):
            i, f, g, o = self.gates(torch.cat([small[:, t : t + 1], h], 1)).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
        logits: Tensor = self.head(h.mean((2, 3)))
        return logits


def build(kind: str, side: int, hidden: int, classes: int, source: torch.Generator) -> nn.Module:
    """A fresh model of one of MODELS for frames of side × side pixels."""
    if kind == "cnn_mean":
        return CNNThenMean(side, classes, source)
    if kind == "conv_lstm":
        return ConvLSTM(classes, source)
    layers = 2 if kind == "cnn_lstm2" else 1
    return CNNThenLSTM(side, hidden, classes, source, layers=layers, cnn=kind != "lstm")
