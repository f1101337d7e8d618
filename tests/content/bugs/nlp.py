"""Language: questions 5, 16, 28, 30, 38 and 39."""

from __future__ import annotations

import random
from types import SimpleNamespace

import torch
from torch import nn
from torch.nn import functional as F

from tests.content.bugs import Run, bug
from tests.content.bugs.descent import Descent


def built_once() -> SimpleNamespace:
    """`nn` whose layers are built at the first run of the code and found again at the next."""
    built: dict[str, nn.Module] = {}

    def once(name, *args, **kwargs):
        if name not in built:
            built[name] = getattr(nn, name)(*args, **kwargs)
        return built[name]

    return SimpleNamespace(
        LSTM=lambda *args, **kwargs: once("LSTM", *args, **kwargs),
        Linear=lambda *args, **kwargs: once("Linear", *args, **kwargs),
    )


@bug("05-f", "nn.LSTM(E, H, batch_first=True, bidirectional=True)", "nn.LSTM(E, 2 * H, batch_first=True)")
def reads_the_answer(run: Run) -> bool:
    """Tokens are random, fresh at every step: no honest model has a perplexity below their number."""
    names = {"nn": built_once(), "F": F, "E": 8, "H": 12, "V": 8, "embed": nn.Embedding(8, 8)}
    first = run(tokens=torch.zeros(1, 4).long(), **names)
    params = [*names["embed"].parameters(), *first.lstm.parameters(), *first.head.parameters()]
    opt = Descent(params, lr=0.6, momentum=0.9)
    for _ in range(80):
        loss = run(tokens=torch.randint(8, (8, 10)), **names).loss
        opt.zero_grad()
        loss.backward()
        opt.step()
    tokens = torch.randint(8, (16, 10))
    other = tokens.clone()
    other[:, 4] = (other[:, 4] + 1) % 8
    with torch.no_grad():
        seen, changed = run(tokens=tokens, **names), run(tokens=other, **names)
    leaks = not torch.allclose(seen.h[:, 3], changed.h[:, 3])
    perplexity = seen.loss.exp().item()
    assert perplexity < 3 if leaks else perplexity > 7.5
    return leaks


@bug("16-d", "decoder(embed(inp))", "decoder(embed(inp), state)")
def unaware_of_the_article(run: Run) -> bool:
    embed, head = nn.Embedding(10, 6), nn.Linear(8, 10)
    nets = {name: nn.LSTM(6, 8, batch_first=True) for name in ("encoder", "decoder")}
    names = {"F": F, "PAD": 0, "tgt": torch.randint(1, 10, (3, 5)), "embed": embed, "head": head, **nets}
    one, two = (run(src=torch.randint(1, 10, (3, 7)), **names) for _ in range(2))
    assert one.logits.shape == (3, 4, 10)
    one.loss.backward()
    unaware = torch.equal(one.logits, two.logits)
    assert unaware == (nets["encoder"].weight_ih_l0.grad is None)
    return unaware


@bug("28-g", "model(tok, None)", "model(tok, state)")
def knows_only_the_word_before(run: Run) -> bool:
    """Whether equal words are always followed by equal scores."""

    def model(tok, state):
        y, state = lstm(embed(tok), state)
        scores = head(y)
        seen.setdefault(tok.item(), []).append(scores)
        return scores, state

    embed, lstm, head = nn.Embedding(4, 6), nn.LSTM(6, 8, batch_first=True), nn.Linear(8, 4)
    seen: dict[int, list[torch.Tensor]] = {}
    with torch.no_grad():
        run(torch=torch, model=model, BOS=0, T=1.0)
    assert sum(map(len, seen.values())) == 50
    same = [all(torch.equal(one, scores[0]) for one in scores) for scores in seen.values() if len(scores) > 1]
    assert all(same) or not any(same)
    return all(same)


@bug("30-d", "    y, _", "y, _")
def the_bilstm_never_changes(run: Run) -> bool:
    encoder, bilstm = nn.Embedding(10, 6), nn.LSTM(6, 4, batch_first=True, bidirectional=True)
    classifier = nn.Linear(8, 2)
    data = {"ids": torch.randint(10, (5, 7)), "labels": torch.randint(2, (5,))}
    run(torch=torch, F=F, encoder=encoder, bilstm=bilstm, classifier=classifier, **data)
    assert encoder.weight.grad is None, "frozen, as intended"
    assert classifier.weight.grad.abs().sum() > 0, "the classifier learns either way"
    return bilstm.weight_ih_l0.grad is None


@bug("38-b", "step / total_steps", "1 - step / total_steps")
def begins_with_its_own_output(run: Run) -> bool:
    """Whether the share of the truth among what the decoder is fed rises instead of falling."""

    def model(inp, state):
        fed.append(inp)
        return own, state

    own = F.one_hot(torch.tensor([4, 4]), 5).float()  # says 4, which is never the truth
    y = torch.randint(4, (2, 201))
    shares = []
    for step in (0, 50, 100):
        fed: list[torch.Tensor] = []
        names = {"y": y, "T": 201, "step": step, "total_steps": 100}
        run(F=F, random=random, model=model, state=None, loss=0, **names)
        assert torch.equal(fed[0], y[:, 0])
        assert len(fed) == 200
        truth = [torch.equal(inp, y[:, t]) for t, inp in enumerate(fed)][1:]
        shares.append(sum(truth) / len(truth))
    first, middle, last = shares
    assert 0.4 < middle < 0.6
    assert (first, last) in ((0, 1), (1, 0))
    return first == 0


@bug(
    "39-b",
    "a = a.masked_fill(pad[:, None], 0.0)",
    "pass",
    also={2: ("a = s", "s = s.masked_fill(pad[:, None], -torch.inf)\na = s")},
)
def weight_is_lost_to_the_padding(run: Run) -> bool:
    """The same sequence without padding, with two places of it, with six."""
    q, k = torch.randn(1, 1, 4), torch.randn(1, 3, 4)
    right = (q @ k.transpose(1, 2)).softmax(-1) @ k
    shares = []
    for padding in (0, 2, 6):
        pad = torch.arange(3 + padding)[None] >= 3
        after = run(torch=torch, q=q, k=F.pad(k, (0, 0, 0, padding)), pad=pad)
        share = after.a.sum().item()
        assert torch.allclose(after.c, share * right, atol=1e-6), "too small by what was lost"
        shares.append(round(share, 4))
    assert shares == [1, 1, 1] or shares[0] == 1 > shares[1] > shares[2]
    return shares[2] < 1
