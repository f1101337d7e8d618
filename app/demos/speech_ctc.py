"""Speech to text in small: spoken digits, log-mel frames, LSTM, CTC; one direction, a little look-ahead, or both.

CTC adds a blank and sums over all alignments (Graves et al. 2006), and its training starts on a plateau of blanks. A
bidirectional encoder (Graves & Schmidhuber 2005) sees both sides and has to wait for the end; streaming runs one way,
perhaps with limited look-ahead (Graves 2012). The digits are espeak-ng's; the tests are voices it never trained on.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from app.demos.frames import gates_event, shown_steps
from app.demos.surgery import TrainedParams, Training, surgical
from app.protocol import (
    AnyEvent,
    Bilingual,
    Cell,
    Claim,
    Demo,
    Finished,
    Heatmap,
    Metric,
    Panel,
    Preset,
    Progress,
    Scalar,
    Seed,
    Series,
    Sound,
    Started,
    Table,
    Tensor,
    param,
)

if TYPE_CHECKING:
    from app.network.studies.speech import Strings
    from app.network.studies.speech_ctc import Dictation, Recogniser
    from app.network.studies.speech_scores import Fleet
    from app.network.surgery import Subject

FRAMES, EVERY, PICTURES, QUIET = 18, 10, 5, 50
LANES = {
    "forward": Bilingual("单向", "forward"),
    "ahead": Bilingual("单向 + 前瞻", "forward + look-ahead"),
    "bi": Bilingual("双向", "bidirectional"),
}
LONG = {f"{name}_long": Bilingual(f"{t.zh}，久训", f"{t.en}, long") for name, t in LANES.items()}
GROUPS = {
    "seen": Bilingual("训练过的嗓音", "training voices"),
    "unseen": Bilingual("没听过的嗓音", "unseen voices"),
    "accent": Bilingual("没听过的嗓音和口音", "unseen voices, unseen accent"),
}
VOICES = {name: Bilingual(name.title(), name.title()) for name in ("rob", "marcelo", "steph", "mike")}
VOICES |= {
    name: Bilingual(f"{name.title()}（苏格兰口音）", f"{name.title()} (Scottish)") for name in ("andy", "m3")
}
SHIPPED_SIZE = (40, 4)  # hidden units and look-ahead of the weights that ship


class SpeechCtcParams(TrainedParams):
    """What is trained, on how many voices, and the learner's own string."""

    digits: str = param(
        "305", "要听写的数字", "Digits to dictate", min_length=1, max_length=5, pattern=r"^[0-9]+$",
        help=Bilingual("1 到 5 位，可以试 88 这样的重复", "one to five of them; try a double such as 88"),
    )  # fmt: skip
    voice: Literal["rob", "marcelo", "steph", "mike", "andy", "m3"] = param(
        "marcelo", "嗓音", "Voice", choices=VOICES,
        help=Bilingual("这些嗓音都没有参加训练，苏格兰口音也没有", "none of these voices was trained on, nor was a Scottish accent"),
    )  # fmt: skip
    snr: int = param(50, "信噪比（分贝）", "Signal to noise, dB", ge=0, le=50)
    voices: int = param(120, "训练用的嗓音数", "Training voices", ge=2, le=120)
    noise: bool = param(True, "训练时加噪声", "Noise in training")
    start: Literal["scratch", "shipped"] = param(
        "scratch", "起点", "Start", choices={"scratch": Bilingual("从头训练", "from scratch"), "shipped": Bilingual("从久训的权重接着训", "the long-trained weights")},
    )  # fmt: skip
    ahead: int = param(
        4, "前瞻（帧）", "Look-ahead, frames", ge=1, le=8, help=Bilingual("每帧 20 毫秒", "20 ms each")
    )
    seeds: int = param(3, "种子个数", "Seeds", ge=1, le=3)
    steps: int = param(200, "训练步数", "Training steps", ge=20, le=600)
    hidden: int = param(40, "每个方向的隐藏单元数", "Hidden units a direction", ge=8, le=64)
    lr: float = param(0.01, "学习率", "Learning rate", ge=0.0005, le=0.05)

    @model_validator(mode="after")
    def _fits(self) -> SpeechCtcParams:
        if self.start == "shipped" and (self.hidden, self.ahead) != SHIPPED_SIZE:
            raise ValueError(
                "start：久训的权重要求隐藏单元（hidden）为 40、前瞻（ahead）为 4 | start: the long-trained weights need hidden 40 and ahead 4"
            )
        return self


def train(params: SpeechCtcParams) -> Training:
    """Seeds one after the other, all lanes on the same batches; then the long-trained weights beside them."""
    from app.network.studies.speech import heard_voices
    from app.network.studies.speech_ctc import Dictation, own_string, shipped

    yield Started(demo=demo.slug, params=params.model_dump())
    voice = heard_voices()[list(VOICES).index(params.voice)]
    mine = own_string(params.digits, voice, float(params.snr), params.seed)
    yield from _listen(params, voice, mine)
    for step in (0, params.steps):
        yield Scalar(panel="rate", series="nothing", x=float(step), y=1.0)
        yield Scalar(panel="blank", series="all", x=float(step), y=1.0)
    trained: list[Dictation] = []
    subject: Subject | None = None
    for place in range(params.seeds):
        seed = params.seed + place
        dictation = Dictation(
            hidden=params.hidden, ahead=params.ahead, lr=params.lr, steps=params.steps, voices=params.voices,
            noise=params.noise, seed=seed, shipped=params.start == "shipped",
        )  # fmt: skip
        for step in dictation.run(EVERY):
            if place == 0:
                yield from _watched(params, dictation, mine, step)
            if step % 4 == 0 or step == params.steps:
                yield Progress(done=place * params.steps + step, total=params.seeds * params.steps)
        for lane in dictation.lanes:
            yield Seed(
                panel="strip", lane=lane.name, seed=seed, solved=lane.solved_at is not None,
                step=lane.solved_at or params.steps, value=lane.course[-1][1].rate,
            )  # fmt: skip
        trained.append(dictation)
        subject = subject or dictation.subject(mine)
    yield from _own(trained[0], shipped(0), mine)
    yield from _verdicts(params, trained)
    yield Finished()
    assert subject is not None  # there is at least one seed
    return subject


def _listen(params: SpeechCtcParams, voice: int, mine: Strings) -> Iterator[AnyEvent]:
    """The learner's string to hear and to see."""
    from app.network.studies.speech import RATE, picture, sound
    from app.network.train import generator

    digits = [int(digit) for digit in params.digits]
    heard = sound(digits, voice, float(params.snr), generator(params.seed, 75))
    yield Sound(
        panel="sound", rate=RATE, data=base64.b64encode(heard).decode(),
        caption=Bilingual(f"{VOICES[params.voice].zh}：{params.digits}，{params.snr} 分贝", f"{VOICES[params.voice].en} says {params.digits}, {params.snr} dB"),
    )  # fmt: skip
    seen = picture(mine.x)
    yield Heatmap(
        panel="mel", values=Tensor.of(seen, -2.0, 2.0), rows=[f"{16 - k}" for k in range(16)],
        columns=[f"{0.02 * k:.2f}" for k in range(seen.shape[1])],
    )  # fmt: skip


def _watched(params: SpeechCtcParams, dictation: Dictation, mine: Strings, step: int) -> Iterator[AnyEvent]:
    """Curves, gates and label probabilities of the first seed."""
    from app.network.studies.speech_ctc import tokens

    for lane in dictation.lanes:
        if lane.course and lane.course[-1][0] == step:
            measured = lane.course[-1][1]
            yield Scalar(panel="rate", series=lane.name, x=float(step), y=measured.rate)
            yield Scalar(panel="blank", series=lane.name, x=float(step), y=measured.blank)
    if step in shown_steps(params.steps, FRAMES):
        chances, trace, ruler = dictation.frame("ahead", mine)
        yield gates_event("gates", trace, step, tokens(len(chances)), ruler=ruler)
    if step in shown_steps(params.steps, PICTURES):
        for name, frame in dictation.frames(mine):
            yield Heatmap(
                panel=f"chances_{name}", step=step, values=Tensor.of(frame.chances.T, 0.0, 1.0),
                rows=["–", *"0123456789"], columns=tokens(len(frame.chances)),
            )  # fmt: skip


def _own(dictation: Dictation, long: list[Recogniser], mine: Strings) -> Iterator[AnyEvent]:
    """What each recogniser of the first seed writes for the learner's string."""
    from app.network.studies.speech_scores import written

    models = [(LANES[lane.name], lane.model) for lane in dictation.lanes]
    models += [(LONG[f"{model.kind}_long"], model) for model in long]
    wanted = "".join(str(digit) for digit in mine.digits[0].tolist())
    yield Table(
        panel="own",
        columns=[Bilingual("识别器", "recogniser"), Bilingual("逐步的最佳标签", "best label of each step"), Bilingual("合并之后", "collapsed"), Bilingual("编辑次数", "edits")],
        rows=[[title, *written(model, mine)] for title, model in models],
        caption=Bilingual(f"应为 {wanted}。– 是空白符，一步 80 毫秒。", f"Wanted: {wanted}. – is the blank; a step is 80 ms."),
    )  # fmt: skip


def _verdicts(params: SpeechCtcParams, trained: list[Dictation]) -> Iterator[AnyEvent]:
    from app.network.studies.speech_ctc import SHIPPED_SEEDS, SHIPPED_STEPS, shipped_fleets
    from app.network.studies.speech_scores import SOLVED, judge, mean, trades

    models = {name: [each.lanes[k].model for each in trained] for k, name in enumerate(LANES)}
    fleets = judge(models) | {f"{name}_long": fleet for name, fleet in shipped_fleets().items()}
    yield _conditions(fleets)
    for name, fleet in fleets.items():
        rates = fleet.rates
        yield Metric(name=f"ler_{name}", value=mean(rates), solved=fleet.solved, seeds=len(rates))
        yield Metric(name=f"latency_{name}", value=fleet.latency, unit="ms")
        for seed, rate in enumerate(rates if name in LONG else ()):
            yield Seed(
                panel="strip", lane=name, seed=seed, solved=rate <= SOLVED, step=SHIPPED_STEPS, value=rate
            )
    best = fleets["bi_long"]
    yield _judged("text", "ler_bi_long", mean(best.rates), best.solved, SHIPPED_SEEDS)
    pairs = list(zip(fleets["forward"].rates, fleets["bi"].rates, strict=True))
    gain = mean([one - two for one, two in pairs])
    yield _judged("both", "ler_gain_bi", gain, sum(two < one for one, two in pairs), len(pairs))
    flats = [[lane.blank for lane in each.lanes] for each in trained]
    stuck = sum(all(flat.falling for flat in each) for each in flats)
    steps = mean([float(min(flat.until for flat in each)) for each in flats])
    none: Literal["depends", "fails"] = (
        "depends" if params.start == "shipped" else "fails"
    )  # no start, no plateau
    yield _judged("blank", "blank_steps", steps, stuck, len(flats), none)
    sooner = trades(fleets["forward_long"], fleets["ahead_long"], best)
    yield _judged("latency", "latency_ahead_long", fleets["ahead_long"].latency, sooner, SHIPPED_SEEDS)


def _judged(
    claim: str,
    name: str,
    value: float | None,
    solved: int,
    seeds: int,
    none: Literal["depends", "fails"] = "fails",
) -> Metric:
    """All seeds: it holds; some: it depends; `none` where no seed shows it."""
    verdict: Literal["holds", "depends", "fails"] = (
        "holds" if solved == seeds else "depends" if solved else none
    )
    return Metric(name=name, value=value, claim=claim, verdict=verdict, solved=solved, seeds=seeds)


def _conditions(fleets: dict[str, Fleet]) -> Table:
    from app.network.studies.speech_scores import CONDITIONS, mean

    rows: list[list[Cell]] = []
    for k, (group, db) in enumerate(CONDITIONS):
        place = GROUPS[group]
        if db < QUIET:
            place = Bilingual(f"{place.zh}，{db:.0f} 分贝", f"{place.en}, {db:.0f} dB")
        rows.append(
            [place, *(round(mean([s.rate for s in fleet.scores[k]]), 3) for fleet in fleets.values())]
        )
    delays = [fleet.latency for fleet in fleets.values()]
    rows.append(
        [Bilingual("延迟（毫秒）", "latency, ms"), *(None if d is None else round(d) for d in delays)]
    )
    return Table(
        panel="conditions",
        columns=[Bilingual("标签错误率", "label error rate"), *{**LANES, **LONG}.values()],
        rows=rows,
        caption=Bilingual(
            "几个种子的均值。延迟：从数字开口到能写出来，只算全对的串；双向的要等最后一个数字说完。",
            "Means over seeds. Latency: from a digit’s first sound until it can be written, over strings wholly right; the bidirectional one waits for the last digit to end.",
        ),
    )  # fmt: skip


# fmt: off
_LINES = tuple(Series(key, title) for key, title in LANES.items())

demo = Demo(
    slug="speech-ctc",
    title=Bilingual("听写数字：LSTM 加 CTC", "Dictating digits: LSTM and CTC"),
    summary=Bilingual("合成的数字串，log-mel 帧，三种 LSTM 编码器用同一批数据、同一个 CTC 损失训练：单向、单向加一点前瞻、双向。用没听过的嗓音来考；你可以听声音、看空白平台、量延迟。", "Synthetic digit strings, log-mel frames, and three LSTM encoders under one CTC loss on the same batches: forward, forward with a little look-ahead, bidirectional. Tested on voices never heard; listen, watch the plateau of blanks, read the latency."),
    params=SpeechCtcParams,
    run=surgical(train),
    panels=(
        Panel("sound", "sound", Bilingual("你选的数字串", "Your string")),
        Panel(
            "rate", "curves", Bilingual("没听过的嗓音上的标签错误率（第一个种子）", "Label error rate on unseen voices (first seed)"),
            note=Bilingual("编辑距离除以数字个数。什么都不写就是 1。", "Edit distance over the number of digits. Writing nothing scores 1."),
            x=Bilingual("训练步", "training step"),
            series=(*_LINES, Series("nothing", Bilingual("什么都不写", "write nothing"), baseline=True)),
        ),
        Panel(
            "blank", "curves", Bilingual("空白符占的步数", "Share of steps that are blank"),
            note=Bilingual("开头全是空白，而损失一直在降；之后才冒出标签。训练好了仍有八成多是空白：CTC 只在一两步上写字。", "All blanks at first while the loss keeps falling; then labels appear. Even when trained, over eighty per cent stay blank: CTC writes in a step or two."),
            x=Bilingual("训练步", "training step"),
            series=(*_LINES, Series("all", Bilingual("全是空白", "all blank"), baseline=True)),
        ),
        Panel(
            "gates", "gates", Bilingual("单向 + 前瞻的 LSTM 在听你的串", "The forward + look-ahead LSTM on your string"),
            note=Bilingual("横轴是秒，一步 80 毫秒。看停顿处的遗忘门：写完一个数字，内容就该清掉。", "The axis is in seconds, 80 ms a step. Look at the forget gate in the pauses: once a digit is written, its trace should go."),
        ),
        Panel("mel", "heatmap", Bilingual("听到的：16 个 mel 频带", "What is heard: 16 mel bands"), x=Bilingual("秒", "seconds")),
        Panel(
            "chances_ahead", "heatmap", Bilingual("每步的标签概率：单向 + 前瞻", "Label probabilities a step: forward + look-ahead"),
            note=Bilingual("第一行是空白符。尖峰落在数字念到一半的时候。", "The first row is the blank. The spikes fall while a digit is still being said."), x=Bilingual("秒", "seconds"),
        ),
        Panel("chances_bi", "heatmap", Bilingual("每步的标签概率：双向", "Label probabilities a step: bidirectional"), x=Bilingual("秒", "seconds")),
        Panel("own", "table", Bilingual("你的串被写成什么", "What your string is written as")),
        Panel("conditions", "table", Bilingual("嗓音、口音、噪声、延迟", "Voices, accent, noise, latency")),
        Panel(
            "strip", "seeds", Bilingual("每个种子：错误率到没到 5 %", "Every seed: did the error rate reach 5 %"),
            note=Bilingual("“久训”是随附的权重：3000 步，训练时还随机遮住几个频带。现场的几条步数少，没到只说明步数不够。", "‘Long’ are the weights that ship: 3000 steps, some bands hidden at random. The live ones get few steps; not there means not within them."),
            series=tuple(Series(key, title) for key, title in {**LANES, **LONG}.items()),
        ),
    ),
    claims=(
        Claim(
            "text",
            Bilingual("LSTM 可以把语音转成文字（加上 CTC 之后，久训的双向网络，没听过的嗓音错误率 ≤ 5 %）", "An LSTM can turn speech into text (with CTC: the long-trained bidirectional one errs on ≤ 5 % of labels, unseen voices)"),
            Bilingual("TIMIT 音素错误率 17.7 %，深层双向 LSTM", "17.7 % phoneme error on TIMIT, deep bidirectional LSTM"),
            "S30", measured=Bilingual("久训的双向网络的标签错误率", "label error rate, long-trained bidirectional"), tally=Bilingual("{seeds} 个随附网络中 {solved} 个成立", "holds for {solved} of {seeds} shipped networks"),
        ),
        Claim(
            "both",
            Bilingual("步数相同，双向比单向错得少", "Given equal steps, both directions err less than one"),
            Bilingual("逐帧音素分类中双向网络优于单向", "Bidirectional beat unidirectional networks at framewise phonemes"),
            "S34", measured=Bilingual("双向比单向少错的标签比例", "label error rate, forward minus bidirectional"),
        ),
        Claim(
            "blank",
            Bilingual("CTC 训练先走过一段全是空白的平台，其间损失在降", "CTC training first crosses a plateau of blanks while the loss falls"),
            Bilingual("空白符是 CTC 加进来的标签，大多数路径都经过它", "The blank is the label that CTC adds; most paths go through it"),
            "S31", measured=Bilingual("空白平台持续的训练步数", "training steps that the blank plateau lasts"),
        ),
        Claim(
            "latency",
            Bilingual("一点前瞻：比不前瞻错得少，又比双向早得多", "A little look-ahead errs less than none and is far sooner than both directions"),
            Bilingual("转导模型从左到右边听边写", "Transducers run left to right and write as they listen"),
            "S32", measured=Bilingual("久训的前瞻网络的延迟（毫秒）", "latency of the long-trained look-ahead, ms"), tally=Bilingual("{seeds} 个随附网络中 {solved} 个成立", "holds for {solved} of {seeds} shipped networks"),
        ),
    ),
    questions=(19, 25),
    proves=Bilingual("LSTM 只给每步打分，对齐由 CTC 完成，不需要逐帧标注。双向错得少，但要等说完；严格单向的网络常在数字刚开口时就抢着写，困在那里，几十毫秒的前瞻能救出不少。训练用的嗓音少了，没听过的嗓音就听不懂。", "The LSTM only scores each step; CTC does the alignment, with no label for any frame. Both directions err less and must wait for the end. A strictly forward one often writes as soon as a digit begins and stays stuck there; tens of milliseconds of look-ahead go some way to free it. With few training voices, unseen ones are not understood."),
    not_proves=Bilingual("声音是 espeak-ng 合成的，数字一个个单独念好再拼起来，没有连读；十个词，没有语言模型，也没有束搜索。真人录音难得多，这里的错误率不能和 TIMIT 的数字比大小。没听过的嗓音也只有 12 个，同一份读音会反复出现。", "The sound is espeak-ng’s, digits spoken one at a time and joined, with no co-articulation; ten words, no language model, no beam. Real recordings are far harder, and these rates cannot be set against TIMIT’s. The unseen voices are 12, and each of their digits recurs."),
    presets=(
        Preset("default", Bilingual("从头训练", "From scratch"), {}),
        Preset("accent", Bilingual("没听过的口音，有重复", "Unseen accent, with a double"), {"voice": "andy", "digits": "8830"}),
        Preset("tune", Bilingual("从久训的权重接着训，噪声里听", "Go on from the long training, in noise"), {"start": "shipped", "lr": 0.002, "snr": 10}),
        Preset("ahead", Bilingual("前瞻 160 毫秒", "160 ms of look-ahead"), {"ahead": 8}),
        Preset("break", Bilingual("弄坏它：只用 3 个嗓音训练", "Break it: three training voices"), {"voices": 3}),
    ),
    quick={"steps": 20, "seeds": 1},
    seconds=200.0,
)
