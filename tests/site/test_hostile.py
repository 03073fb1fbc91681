"""Strangers write names, outputs, reasons and citations: none of it becomes markup, a link, a formula or a disguise."""

from __future__ import annotations

import csv
import json
import re
from itertools import zip_longest
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import IntegrityError, InvalidInput, printable
from harness.records import REFERENCE, Flag, Isolation
from harness.site import config, pages
from harness.site.site import Meaning, Records

WORDS = {
    "script": "<script>alert(1)</script>",
    "comment": "<!-- --><!--><!DOCTYPE x>",
    "cdata": "]]><![CDATA[ ]]>",
    "attribute": '" onload="alert(1)" x="',
    "apostrophe": "' onmouseover='alert(1)' x='",
    "unquoted": "x onerror=alert(1) style=color:red",
    "closing": "</td></tr></tbody></table></section></main></body></html>",
    "title": "</title></style></textarea></svg><svg onload=alert(1)>",
    "entities": "&lt;script&gt;&amp;&#60;b&#62;&quot;&apos;&copy",
    "jinja": "{{ 7 * 7 }}{% raw %}{# #}{{ config }}",
    "scheme": "javascript:alert(1)",
    "data": "data:text/html,<script>alert(1)</script>",
    "path": "../../../etc/passwd?x=1#y",
    "formula": "=HYPERLINK(1)",
    "bidi": "\u202egnp.exe\u2066\u200f\u061c",
    "invisible": "a\u200bb\u2060c\ufeffd\u00ade",
    "controls": "\x00\x1b[31m\x07\x7f\x85",
    "lines": "one\r\ntwo\u2028three\u2029four\n",
    "spaces": "   \t ",
    "combining": "Z" + "\u0351\u0343\u0310" * 40,
    "astral": "\U0001d57f\U0001f469\u200d\U0001f680\U000e0001\ufffe",
    "bibtex": "}, url = {javascript:alert(1)}, note = {\\input{/etc/passwd}",
    "long": "W" * 10_000,
    "many": "<b>" * 3_000,
}
DISGUISE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
LINK = re.compile(r"https://|mailto:|#|(?:\.\./)*[^:/?#]+(?:/[^:/?#]+)*(?:#|$)")


def records(make, folder, word):
    """Everything that a site can show, and in every field that is no id, the word."""
    systems = ("alpha", "beta", "gamma")
    who = {"name": word, "team": word}
    known = {**who, "collection": word, "title": word, "tags": {"mode": word, "source_language": "en", word: word}}
    parted = re.sub("[|:]", "_", word)  # in a signature these part keys and values, so they rightly make rows
    facts = {"signature": parted, "unit": word, "method": parted}
    score = [
        make.score(),
        make.score("bleu", 3.5, **facts),
        make.score("ter", None, reason=f"unavailable: {word}", **facts),
    ]
    results = [
        make.result(one, 0.9 - n / 10, scores=score, notices={word: 1}, **known) for n, one in enumerate(systems)
    ]
    results += [make.result(REFERENCE, 1.0, scores=score, kind="ceiling", **known)]
    results += [make.result("alpha", test_set="en-fr", **known)]
    versions = {"harness": word, "python": word, "task_version": word, "packages": {word: word}}
    results = [
        msgspec.structs.replace(one, provenance=msgspec.structs.replace(one.provenance, **versions)) for one in results
    ]
    flags = [Flag(name=word, detail=word, voids=voids) for voids in (False, True)]
    timed = {
        **who,
        "machine": {"cpu": word, word: word},
        "isolation": Isolation(level="L3", selftest=word, gaps=[word], trusted_by=word),
        "harness": word,
    }
    timings = [make.timing("alpha", **timed), make.timing("beta", 10.0, flags=flags, **timed)]
    timings += [make.timing("gamma", quantities=[make.quantity("throughput", None, reason=word, method=word)], **timed)]
    return Records(
        results=results,
        absent=[("terminology", "en-fr", "beta")],
        comparisons=[make.comparison({"alpha": 0.9, "beta": 0.8, "gamma": 0.7}, method=word, signature=word)],
        derived=[make.derived("bleu", {"en-de": 1, "en-fr": 1}, {"alpha": 0.5, "beta": None}, title=word, method=word)],
        timings=timings,
        segments={("terminology", "en-de", one): segments(make, folder, one, word) for one in systems},
        metrics={("terminology", name): Meaning(word, word, word) for name in ("term_success", "bleu", "ter")},
    )


def segments(make, folder, system, word):
    marks = [make.span(0, 1, label=word), make.span(0, 1, text="source", verdict=word, label=word)]
    texts = make.said(word, word if system != "gamma" else None, references=[word, word])
    tokens = make.said([word, "x"], [word, "y"], references=[[word, "z"]])
    rows = [
        make.segment(1, 1.0, *marks, id=word, block=word, tags={word: word}, said=[texts]),
        make.segment(2, 0.0 if system == "alpha" else 1.0, id=f"{word}2", said=[tokens]),
    ]
    return make.segments(folder, rows, system, outputs="c3" * 32)


def built(make, folder, word):
    folder.mkdir(parents=True)
    overrides = folder / "leaderboard"
    overrides.mkdir()
    said = dict.fromkeys(("title", "description", "contact", "licence"), word)
    (overrides / "site.toml").write_text(
        "".join(f"{key} = {json.dumps(text)}\n" for key, text in said.items()), "utf-8"
    )
    try:
        config.read(overrides)
    except (InvalidInput, UnicodeError):
        (overrides / "site.toml").unlink()  # refused, as it should be
    pages.build(records(make, folder, word), folder / "site", overrides)
    return folder / "site", (overrides / "site.toml").exists()


@pytest.fixture(scope="module")
def harmless(make, tmp_path_factory):
    """Builds a site with as many x as the word would take, and remembers it."""
    known = {}

    def site(length, has_config):
        if (length, has_config) not in known:
            folder = tmp_path_factory.mktemp("harmless") / "it"
            place, _ = built(make, folder, "x" * length)
            if not has_config:
                (folder / "leaderboard/site.toml").unlink(missing_ok=True)
                pages.build(records(make, folder, "x" * length), place, folder / "leaderboard")
            known[length, has_config] = place
        return known[length, has_config]

    return site


def files(site, suffix):
    return {path.relative_to(site).as_posix(): path for path in sorted(site.rglob(f"*{suffix}"))}


def assert_only_text_differs(make, parse, harmless, folder, word):
    site, has_config = built(make, folder / "it", word)
    plain = harmless(len(printable(word, 10**6)), has_config)
    assert list(files(site, "")) == list(files(plain, ""))
    for place, path in files(site, ".html").items():
        page, other = parse(path), parse(plain / place)
        assert first_difference(shape(page), shape(other)) is None, place
        assert not DISGUISE.search(path.read_text("utf-8")), place
        assert all(LINK.match(link) for name in ("href", "src") for link in page.values(name)), place
    assert_data_is_data(site)


def shape(page):
    """Tags and attributes, without texts in drawings: where they find a place depends on their length."""
    return [one for one in page.shape if one[0] != "text"]


def first_difference(found, wanted):
    return next(((n, *pair) for n, pair in enumerate(zip_longest(found, wanted)) if pair[0] != pair[1]), None)


def assert_data_is_data(site):
    for path in files(site, ".json").values():
        json.loads(path.read_text("utf-8"))
    for path in files(site, ".xml").values():
        ET.fromstring(path.read_bytes())  # noqa: S314 - we wrote it
    for path in files(site, ".csv").values():
        with path.open(encoding="utf-8", newline="") as stream:
            cells = [cell for row in csv.reader(stream) for cell in row]
        for cell in cells:
            assert not cell.startswith(("=", "@", "\t", "\r")), (path, cell)
            assert not cell.startswith(("+", "-")) or re.fullmatch(r"[+-][\d.]+(e[+-]?\d+)?", cell), (path, cell)


@pytest.mark.parametrize("word", WORDS.values(), ids=WORDS)
def test_no_word_changes_more_than_text(tmp_path, make, parse, harmless, word):
    assert_only_text_differs(make, parse, harmless, tmp_path, word)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(word=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_no_text_at_all_changes_more_than_text(tmp_path_factory, make, parse, harmless, word):
    assert_only_text_differs(make, parse, harmless, tmp_path_factory.mktemp("any"), word)


@pytest.mark.parametrize("system", ["../../evil", "a/b", "..", "a\x00b", "", "<b>"])
def test_a_system_whose_name_could_be_a_path_is_refused(tmp_path, make, system):
    with pytest.raises(IntegrityError) as error:
        pages.build(Records(results=[make.result(system)]), tmp_path / "site", tmp_path / "none")
    assert error.value.problems[0].code == "R011"
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("language", ['en" onload="x', "en us", "<b>", "x" * 300, "\u202e"])
def test_a_language_that_is_none_is_not_claimed(tmp_path, make, parse, language):
    found = make.result("alpha", tags={"source_language": language, "target_language": language})
    row = make.segment(1, 1.0)
    paths = {("terminology", "en-de", "alpha"): make.segments(tmp_path, [row])}
    pages.build(Records(results=[found], segments=paths), tmp_path / "site", tmp_path / "none")
    for path in files(tmp_path / "site", ".html").values():
        claimed = {attributes["lang"] for _, attributes in parse(path).tags if "lang" in attributes}
        assert claimed == {"en"}, path
