"""Tables for papers: what a participant wrote stays text, in Markdown and in LaTeX."""

from __future__ import annotations

import re

import pytest

from harness.cli import documents

COLUMNS = ["system", "metric", "value"]
ROWS = [["alpha", "bleu", "31.20"], ["beta", "bleu", "-0.50"]]


def markdown(text):
    """The first cell of a Markdown table that holds this text."""
    line = documents.markdown(["system", "value"], [[text, "1"]], text_columns=1).split("\n")[2]
    return line.removeprefix("| ").removesuffix(" | 1 |")


def latex(text):
    r"""The same of LaTeX; between \midrule and \bottomrule."""
    line = documents.latex(["system", "value"], [[text, "1"]], text_columns=1).split("\n")[4]
    return line.removesuffix(r" & 1 \\")


# --- the whole ---


def test_markdown_has_a_header_a_rule_and_one_line_per_row():
    assert documents.markdown(COLUMNS, ROWS, text_columns=2) == (
        "| system | metric | value |\n| --- | --- | ---: |\n| alpha | bleu | 31.20 |\n| beta | bleu | -0.50 |\n"
    )


def test_latex_is_a_tabular_with_the_rules_of_booktabs():
    assert documents.latex(COLUMNS, ROWS, text_columns=2).split("\n") == [
        r"\begin{tabular}{llr}",
        r"\toprule",
        r"system & metric & value \\",
        r"\midrule",
        r"alpha & bleu & 31.20 \\",
        r"beta & bleu & -0.50 \\",
        r"\bottomrule",
        r"\end{tabular}",
        "",
    ]


@pytest.mark.parametrize("form", [documents.markdown, documents.latex])
def test_a_table_without_rows_has_its_header(form):
    text = form(COLUMNS, [], text_columns=1)
    assert "system" in text
    assert "alpha" not in text


@pytest.mark.parametrize("form", [documents.markdown, documents.latex])
def test_numbers_and_brackets_of_an_interval_can_be_read(form):
    text = form(["system", "interval"], [["alpha", "[.873, .943]"]], text_columns=1)
    assert re.sub(r"[\\{}]", "", text).count("[.873, .943]") == 1


# --- Markdown ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a|b", r"a\|b"),
        ("a\\b", r"a\\b"),
        ("a\\|b", r"a\\\|b"),
        ("*bold* _italic_ `code`", r"\*bold\* \_italic\_ \`code\`"),
        ("[link](https://example.org)", r"\[link\](https://example.org)"),
        ("![image](x)", r"\!\[image\](x)"),
        ("<script>alert(1)</script>", r"\<script\>alert(1)\</script\>"),
        ("# heading", r"\# heading"),
        ("{x}", r"\{x\}"),
    ],
)
def test_markdown_shows_markup_as_text(text, expected):
    assert markdown(text) == expected


@pytest.mark.parametrize("text", ["a&lt;b", "&amp;", "&#60;script&#62;"])
def test_markdown_shows_an_entity_as_text(text):
    shown = markdown(text).replace(r"\#", "#")
    assert shown in {text.replace("&", r"\&"), text.replace("&", "&amp;")}


@pytest.mark.parametrize("text", ["~~struck~~", "a~b~c"])
def test_markdown_strikes_nothing_through(text):
    assert re.search(r"(?<!\\)~", markdown(text)) is None


def test_markdown_keeps_the_number_of_cells_whatever_a_cell_holds():
    line = documents.markdown(["a", "b"], [["|\\|\n|", "\\"]], text_columns=1).split("\n")[2]
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 3


# --- LaTeX ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\\", r"\textbackslash{}"),
        ("{}", r"\{\}"),
        ("$x$", r"\$x\$"),
        ("a_b", r"a\_b"),
        ("50%", r"50\%"),
        ("a&b", r"a\&b"),
        ("#1", r"\#1"),
        ("x^2", r"x\textasciicircum{}2"),
        ("~", r"\textasciitilde{}"),
        ("\\input{/etc/passwd}", r"\textbackslash{}input\{/etc/passwd\}"),
        ("a\\\\b", r"a\textbackslash{}\textbackslash{}b"),
        ("<script>", "<script>"),
    ],
)
def test_latex_shows_commands_as_text(text, expected):
    assert latex(text) == expected


def test_latex_lets_no_row_begin_with_the_optional_argument_of_the_row_before():
    r"""After `\\` LaTeX takes `[1em]` for a length, across the end of the line; `*` for no page break."""
    lines = documents.latex(["value"], [["1"], ["[.873, .943]"], ["*"]], text_columns=0).split("\n")
    ends = [line for line in lines if line.endswith(r"\\")]
    assert len(ends) == 4
    for line in ends[2:]:
        assert line[0] not in "[*"


def test_a_line_feed_breaks_no_row():
    for text in (
        documents.markdown(["a"], [["x\ny"]], text_columns=1),
        documents.latex(["a"], [["x\ny"]], text_columns=1),
    ):
        assert "x\ny" not in text


# --- both ---


@pytest.mark.parametrize("form", [documents.markdown, documents.latex])
@pytest.mark.parametrize("text", ["\u001b[31mred", "a\rb", "a\tb", "\u202eevil", "zero\u200bwidth", "a\u2028b", "\x00"])
def test_what_cannot_be_seen_is_shown_escaped(form, text):
    whole = form(["system"], [[text]], text_columns=1)
    assert not set(whole) & set("\u001b\r\t\u202e\u200b\u2028\x00")


@pytest.mark.parametrize("form", [documents.markdown, documents.latex])
def test_headers_are_escaped_like_cells(form):
    assert r"a\_b" in form(["a_b"], [], text_columns=1)


@pytest.mark.parametrize("form", [documents.markdown, documents.latex])
def test_letters_of_all_scripts_stay_as_they_are(form):
    assert "Größe 系统 система" in form(["system"], [["Größe 系统 система"]], text_columns=1)
