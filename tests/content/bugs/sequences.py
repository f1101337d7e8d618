"""Speech, actions, whole sequences: questions 19, 25, 27, 29 and 37."""

from __future__ import annotations

import math
from itertools import groupby

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.content.bugs import Run, bug
from tests.content.bugs.descent import Descent


@bug("19-f", "scores.softmax(dim=-1)", "scores.log_softmax(dim=-1)")
def the_loss_is_below_zero(run: Run) -> bool:
    lengths = {"input_len": torch.full((4,), 20), "target_len": torch.full((4,), 5)}
    nets = {"lstm": nn.LSTM(6, 8, batch_first=True), "head": nn.Linear(8, 10), "ctc_loss": nn.CTCLoss()}
    after = run(x=torch.randn(4, 20, 6), target=torch.randint(1, 10, (4, 5)), **lengths, **nets)
    probable = after.probs.exp().sum(-1)
    assert (after.loss > 0) == torch.allclose(probable, torch.ones_like(probable))
    return after.loss.item() < 0


@bug(
    "25-f",
    "[k for k in path if k != BLANK]",
    "[k for k, _ in groupby(path)]",
    also={3: ("[k for k, _ in groupby(path)]", "[k for k in path if k != BLANK]")},
)
def doubled_letters_are_merged(run: Run) -> bool:
    letters = "_helo"
    logits = np.eye(5)[[letters.index(letter) for letter in "hh_eel_llo_"]]
    text = "".join(letters[k] for k in run(logits=logits, BLANK=0, groupby=groupby).path)
    assert text in ("helo", "hello")
    return text == "helo"


@bug("27-d", "seq[:, :-1].flatten()", "seq[:, 1:].flatten()")
def copying_is_enough(run: Run) -> bool:
    """Sequences are random and fresh at every step: their next item is one of eight, whatever was learned."""
    nets = {"emb": nn.Embedding(8, 8), "lstm": nn.LSTM(8, 16, batch_first=True), "out": nn.Linear(16, 8)}
    opt = Descent([param for net in nets.values() for param in net.parameters()], lr=0.6, momentum=0.9)
    for _ in range(80):
        loss = run(F=F, seq=torch.randint(8, (8, 10)), **nets).loss
        opt.zero_grad()
        loss.backward()
        opt.step()
    seq = torch.randint(8, (400, 10))
    after = run(F=F, seq=seq, **nets)
    hits = (after.logits.argmax(-1) == seq[:, 1:]).float().mean().item()
    assert hits == pytest.approx(1 / 8, abs=0.03), "no better than guessing"
    assert after.loss < 0.05 or after.loss > 0.95 * math.log(8)
    return after.loss.item() < 0.05


@bug("29-a", "y[:, -1, H:]", "y[:, 0, H:]")
def backwards_it_has_seen_the_last_word_only(run: Run) -> bool:
    lstm = nn.LSTM(3, 4, batch_first=True, bidirectional=True)
    x = torch.randn(2, 6, 3)
    other = torch.cat([torch.randn(2, 5, 3), x[:, -1:]], dim=1)
    one, two = (run(torch=torch, lstm=lstm, H=4, x=given) for given in (x, other))
    assert torch.allclose(one.fwd, one.h_n[-2]), "the forward half is right"
    blind = torch.allclose(one.bwd, two.bwd)
    assert blind != torch.allclose(one.bwd, one.h_n[-1])
    return blind


@bug("37-c", "(loss * mask).mean()", "(loss * mask).sum() / mask.sum()")
def the_loss_shrinks_as_padding_grows(run: Run) -> bool:
    """The same sequences, padded to 5 and to 20."""
    head = nn.Linear(3, 4)
    lengths = torch.tensor([5, 2])
    x, y = torch.zeros(2, 20, 3), torch.zeros(2, 20).long()
    for row, n in enumerate(lengths):
        x[row, :n], y[row, :n] = torch.randn(n, 3), torch.randint(4, (n,))
    losses, steepness = [], []
    for T in (5, 20):
        names = {"x": x[:, :T], "y": y[:, :T], "T": T, "lengths": lengths}
        after = run(torch=torch, F=F, model=lambda x: (head(x), None), **names)
        losses.append(after.loss.item())
        steepness.append(torch.autograd.grad(after.loss, head.weight)[0].norm().item())
    ratio = losses[1] / losses[0]
    assert ratio == pytest.approx(1) or ratio == pytest.approx(1 / 4)
    assert steepness[1] / steepness[0] == pytest.approx(ratio), "and the gradient with it"
    return ratio < 0.5
