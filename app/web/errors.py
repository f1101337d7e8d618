"""What can go wrong for a person or a program, said in their language, naming the field and the bound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError
from starlette.types import Scope

from app.protocol import Bilingual

WORDS: dict[str, Bilingual] = {
    "not-found": Bilingual("没有这个页面。", "There is no such page."),
    "no-question": Bilingual("没有这道题。", "There is no such question."),
    "no-item": Bilingual("没有这道自测题。", "There is no such item."),
    "no-demo": Bilingual("没有这个实验。", "There is no such demo."),
    "no-run": Bilingual("没有这次运行，或它已经结束并被清理。请重新开始。", "There is no such run, or it ended and was cleared. Start it again."),
    "no-selftest": Bilingual("没有这份自测。", "There is no such self-test."),
    "cross-origin": Bilingual("请求来自另一个网站，已拒绝。", "This request came from another site and was refused."),
    "too-large": Bilingual("内容太大：最多 {limit} KB。", "The body is too large: at most {limit} KB."),
    "bad-json": Bilingual("内容不是有效的 JSON 对象。", "The body is not a valid JSON object."),
    "invalid": Bilingual("有一项填写有误。", "One field is not right."),
    "method": Bilingual("这个地址不接受该方法。", "This address does not take that method."),
    "key-taken": Bilingual("这个幂等键已用于另一次作答。", "This idempotency key was used for another response."),
    "too-many-runs": Bilingual("你同时运行的实验太多了（最多 {limit} 个）。", "You have too many runs at once (at most {limit})."),
    "queue-full": Bilingual("排队已满，请稍后再试。", "The queue is full; try again shortly."),
    "engine": Bilingual("实验引擎没有启动：{why}", "The engine of runs did not start: {why}"),
    "internal": Bilingual("服务器出错了。你的作答没有丢失。", "Something broke on the server. Your answers are safe."),
}  # fmt: skip

# pydantic's error types that a learner can meet, in both languages.
_BOUNDS: dict[str, Bilingual] = {
    "missing": Bilingual("必须填写", "is required"),
    "extra_forbidden": Bilingual("不是可用的参数", "is not a known field"),
    "greater_than_equal": Bilingual("不能小于 {ge}", "must be at least {ge}"),
    "greater_than": Bilingual("必须大于 {gt}", "must be more than {gt}"),
    "less_than_equal": Bilingual("不能大于 {le}", "must be at most {le}"),
    "less_than": Bilingual("必须小于 {lt}", "must be less than {lt}"),
    "string_too_long": Bilingual("最多 {max_length} 个字符", "must have at most {max_length} characters"),
    "string_too_short": Bilingual("至少 {min_length} 个字符", "must have at least {min_length} characters"),
    "too_long": Bilingual("最多 {max_length} 个", "must have at most {max_length} entries"),
    "too_short": Bilingual("至少 {min_length} 个", "must have at least {min_length} entries"),
    "literal_error": Bilingual("必须是 {expected} 之一", "must be one of {expected}"),
    "int_parsing": Bilingual("必须是整数", "must be a whole number"),
    "int_type": Bilingual("必须是整数", "must be a whole number"),
    "int_from_float": Bilingual("必须是整数", "must be a whole number"),
    "float_parsing": Bilingual("必须是数字", "must be a number"),
    "float_type": Bilingual("必须是数字", "must be a number"),
    "finite_number": Bilingual("必须是有限的数", "must be a finite number"),
    "bool_parsing": Bilingual("必须是“是”或“否”", "must be true or false"),
    "string_type": Bilingual("必须是文字", "must be text"),
    "list_type": Bilingual("必须是列表", "must be a list"),
    "dict_type": Bilingual("必须是对象", "must be an object"),
}


class Problem(Exception):
    """An answer that is not the one hoped for. `message` may be given outright, else WORDS[code] is used."""

    def __init__(
        self,
        status: int,
        code: str,
        *,
        message: Bilingual | None = None,
        field: str | None = None,
        bound: Any = None,
        retry_after: int | None = None,
        **values: Any,
    ) -> None:
        words = message or WORDS[code]
        self.message = Bilingual(words.zh.format(**values), words.en.format(**values)) if values else words
        super().__init__(f"{status} {code}: {self.message.en}")
        self.status, self.code, self.field, self.bound = status, code, field, bound
        self.retry_after = retry_after

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)} if self.retry_after is not None else {}

    def as_json(self, lang: str) -> dict[str, Any]:
        """The body under /api."""
        said = {
            "code": self.code,
            "message": self.message.get(lang),
            "field": self.field,
            "bound": self.bound,
        }
        return {"error": {key: value for key, value in said.items() if value is not None}}


class FieldWords(NamedTuple):
    """A field's title, and its choices by value."""

    title: Bilingual
    choices: Mapping[str, Bilingual]

    def listed(self) -> Bilingual:
        """The choices with their values: what a person picks and what a program sends."""
        zh = [
            title.zh if title.zh == value else f"{title.zh}（{value}）"
            for value, title in self.choices.items()
        ]
        en = [
            title.en if title.en == value else f"{title.en} ({value})"
            for value, title in self.choices.items()
        ]
        return Bilingual("、".join(zh), ", ".join(en))


def from_validation(errors: list[Any], fields: Mapping[str, FieldWords] | None = None) -> Problem:
    """The first of pydantic's complaints as a 422 that names the field and the bound."""
    first = errors[0]
    path = [str(part) for part in first["loc"] if part not in ("body", "query", "path")]
    name = ".".join(path)
    context = {key: _short(value) for key, value in first.get("ctx", {}).items()}
    if first["type"] == "json_invalid":
        return Problem(422, "bad-json")
    words = _BOUNDS.get(first["type"])
    known = (fields or {}).get(path[-1] if path else "", FieldWords(Bilingual(name, name), {}))
    if first["type"] == "literal_error" and known.choices:
        words = Bilingual(f"只能选：{known.listed().zh}", f"must be one of: {known.listed().en}")
    elif first["type"] == "value_error":
        said = str(first.get("ctx", {}).get("error", first["msg"]))
        zh, _, en = said.partition(" | ")
        last = path[-1] if path else ""  # a message for the command line begins with the field's name
        words = Bilingual(f"：{zh.removeprefix(f'{last}：')}", f": {(en or zh).removeprefix(f'{last}: ')}")
        words = words if name else Bilingual(zh, en or zh)
    elif words is None:
        words = Bilingual(first["msg"], first["msg"])
    else:
        words = Bilingual(words.zh.format_map(context), words.en.format_map(context))
    title = known.title
    bound = next(
        (
            context[key]
            for key in ("ge", "gt", "le", "lt", "max_length", "min_length", "expected")
            if key in context
        ),
        None,
    )
    space = "" if first["type"] == "value_error" else " "
    join = Bilingual(f"{title.zh}（{name}）{words.zh}" if title.zh != name else f"{name}{space}{words.zh}",
                     f"{title.en} ({name}){space}{words.en}" if title.en != name else f"{name}{space}{words.en}")  # fmt: skip
    return Problem(422, "invalid", message=join if name else words, field=name or None, bound=bound)


def from_pydantic(error: ValidationError, fields: Mapping[str, FieldWords] | None = None) -> Problem:
    return from_validation(error.errors(include_url=False), fields)


def _short(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def language(scope: Scope) -> str:
    """The language of an address: its first part, ?lang=, or the browser's wish; Chinese where nothing says."""
    first = scope["path"].split("/", 2)[1] if scope["path"].count("/") else ""
    if first in ("zh", "en"):
        return str(first)
    query = scope.get("query_string", b"")
    for wish in ("zh", "en"):
        if f"lang={wish}".encode() in query:
            return wish
    accepted = next(
        (value.decode("latin-1").lower() for key, value in scope["headers"] if key == b"accept-language"), ""
    )
    zh, en = accepted.find("zh"), accepted.find("en")
    return "en" if en >= 0 and (zh < 0 or en < zh) else "zh"
