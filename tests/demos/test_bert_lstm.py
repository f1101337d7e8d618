"""Heads on frozen BERT features: gain and its absence over the shipped seeds, controls, the encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import save_file
from torch import nn

from app.demos.bert_lstm import BertLstmParams, _judged, demo
from app.network.studies import bert_lstm, minilm
from app.network.studies.bert_lstm import LANES, SIZE, TASKS, Head, Heads, compare, corpus, shuffled, turned
from app.network.train import generator
from app.protocol import Table, Text
from tests.demos.playing import played

pytestmark = [pytest.mark.torch]
DATA = Path(bert_lstm.__file__).parents[1] / "datasets" / "bert.npz"


def accuracies(task: str, seeds: int = 3) -> dict[str, list[float]]:
    """At the demo's defaults, three of its five seeds."""
    defaults = BertLstmParams()
    found: dict[str, list[float]] = {lane: [] for lane in LANES}
    for seed in range(seeds):
        made = Heads(
            task=task, hidden=defaults.hidden, lr=defaults.lr, steps=defaults.steps, examples=288, seed=seed
        )
        for _ in made.run(defaults.steps):
            pass
        for lane in made.lanes:
            found[lane.name].append(lane.accuracy)
    return found


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_where_the_vectors_have_composed_the_answer_the_gain_is_a_few_points() -> None:
    """Treated kindly: the linear head on the mean is above 0.8, a BiLSTM adds at most 15 points; context counts."""
    found = accuracies("kind")
    assert -0.02 < mean(found["bilstm"]) - mean(found["mean"]) < 0.15
    assert mean(found["mean"]) > 0.8
    assert mean(found["lstm"]) > mean(found["lstm_words"]) + 0.1
    assert mean(found["mean_words"]) < 0.6  # verb and negation do not add up
    assert mean(found["shuffled"]) > mean(found["lstm"]) - 0.15


def test_where_the_encoder_blurred_the_order_an_lstm_does_not_bring_it_back() -> None:
    """Who acts: no head on contextual vectors gets far; the LSTM on context-free words is all but perfect."""
    found = accuracies("acts", seeds=2)
    assert mean(found["bilstm"]) < max(mean(found["mean"]), mean(found["first"])) + 0.12
    assert min(found["lstm_words"]) > 0.95 > max(found["bilstm"]) + 0.1
    assert mean(found["mean_words"]) < 0.6


def test_sentences_are_balanced_small_and_cut_by_verb() -> None:
    data = corpus()
    assert data.contextual.shape[::2] == (384, SIZE)
    assert DATA.stat().st_size <= 300_000
    assert 0.9 < data.kept < 1
    for k in range(len(TASKS)):
        assert float(data.labels[:, k].float().mean()) == 0.5
    assert all(pieces[0] == "[CLS]" and pieces[-1] == "[SEP]" for pieces in data.pieces)
    for text, labels in zip(data.pieces, data.labels.tolist(), strict=True):
        kind, verb = labels[TASKS.index("kind")], labels[TASKS.index("verb")]
        assert kind == (verb != ("not" in text))
    made = Heads(task="kind", hidden=4, lr=0.01, steps=20, examples=288, seed=3)
    assert len(made.test) == 96
    assert not set(data.verbs[made.test].tolist()) & set(data.verbs[made.train].tolist())


def test_padding_does_not_reach_any_head() -> None:
    """A sentence alone and the same one padded in a batch get the same logits."""
    data = corpus()
    size = int(data.lengths[0])
    for lane in LANES:
        head = Head(lane, 6, generator(0, 1))
        with torch.no_grad():
            alone = head(data.contextual[:1, :size], data.lengths[:1])
            assert torch.allclose(head(data.contextual[:9], data.lengths[:9])[:1], alone, atol=1e-5), lane


def test_turning_and_shuffling_keep_to_a_sentences_own_length() -> None:
    x = torch.arange(1.0, 11.0).view(2, 5, 1)
    ends = torch.tensor([3, 5])
    assert turned(x, ends)[..., 0].tolist() == [[3, 2, 1, 4, 5], [10, 9, 8, 7, 6]]
    mixed = shuffled(x, ends, generator(0, 1))[..., 0]
    assert mixed[0, 3:].tolist() == [4, 5]
    assert sorted(mixed[0, :3].tolist()) == [1, 2, 3]
    assert sorted(mixed[1].tolist()) == [6, 7, 8, 9, 10]


def test_comparisons_count_seeds_beyond_the_margin() -> None:
    found = compare([0.9, 0.9, 0.9], [0.8, 0.89, 0.95])
    assert found.gain == pytest.approx(0.02)
    assert (found.better, found.level) == (1, 2)


@pytest.mark.parametrize(("shown", "verdict"), [(5, "holds"), (2, "depends"), (0, "fails")])
def test_verdicts_follow_from_the_seeds(shown: int, verdict: str) -> None:
    assert _judged("gain", "x", 0.1, shown, 5).verdict == verdict


def test_work_counts_matrices() -> None:
    head = Head("bilstm", 5, generator(0, 1))
    assert head.work(8) == 8 * 2 * (4 * 5 * SIZE + 4 * 5 * 5) + 2 * 10
    assert Head("mean", 5, generator(0, 1)).work(8) == 2 * SIZE


@pytest.mark.parametrize(
    "field", [{"sentence": "a\nb"}, {"sentence": "x" * 61}, {"sentence": "  "}, {"shown": 96}]
)
def test_own_sentence_is_one_visible_line(field: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BertLstmParams.model_validate(field)


@pytest.mark.skipif(minilm.folder() is not None, reason="the encoder is installed here")
def test_without_the_encoder_a_shipped_sentence_is_shown_and_said_so() -> None:
    events = list(demo.run(BertLstmParams(sentence="The cat saved me", **demo.quick)))
    (text,) = [each for each in events if isinstance(each, Text)]
    assert text.caption is not None
    assert "not installed" in text.caption.en
    (said,) = [each for each in events if isinstance(each, Table) and each.panel == "said"]
    assert len(said.rows) == 5


@pytest.mark.skipif(minilm.folder() is None, reason="needs the optional encoder: requirements/encoder.lock")
def test_with_the_encoder_a_sentence_of_ones_own_is_read() -> None:
    data = bert_lstm.corpus()
    for n in (
        0,
        100,
        383,
    ):  # encoded live, shipped sentences are what the kept features say, to their precision
        pieces = data.pieces[n]
        found = bert_lstm.encode(" ".join(pieces[1:-1]).replace(" ##", ""))
        assert found is not None
        assert found[0] == pieces
        assert (found[1][0] - data.contextual[n, : len(pieces)]).abs().max() < 0.05
    (text,) = [each for each in played(demo.slug, sentence="The cat saved me") if isinstance(each, Text)]
    assert text.tokens == ["[CLS]", "the", "cat", "saved", "me", "[SEP]"]


def test_the_written_out_encoder_is_a_transformer(tmp_path: Path) -> None:
    """Random weights under BERT's names give what PyTorch's own encoder layers give."""
    torch.manual_seed(0)
    size = minilm.SIZE
    layers = [
        nn.TransformerEncoderLayer(size, 12, 1536, 0.0, "gelu", layer_norm_eps=1e-12, batch_first=True).eval()
        for _ in range(minilm.LAYERS)
    ]
    vocabulary = ["[CLS]", "[SEP]", "[UNK]", "the", "cat", "un", "##kind", "."]
    weights = {
        "embeddings.word_embeddings.weight": torch.randn(len(vocabulary), size),
        "embeddings.position_embeddings.weight": torch.randn(16, size),
        "embeddings.token_type_embeddings.weight": torch.randn(2, size),
        "embeddings.LayerNorm.weight": torch.rand(size), "embeddings.LayerNorm.bias": torch.rand(size),
    }  # fmt: skip
    for k, layer in enumerate(layers):
        name = f"encoder.layer.{k}."
        for part, weight, bias in zip(
            ("query", "key", "value"), layer.self_attn.in_proj_weight.chunk(3), layer.self_attn.in_proj_bias.chunk(3),
            strict=True,
        ):  # fmt: skip
            weights[f"{name}attention.self.{part}.weight"], weights[f"{name}attention.self.{part}.bias"] = (
                weight,
                bias,
            )
        for ours, theirs in {
            "attention.output.dense": layer.self_attn.out_proj, "attention.output.LayerNorm": layer.norm1,
            "intermediate.dense": layer.linear1, "output.dense": layer.linear2, "output.LayerNorm": layer.norm2,
        }.items():  # fmt: skip
            weights[f"{name}{ours}.weight"], weights[f"{name}{ours}.bias"] = theirs.weight, theirs.bias
    save_file(
        {k: v.detach().clone().contiguous() for k, v in weights.items()}, tmp_path / "model.safetensors"
    )
    (tmp_path / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    encoder = minilm.Encoder(tmp_path)
    assert encoder.pieces("The CÁT, unkind.") == [
        "[CLS]",
        "the",
        "cat",
        "[UNK]",
        "un",
        "##kind",
        ".",
        "[SEP]",
    ]
    found = encoder("the cat unkind.")
    rows = torch.tensor([vocabulary.index(piece) for piece in found.pieces])
    flow = (
        weights["embeddings.word_embeddings.weight"][rows]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    flow = flow + weights["embeddings.position_embeddings.weight"][: len(rows)]
    flow = nn.functional.layer_norm(
        flow, (size,), weights["embeddings.LayerNorm.weight"], weights["embeddings.LayerNorm.bias"], 1e-12
    )[None]
    with torch.no_grad():
        for layer in layers:
            flow = layer(flow)
    assert torch.allclose(found.contextual, flow[0], atol=1e-4)
