"""Markdown as readers of both languages expect it, within the pages' policy."""

from __future__ import annotations

import pytest

from app.content import Library
from app.content.equations import MathError, equation
from app.content.render import plain_text, render, render_inline


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**注意：**中文", "<strong>注意：</strong>中文"),
        ("中文**“强调”**中文", "中文<strong>“强调”</strong>中文"),
        ("中**（文）**字", "中<strong>（文）</strong>字"),
        ("**强调*斜*强调**后", "<strong>强调<em>斜</em>强调</strong>后"),
        ("*中文。*中文", "<em>中文。</em>中文"),
        ("**注意**：中文", "<strong>注意</strong>：中文"),
        ("先**`code`**后", "先<strong><code>code</code></strong>后"),
        ("a **b** c, *d*.", "a <strong>b</strong> c, <em>d</em>."),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("snake_case_name", "snake_case_name"),
    ],
)
def test_emphasis(text: str, html: str) -> None:
    assert render_inline(text, "zh") == html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("第一行\n第二行", "第一行第二行"),
        ("第一行，\nLSTM", "第一行，LSTM"),
        ("**中文**\n中文", "<strong>中文</strong>中文"),
        ("LSTM\n的门", "LSTM\n的门"),
        ("the\ncat", "the\ncat"),
        ("‘one’\ntwo", "‘one’\ntwo"),
        ("`c`\n中文", "<code>c</code>\n中文"),
    ],
)
def test_a_line_break_is_a_space_but_not_between_chinese(text: str, html: str) -> None:
    assert render_inline(text, "zh") == html


def test_other_parsers_are_left_alone() -> None:
    from markdown_it import MarkdownIt

    assert "<strong>" not in MarkdownIt().render("**注意：**中文")


def test_gates_have_their_colour_in_equations() -> None:
    html = equation(r"c_t = f_t \odot c_{t-1} + i_t \odot g_t", display=True)
    assert [html.count(f'class="gate-{gate}"') for gate in "cfigoh"] == [2, 1, 1, 1, 0, 0]
    bare = equation(r"f \odot c + i \odot g", display=False)
    assert [bare.count(f'<mi class="gate-{gate}">') for gate in "cfig"] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("latex", "gate"),
    [
        (r"h_T", "h"),
        (r"c_{100}", "c"),
        (r"h_t^{(2)}", "h"),
        (r"\mathbf{f}_t", "f"),
        (r"\mathrm{o}_{t}", "o"),
        (r"\frac{\partial c_t}{x}", "c"),
    ],
)
def test_an_index_of_time_makes_a_gate(latex: str, gate: str) -> None:
    assert f'class="gate-{gate}"' in equation(latex, display=True)


@pytest.mark.parametrize(
    "latex", [r"W_{ii} x_t", r"h_{ij}", r"f(x)", r"g_1", r"\tilde{c}", r"\sum_i i", r"b_{if}"]
)
def test_other_letters_are_no_gates(latex: str) -> None:
    assert "gate-" not in equation(latex, display=True)


def test_alignment_in_equations_is_a_class() -> None:
    html = equation(
        r"\begin{aligned} a &= b \\ c &= \begin{cases}1 & x\\2 & y\end{cases}\end{aligned}", display=True
    )
    assert "style" not in html.replace("displaystyle", "")
    assert 'class="align-right flush-right"' in html
    assert "indented" in html


@pytest.mark.parametrize(
    ("latex", "fault"),
    [(r"\nothing", "Unknown command"), (r"\frac{1", "end of input"), (r"\color{red}{x}", "style")],
)
def test_maths_that_cannot_be_shown_is_refused(latex: str, fault: str) -> None:
    with pytest.raises(MathError, match=fault) as error:
        render(f"${latex}$", "en")
    assert error.value.source == latex
    assert "\x1b" not in str(error.value)
    assert "\n" not in str(error.value)


def test_inline_and_display_maths() -> None:
    assert '<span class="math inline"><math>' in render_inline("x $c_t$", "en")
    assert '<math display="block">' in render("$$c_t$$", "en")
    assert "<math" not in render_inline("from $5 to $6", "en")


def test_no_html_comments_or_styles_pass() -> None:
    html = render('<b style="x">x</b> <!-- item: 01-a -->\n<!-- check: 1 -->\n\n|a|b|\n|-:|:-:|\n|1|2|', "zh")
    assert "&lt;b" in html
    assert "<!--" not in html
    assert "item:" not in html
    assert 'class="align-right"' in html
    assert 'class="align-center"' in html
    assert "style=" not in html.replace("&lt;b style=", "")
    assert "range" not in render_inline("about 1 <!-- range: ..2 -->", "en")


def test_code_is_highlighted_and_left_as_written() -> None:
    html = render("```python\nx = 1  # <!-- stays --> [@S5]\n```", "zh")
    assert '<pre tabindex="0"><code class="language-python">' in html
    assert '<span class="t-mi">1</span>' in html
    assert "&lt;!-- stays --&gt; [@S5]" in html
    assert '<code class="language-nosuch">a' in render("```nosuch\na\n```", "zh")


def test_citations_and_links() -> None:
    assert render_inline("so [@S5][@S17]", "en") == (
        'so <sup class="cite"><a href="#source-S5">S5</a></sup>'
        '<sup class="cite"><a href="#source-S17">S17</a></sup>'
    )
    assert "<a" not in render_inline("`[@S5]`", "en")
    assert 'href="https://a.org" rel="noopener noreferrer"' in render_inline("[x](https://a.org)", "en")
    assert 'href="/en/questions/12-clipping-code"' in render_inline("[x](../12-clipping-code/en.md)", "en")
    assert "<a" not in render_inline("[x](javascript:alert(1))", "en")


def test_alerts_and_tables_speak_the_page_s_language() -> None:
    text = "> [!WARNING]\n> x\n\n|a|\n|-|\n|1|"
    assert '<p class="markdown-alert-title">注意</p>' in render(text, "zh")
    assert '<p class="markdown-alert-title">Warning</p>' in render(text, "en")
    assert 'aria-label="表格"><table>' in render(text, "zh")
    assert 'aria-label="table"><table>' in render(text, "en")


def test_plain_text_is_what_a_reader_sees() -> None:
    assert plain_text("**Cell** `c` & $f_t$ [@S5]<!-- x -->") == "Cell c & ft S5"


def test_every_text_that_ships_renders_within_the_policy(library: Library) -> None:
    for question in library.questions:
        for lang, page in question.text.items():
            points = [point.text for point in page.key_points]
            texts = [page.title, page.source, page.review, *points]
            texts += [text for each in page.follow_ups for text in (each.question, each.answer)]
            for item in page.items:
                texts += [item.prompt, item.hint, item.code, item.sentence, item.explanation]
                texts += [text for option in item.options for text in (option.text, option.feedback)]
                texts += [point.text for point in item.points]
            html = "".join(render(text, lang) for text in texts)
            for refused in ("<script", " style=", "<!--", "<iframe", "javascript:"):
                assert refused not in html, (question.slug, lang, refused)
