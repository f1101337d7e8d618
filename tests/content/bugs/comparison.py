"""Cells and layers compared: questions 4, 17, 35, 36 and 40."""

from __future__ import annotations

import torch
from torch import nn

from tests.content.bugs import Run, bug


@bug("04-e", "state[-1]", "state[0][-1]")
def classifies_the_cell_state(run: Run) -> bool:
    head = nn.Linear(32, 3)
    after = run(nn=nn, head=head, x=torch.randn(5, 7, 8))
    assert after.logits.shape == (5, 3), "no error, and the shape is right"
    right = torch.allclose(after.logits, head(after.y[:, -1]))
    assert right != torch.allclose(after.logits, head(after.state[1][-1]))
    return not right


@bug("17-h", "shape[0]", "shape[1]")
def cuts_one_piece_where_four_are_wanted(run: Run) -> bool:
    net = nn.LSTM(10, 20)
    after, error, line = run.stopping(ValueError, net=net, torch=torch)
    if error is None:
        forget = net.weight_hh_l0[20:40]
        assert torch.isclose(after.radius, torch.linalg.eigvals(forget).abs().max())
        return False
    assert "not enough values to unpack (expected 4, got 1)" in str(error)
    assert line == 3
    assert net.weight_hh_l0.shape == (80, 20)
    return True


@bug("35-c", "x.flip(1)", "turned(x)", also={3: ("bwd.flip(1)", "turned(bwd)")})
def padding_comes_first(run: Run) -> bool:
    """Whether the backward outputs at valid positions differ from those of each sequence alone."""

    def turned(rows):
        pairs = zip(rows, lengths, strict=True)
        return torch.stack([torch.cat([row[:n].flip(0), row[n:]]) for row, n in pairs])

    lengths = [8, 3, 5]
    x = torch.randn(3, 8, 4)
    for row, n in zip(x, lengths, strict=True):
        row[n:] = 0
    lstm_f, lstm_b = nn.LSTM(4, 6, batch_first=True), nn.LSTM(4, 6, batch_first=True)
    after = run(torch=torch, lstm_f=lstm_f, lstm_b=lstm_b, x=x, turned=turned)
    right = []
    for row, n, y in zip(x, lengths, after.y, strict=True):
        forward, backward = lstm_f(row[:n])[0], lstm_b(row[:n].flip(0))[0].flip(0)
        assert torch.allclose(y[:n, :6], forward, atol=1e-6), "the forward half is right"
        right.append(torch.allclose(y[:n, 6:], backward, atol=1e-6))
    assert right in ([True, True, True], [True, False, False]), "only short sequences suffer"
    return not all(right)


@bug("36-e", "out, state = layer(h, state)", "out, _ = layer(h)")
def the_end_leaks_into_the_beginning(run: Run) -> bool:
    layers = nn.ModuleList(nn.LSTM(128, 128, batch_first=True) for _ in range(3))
    x = torch.randn(2, 6, 128)
    other = x.clone()
    other[:, -1] += 1
    first, second = (run(layers=layers, head=nn.Linear(128, 3), x=given) for given in (x, other))
    assert not torch.allclose(first.h[:, -1], second.h[:, -1])
    return not torch.allclose(first.h[:, 0], second.h[:, 0])


@bug("40-f", "embed(tokens)", "embed(tokens) + positions[: tokens.shape[1]]")
def order_makes_no_difference(run: Run) -> bool:
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    names = {
        "embed": nn.Embedding(3, 8),
        "positions": torch.randn(10, 8),
        "encoder": nn.TransformerEncoder(layer, 2, enable_nested_tensor=False),
        "head": nn.Linear(8, 2),
    }
    dog, bites, man = range(3)
    one, two = (run(tokens=torch.tensor([s]), **names) for s in ([dog, bites, man], [man, bites, dog]))
    blind = torch.allclose(one.logits, two.logits, atol=1e-6)
    assert blind == torch.allclose(one.h, two.h.flip(1), atol=1e-6), "permuted likewise"
    return blind
