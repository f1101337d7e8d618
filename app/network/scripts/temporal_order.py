"""Which came first? RNN, GRU and LSTMs from three starts of the forget gate, in plain PyTorch.

Run:  python temporal_order.py                       (the demo's defaults)
      python temporal_order.py T=100 steps=600 seeds=1

Two symbols, X or Y each, stand far apart among distractors; the class is their order (Hochreiter & Schmidhuber
1997, experiment 6a, scaled down). A lane has solved it at 99 % on 256 unseen sequences; ‘sequences’ is how many
the LSTM with forget bias 3 had read by then. Prints one JSON line a metric. Needs torch only.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

PARAMS = {"T": 40, "seeds": 3, "steps": 300, "lr": 0.01, "hidden": 16, "seed": 0}
LANES = ("rnn", "gru", "lstm", "lstm_fb1", "lstm_fb3")
KINDS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
SYMBOLS, CLASSES, BATCH = 6, 4, 32  # X, Y, a, b, c, d; XX, XY, YX, YY


def generator(*seed: int) -> torch.Generator:
    """One stream of random numbers for each purpose."""
    mixed = 0
    for part in seed:
        mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 25)
    return torch.Generator().manual_seed(mixed)


def draw(module: nn.Module, bound: float, source: torch.Generator) -> None:
    """All weights from U(±bound), in PyTorch's order."""
    with torch.no_grad():
        for weight in module.parameters():
            weight.uniform_(-bound, bound, generator=source)


def sequences(batch: int, steps: int, source: torch.Generator) -> tuple[Tensor, Tensor]:
    """x (B, T, 6) one-hot and the class (B,): the first symbol at 10–20 % of T, the second at 50–60 %."""
    symbols = torch.randint(2, 6, (batch, steps), generator=source)
    first = torch.randint(steps // 10, max(steps // 5, steps // 10 + 1), (batch,), generator=source)
    second = torch.randint(steps // 2, max(6 * steps // 10, steps // 2 + 1), (batch,), generator=source)
    a = torch.randint(0, 2, (batch,), generator=source)
    b = torch.randint(0, 2, (batch,), generator=source)
    rows = torch.arange(batch)
    symbols[rows, first], symbols[rows, second] = a, b
    return nn.functional.one_hot(symbols, SYMBOLS).float(), 2 * a + b


def build(lane: str, hidden: int, seed: int) -> tuple[nn.RNNBase, nn.Linear]:
    """The lane's layer and read-out; only the LSTMs are given a start of their own, the forget bias."""
    kind, _, bias = lane.partition("_fb")
    source = generator(seed, LANES.index(lane))
    layer = KINDS[kind](SYMBOLS, hidden, batch_first=True)
    draw(layer, hidden**-0.5, source)
    if bias:
        forget = slice(hidden, 2 * hidden)  # of i, f, g, o; PyTorch adds two biases
        with torch.no_grad():
            _, _, first, second = layer.all_weights[0]
            first[forget], second[forget] = float(bias), 0.0
    head = nn.Linear(hidden, CLASSES)
    draw(head, hidden**-0.5, source)
    return layer, head


def train(lane: str, p: dict[str, Any], seed: int) -> int | None:
    """The step at which the lane solved the task, None where it did not within the budget."""
    layer, head = build(lane, p["hidden"], seed)
    parameters = [*layer.parameters(), *head.parameters()]
    adam = torch.optim.Adam(parameters, lr=p["lr"], fused=True)
    source = generator(seed, 99)  # the same batches for every lane
    unseen, wanted = sequences(256, p["T"], generator(seed, 100))
    for step in range(1, p["steps"] + 1):
        x, y = sequences(BATCH, p["T"], source)
        loss = nn.functional.cross_entropy(head(layer(x)[0][:, -1]), y)
        adam.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()
        if step % 20 == 0 or step == p["steps"]:
            with torch.no_grad():
                right = head(layer(unseen)[0][:, -1]).argmax(1) == wanted
            if float(right.float().mean()) >= 0.99:
                return step
    return None


def main() -> None:
    p: dict[str, Any] = dict(PARAMS)
    for argument in sys.argv[1:]:
        name, text = argument.split("=", 1)
        p[name] = type(p[name])(text)
    torch.set_num_threads(1)
    found = {}
    for lane in LANES:
        ends = [train(lane, p, p["seed"] + place) for place in range(p["seeds"])]
        solved = [step for step in ends if step is not None]
        found[f"solved_{lane}"] = len(solved) / len(ends)
        if lane == "lstm_fb3" and solved:
            found["sequences"] = BATCH * sum(solved) / len(solved)
    for name, value in found.items():
        sys.stdout.write(json.dumps({"metric": name, "value": value}) + "\n")


if __name__ == "__main__":
    main()
