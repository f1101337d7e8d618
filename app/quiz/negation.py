"""Whether an answer denies what was found in it: small rules about negators, their reach and their clauses.

A negator reaches forward inside its clause. One that governs a verb phrase (不需要, doesn't) reaches to
the clause's end, one that governs the next word or phrase (不, without) a few words; a Latin word or a
number counts as one. Two negators cancel only within one clause. A predicate such as “is wrong” denies
what it follows.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

# What holds a negator and denies nothing; struck out before negators are looked for.
_HARMLESS = re.compile(
    # not only; unlike, unbroken and other words that merely begin with 不
    r"不仅|不但|不只|不光|不单(?=是|单)|不断|不同|不过(?!拟合)|不少|不论|不管(?=[^，。]{0,8}(?:多|怎|如何|是不是|是否|什么|哪))|不妨"
    r"|不等|差不多|没错|不难|不可避免|不一样|不平衡|不均衡|不对称|不够的话|不行的话|不然|要不(?![要得])|除非|不得不"
    # questions: A-not-A (但是不是… is 但是 and 不是)
    r"|(?<![但可只还就于])(?P<a>[一-鿿])[不没](?P=a)|可不可以|可不可能"
    # not before: 没裁之前 is the time before clipping
    r"|[没未](?=[^，。；！？]{1,8}?(?:之前|以前|前(?![面一后向文提几])))"
    # what must not be forgotten is said; nothing goes without it
    r"|(?:别|不要|不能|不可|不应|不该)(?=忘|忽略|忽视|漏|缺|少)|非(?=[^，。；]{1,10}不可)|(?<=[^，。；])不可(?=[，。；]|$)"
    r"|不(?=[^，。；就]{1,6}不(?:行|可))|不行(?=[，。；]|$)"
    r"|\bnot (?:only|just|merely|simply|to mention)\b|\bno (?:longer than|more than|matter|doubt|wonder)\b"
    r"|\bwithout (?:doubt|question)\b|\bnothing (?:but|other than|except)\b|\b(?:if|or|why|whether) not\b"
    r"|\b(?:don't|never|not|mustn't|shouldn't|can't) (?=(?:forget|ignore|skip|omit|neglect|miss|overlook)\b)"
)
# Where the reach of a negator ends. An English comma ends it, unless a list goes on: “, or”, “, nor”,
# or short parts and an “and”/“or” before the last.
_BOUNDARY = re.compile(
    r"[。！？!?；;\n：:]|[.](?=\s|$)|，|(?<=[一-鿿]),"
    r"|,(?!\s*or\b(?! (?:it|they|you|we|i)\b))(?!(?:\s*(?:[\w'-]+ ){0,2}[\w'-]+,){1,5}\s*(?:or|nor|and)\b)(?!\s*(?:[\w'-]+ ){1,3}or\b)"
    r"|\b(?:but|yet|so|while|whereas|which|until|although|though|unless)\b|(?<!\bnot )\b(?:because|since)\b|\band (?:it|they|you|we|i|there|the|then)\b"
    # a second negator after a conjunction denies its own part: "no softmax and no weighted sum"
    r"|\b(?:and|or) (?=(?:\w+ )?(?:no|not|never|without|nothing|nobody|\w+n't|cannot)\b)|(?=\bnor\b)|\bbefore (?=(?:it|they|you|we|i)\b)"
    r"|(?:而且|并且|但是|但(?!书)|却|所以|因此|反而|而(?=是|不|非|要|且))|(?<!不是)因为|(?<=[^不])(?:就|才)(?=[^是])"
    r"|[也又更还](?=[不没无别])"
)
# Negators of a verb phrase: a modal or a coverb follows (不需要…, 没有把…, 不对…), or it is an auxiliary.
_ZH_VERBAL = (
    r"(?:不|没有?|未|(?<![区识类特分级性差辨判个])别|勿)(?:曾|再|太|一定|必|需|用|要|会|能|可能|可以|应|该|是|把|对|将|让|给|按|在|跟|从|想|打算|准备|允许|得)"
    r"|没有?必要|没法|无法|无需|无须|难以|谈不上|误以为|误认为|错以为|并非|绝非|(?<=从)[不未]|(?<=从来)[不没]|毫不|决不|绝不|避免不了"
)
_ZH_NEAR = r"不|没有?|无(?!论|界|穷|限|关紧要|非|所谓)|未(?!来|知)|非(?=[^常线])|(?<![区识类特分级性差辨判个])别(?![的人])|勿"
_EN_VERBAL = (
    r"\b(?:not|never|cannot|(?:do|does|did|is|are|was|were|wo|would|ca|could|should|has|have|had|need|must|ai)n't"
    r"|nobody|no one|none|neither|hardly|scarcely|no (?:such|need|reason|point|way|longer)|fail(?:s|ed)? to|unable to"
    r"|(?:myth|wrong|false|untrue|incorrect|mistaken|nonsense) (?:that|to say|to think|to believe))\b"
)
_EN_NEAR = r"\b(?:no|nor|without|nothing|instead of|rather than|contrary to)\b"
_NEGATOR = re.compile(f"(?P<verbal>{_ZH_VERBAL}|{_EN_VERBAL})|(?P<zh>{_ZH_NEAR})|(?P<en>{_EN_NEAR})")
_REACH = {"verbal": 24, "zh": 8, "en": 3}  # Chinese characters, or Latin words and numbers
_UNIT = re.compile(r"[a-z0-9'@.]*[a-z0-9']|[一-鿿]")
# “没见过的数据”: the negator stays inside the attribute.
_ATTRIBUTE = re.compile(r"[^，。；]{1,3}过的")
_EN_DENIAL = (
    r"(?:(?:is|are|was|were|'s|would be|seems?)(?: (?:just|simply|completely|totally|all|quite|plain|really))? "
    r"(?:wrong|false|incorrect|untrue|useless|pointless|unnecessary|irrelevant|nonsense|superfluous|impossible|overkill|"
    r"(?:a|an|just a) (?:\w+ )?(?:myth|misconception|mistake|waste)|of no use|not (?:\w+ )?(?:needed|necessary|required|true|right|correct|possible|important|useful|so))"
    r"|(?:is|are|was|were)n't (?:\w+ )?(?:needed|necessary|required|true|right|correct|possible|important|useful)"
    r"|(?:can't|cannot|won't|will not|doesn't|does not|don't|do not|never|couldn't) (?:happen|work|exist|occur|help|matter|apply|hold)s?(?= ?(?:$|[,.;!?]|at all|here|any ?more|either|in|with|for|to))"
    r"|makes? no (?:sense|difference)|has no (?:effect|use|point))\b"
)
_ZH_DENIAL = (
    r"(?:(?<!不)是错|是误解|是误区|是误会|是谣言|不对(?=[，。；！？]|$)|不成立|不正确|说法有误|没有?道理|(?:没有?(?:什么|多大)?|无)必要|多此一举|没有?(?:什么|多大)?(?:用|关系|意义)|"
    r"(?:根本|完全)?(?:不可能|不会)(?:发生|出现)|无关紧要|无所谓|是多余|纯属多余|不重要|不是它的事|"
    r"(?:不需要|不用|用不着|不必|不管|不用管|不考虑)了?(?=[，。；！？]|$))"
)
_DENIED_AFTER = re.compile(
    rf"(?:(?:[ ]?[\w'-]+){{0,3}}?[ ]|(?:[ ][\w'-]+){{0,6}}?[,.;] (?:but )?(?:that|this|which)(?: |(?='s))){_EN_DENIAL}"
    rf"|(?:[^，。！？；,;:：]{{0,6}}?|[^，。！？；,;:：]{{0,6}}?[，。,](?:但|可|但是|可是)?(?:这|那(?!就|么))(?:个|种|话)?(?:说法|想法|观点|看法)?)"
    rf"(?:都|也|就|其实|根本|完全|纯粹|本来)?{_ZH_DENIAL}"
)


class Denials:
    """The negators of one normalised text and how far each reaches."""

    def __init__(self, text: str) -> None:
        self._text = _HARMLESS.sub(lambda found: "·" * len(found[0]), text)
        self._ends = [found.end() for found in _BOUNDARY.finditer(self._text)]
        self._reaches = [self._reach(found) for found in _NEGATOR.finditer(self._text)]

    def denies(self, pieces: Sequence[tuple[int, int]]) -> bool:
        """Whether any clause denies what the pieces, [start, end) in order, say together.

        A negator inside a piece belongs to what is said. One in a gap counts if it stands in the clause
        of a piece: “损失不用管填充” says nothing of the loss."""
        odd: dict[int, set[int]] = {}
        first = pieces[0][0]
        for start, _ in pieces:
            odd.setdefault(bisect_right(self._ends, start), set())
        for negator, until in self._reaches:
            clause = bisect_right(self._ends, negator)
            if (
                clause in odd
                and negator < pieces[-1][0]
                and not any(start <= negator < end for start, end in pieces)
                and (negator > first or any(negator < start < until for start, _ in pieces))
            ):
                odd[clause].add(negator)
        if any(len(negators) % 2 for negators in odd.values()):
            return True
        end = pieces[-1][1]
        return _DENIED_AFTER.match(self._text, end, end + 80) is not None

    def _reach(self, found: re.Match[str]) -> tuple[int, int]:
        """(where the negator stands, where its reach ends)."""
        text, after = self._text, found.end()
        at = bisect_right(self._ends, found.start())
        until = self._ends[at] if at < len(self._ends) else len(text)
        if attribute := _ATTRIBUTE.match(text, after):
            return found.start(), min(until, attribute.end())
        left = _REACH[found.lastgroup or "verbal"]
        for unit in _UNIT.finditer(text, after, until):
            if left == 0:
                return found.start(), unit.start()
            left -= 1
        return found.start(), until
