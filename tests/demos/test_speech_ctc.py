"""Dictating digits: error rates of the shipped weights, the blank plateau, decoding, own strings, verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from app.demos.speech_ctc import VOICES, SpeechCtcParams, _judged
from app.network.studies import speech, speech_ctc
from app.network.studies.speech import CLEAN_DB, corpus, heard_voices, own, sound, strings
from app.network.studies.speech_ctc import (
    SHIPPED_SEEDS,
    STACK,
    Dictation,
    own_string,
    pretrain,
    shipped,
    shipped_fleets,
)
from app.network.studies.speech_scores import (
    Score,
    collapse,
    ctc,
    edits,
    held_strings,
    plateau,
    score,
    trades,
)
from app.network.train import generator

pytestmark = [pytest.mark.torch]
DATA = Path(speech.__file__).parents[1] / "datasets"


def test_shipped_weights_meet_the_bar_on_unseen_voices() -> None:
    """The bar, ≤ 5 %, is met by every bidirectional seed; forward-only misses it, with look-ahead less so."""
    fleets = shipped_fleets()
    assert fleets["bi"].solved == SHIPPED_SEEDS
    assert max(fleets["bi"].rates) <= 0.05
    assert 0.05 < sum(fleets["ahead"].rates) / 3 < 0.15
    assert sum(fleets["forward"].rates) / 3 > sum(fleets["ahead"].rates) / 3
    assert trades(fleets["forward"], fleets["ahead"], fleets["bi"]) == SHIPPED_SEEDS
    # It writes a digit about a fifth of a second after it began; the bidirectional one when all has been said.
    assert (fleets["ahead"].latency or 9999) < 300
    assert (fleets["bi"].latency or 0) > 800


@pytest.mark.parametrize("seed", [0, 1])
def test_all_lanes_start_on_a_plateau_of_blanks_and_both_directions_leave_first(seed: int) -> None:
    """100 steps at the defaults instead of 200."""
    made = Dictation(hidden=40, ahead=4, lr=0.01, steps=100, voices=120, noise=True, seed=seed)
    for _ in made.run(10):
        pass
    assert all(lane.blank.falling for lane in made.lanes)
    forward, _, both = (lane.course[-1][1].rate for lane in made.lanes)
    assert both < 0.85 < forward


def test_pretrain_writes_weights_that_ship_in_the_same_shape(tmp_path: Path) -> None:
    """A brief retraining (300 of 3000 steps) is on its way to the metric and has the same weights by name."""
    path = tmp_path / "weights.safetensors"
    (rates,) = pretrain(path, steps=300, seeds=1)
    assert rates["bi"] < 0.6
    kept, again = (
        {k for k in speech_ctc.load_file(each) if k.startswith("0.")} for each in (speech_ctc.SHIPPED, path)
    )
    assert kept == again
    assert speech_ctc.SHIPPED.stat().st_size <= 500_000


def test_no_training_voice_is_tested_and_data_stay_small() -> None:
    data = corpus()
    seen, unseen, accent = (set(data.voices(group).tolist()) for group in speech.GROUPS)
    assert (len(seen), len(unseen), len(accent)) == (120, 12, 4)
    assert not seen & (unseen | accent)
    assert set(heard_voices()) <= unseen | accent
    assert len(heard_voices()) == len(VOICES)
    for name in ("speech.npz", "speech_sounds.npz"):
        assert (DATA / name).stat().st_size <= 300_000


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [([0, 9, 9, 0, 9, 0], [8, 8]), ([9, 9, 9], [8]), ([0, 0], []), ([1, 2, 0, 2], [0, 1, 1])],
)
def test_collapse_merges_then_drops_blanks(labels: list[int], wanted: list[int]) -> None:
    assert [digit for digit, _ in collapse(labels)] == wanted


def test_edits_are_levenshteins() -> None:
    assert edits([1, 2, 3], [1, 2, 3]) == 0
    assert edits([], [1, 2, 3]) == 3
    assert edits([2, 3, 4], [1, 2, 3]) == 2
    assert edits([1, 9, 3], [1, 2, 3]) == 1


def test_strings_are_as_long_as_they_should_be_and_end_in_silence() -> None:
    said = strings(64, 116, corpus().voices("seen"), generator(0, 1), db=(CLEAN_DB, CLEAN_DB))
    assert said.x.shape == (64, 116, 16)
    assert int(said.ends.max()) <= 116
    for row in range(64):
        first, end = int(said.starts[row, 0]), int(said.ends[row, -1])
        assert float(said.x[row, :first].mean()) < float(said.x[row, first:end].mean())


def test_latency_counts_from_the_start_of_a_digit() -> None:
    """A network that writes the right digit at a step of our choosing, and blanks elsewhere."""

    class Fixed(nn.Module):
        kind, ahead = "ahead", 2

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            logits = torch.zeros(1, x.shape[1] // STACK, 11)
            logits[..., 0] = 20.0
            logits[0, 3, 8] = 40.0
            return logits.log_softmax(-1)

    said = own([7], heard_voices()[0], CLEAN_DB, generator(0, 2))
    found = score(Fixed(), said)  # type: ignore[arg-type]
    assert found.rate == 0
    assert found.latency == ((3 + 1) * STACK + 2 - int(said.starts[0, 0])) * 20
    assert found.loss == pytest.approx(float(ctc(Fixed()(said.x), said)))
    assert score(Fixed(), own([6], heard_voices()[0], CLEAN_DB, generator(0, 2))).latency is None  # type: ignore[arg-type]


def test_a_plateau_needs_blanks_and_a_falling_loss() -> None:
    def at(blank: float, loss: float) -> Score:
        return Score(1.0, blank, None, loss)

    assert plateau([(10, at(1, 5)), (20, at(1, 4)), (30, at(0.9, 3))]) == (20, True)
    assert plateau([(10, at(1, 4)), (20, at(1, 5))]) == (20, False)
    assert plateau([(10, at(1, 4)), (20, at(0.9, 3))]) == (10, False)
    assert plateau([(10, at(0.5, 4)), (20, at(1, 3))]) == (0, False)


@pytest.mark.parametrize(("solved", "verdict"), [(3, "holds"), (1, "depends"), (0, "fails")])
def test_verdicts_follow_from_the_seeds(solved: int, verdict: str) -> None:
    assert _judged("both", "x", 0.1, solved, 3).verdict == verdict
    assert _judged("blank", "x", 0.1, 0, 3, "depends").verdict == "depends"


@pytest.mark.parametrize(
    "field", [{"digits": "12a"}, {"digits": ""}, {"digits": "123456"}, {"voice": "nobody"}]
)
def test_own_string_is_digits_in_a_known_voice(field: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SpeechCtcParams.model_validate(field)


def test_shipped_start_needs_the_shipped_size() -> None:
    with pytest.raises(ValidationError, match=r"start：.* \| start: .*hidden"):
        SpeechCtcParams(start="shipped", hidden=32)
    SpeechCtcParams(start="shipped")


def test_own_string_is_heard_and_written() -> None:
    """What is played lasts as long as what is read, and the shipped bidirectional one writes a double digit."""
    said = own_string("8830", heard_voices()[2], CLEAN_DB, 0)
    heard = sound([8, 8, 3, 0], heard_voices()[2], CLEAN_DB, generator(0, 75))
    assert len(heard) / 2 / speech.RATE == pytest.approx(said.x.shape[1] * 0.02, abs=0.2)
    labels = shipped(0)[2](said.x)[0].argmax(-1).tolist()
    assert [digit for digit, _ in collapse(labels)] == [8, 8, 3, 0]
    with pytest.raises(ValueError, match="voice"):
        sound([1], 0, CLEAN_DB, generator(0, 75))


def test_held_strings_are_the_same_for_everyone() -> None:
    held_strings.cache_clear()
    first = held_strings("unseen", 10.0)
    held_strings.cache_clear()
    assert torch.equal(first.x, held_strings("unseen", 10.0).x)
