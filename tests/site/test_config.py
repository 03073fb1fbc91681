"""What an organizer says of the site: hidden test sets and names are in no byte of it, whatever was built before."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date

import msgspec
import pytest

from harness.errors import InvalidInput
from harness.records import REFERENCE, Flag, Isolation
from harness.site import aliases, check, config, leaks, pages
from harness.site.site import Records

TODAY, LATER = date(2026, 8, 1), date(2026, 9, 1)
KEY = "a text that nobody knows"
SYSTEMS = {"walrus-9": ("Walrus Nine", "Team Arctic"), "heron-2": ("Heron Two", "Team Marsh"), "crane-4": ("Crane", "")}
SECRETS = [*SYSTEMS, *(word for pair in SYSTEMS.values() for word in pair if word)]


def settings(folder, **facts):
    """Write a site.toml."""
    folder.mkdir(exist_ok=True)
    lines = []
    tables = {key: value for key, value in facts.items() if isinstance(value, dict)}
    for key, value in facts.items():
        if key not in tables:
            lines.append(f"{key} = {value if isinstance(value, date) else json.dumps(value)}")
    for key, table in tables.items():
        lines += [f"[{key}]", *(f"{json.dumps(name)} = {value}" for name, value in table.items())]
    (folder / "site.toml").write_text("\n".join(lines) + "\n", "utf-8")
    return config.read(folder)


def everything(make, folder) -> Records:
    """Records of every kind, with names in all places where the harness writes names."""
    values = {system: 0.9 - n / 10 for n, system in enumerate(SYSTEMS)}
    who = {system: {"name": name, "team": team or system} for system, (name, team) in SYSTEMS.items()}
    sets = ("en-de", "secret-set")
    results = [make.result(one, values[one], test_set=name, **who[one]) for name in sets for one in SYSTEMS]
    blamed = make.score("bleu", None, reason="unavailable: OSError: walrus-9/outputs of Team Arctic")
    results[0] = msgspec.structs.replace(results[0], scores=[results[0].scores[0], blamed])
    origin = msgspec.structs.replace(results[0].provenance, manifest="f6" * 32)
    results = [msgspec.structs.replace(one, provenance=origin) for one in results]
    results += [make.reference(test_set=name) for name in sets]
    flags = [Flag(name="leftover", detail="process heron-2 of Team Marsh is left", voids=True)]
    timings = [make.timing(one, test_set=name, **who[one]) for name in sets for one in SYSTEMS]
    timings += [make.timing("heron-2", backend="cuda", flags=flags, **who["heron-2"])]
    trusted = Isolation(level="L1", selftest="d4" * 32, gaps=[], trusted_by="Team Marsh")
    timings += [make.timing("heron-2", scenario="latency", isolation=trusted, **who["heron-2"])]
    weights = {"en-de": 0.5, "en-fr": 0.5}
    outputs = {one: {"en-de": "e5 c3"} for one in SYSTEMS}
    return Records(
        results=results,
        absent=[("terminology", "en-fr", "crane-4"), ("terminology", "secret-set", "newt-7")],
        comparisons=[make.comparison(values, test_set=name) for name in sets],
        derived=[make.derived("term_success", weights, dict.fromkeys(SYSTEMS, None) | values, outputs=outputs)],
        timings=timings,
        segments={
            ("terminology", name, one): make.segments(folder, [make.segment(1)], one, test_set=name)
            for name in sets
            for one in SYSTEMS
        },
    )


def bytes_of(site):
    """Every byte of a site, names of files included."""
    found = [path for path in sorted(site.rglob("*")) if path.is_file()]
    return b"\n".join([*(path.relative_to(site).as_posix().encode() + b"\n" + path.read_bytes() for path in found)])


# --- what it says ---


def test_without_a_file_there_are_defaults(tmp_path):
    found = config.read(tmp_path)
    assert (found.title, found.url, found.reveal, found.hidden_until) == ("Leaderboard", None, None, {})


def test_every_fault_is_named(tmp_path):
    (tmp_path / "site.toml").write_text('titel = "x"\nurl = "ftp://x"\n', "utf-8")
    with pytest.raises(InvalidInput) as error:
        config.read(tmp_path)
    assert sorted(problem.code for problem in error.value.problems) == ["T011", "T013"]


@pytest.mark.parametrize(
    ("contact", "link"),
    [
        ("a@example.org", "mailto:a@example.org"),
        ("https://example.org/x?y=1", "https://example.org/x?y=1"),
        ("javascript:alert(1)", None),
        ("a@example.org?subject=x", None),
        ("The organizers", None),
        (None, None),
    ],
)
def test_a_contact_is_a_link_only_if_it_is_an_address(contact, link):
    assert config.Config(contact=contact).contact_link == link


def test_title_contact_licence_and_citation_are_on_the_pages(tmp_path, make, parse):
    facts = {"title": "Terms & more", "description": "A task.", "contact": "a@example.org", "licence": "CC0"}
    settings(tmp_path / "own", **facts, authors=["A. Müller", "B & C"], url="https://example.org/board/")
    pages.build(Records(results=[make.result()]), tmp_path / "site", tmp_path / "own", TODAY)
    page = parse(tmp_path / "site/index.html")
    assert all(text in page.text for text in facts.values())
    assert "mailto:a@example.org" in page.values("href")
    assert "Terms & more" in parse(tmp_path / "site/terminology/en-de.html").inside("title")[0]
    bibtex = (tmp_path / "site/cite.bib").read_text("utf-8")
    assert r"title = {{Terms \& more}}" in bibtex
    assert r"author = {{A. Müller} and {B \& C}}" in bibtex
    assert r"howpublished = {\url{https://example.org/board/}}" in bibtex
    assert "year = {2026}" in bibtex
    assert bibtex.strip() in page.text


def test_a_citation_of_their_own_replaces_ours(tmp_path, make):
    settings(tmp_path / "own", citation="@misc{ours}")
    pages.build(Records(results=[make.result()]), tmp_path / "site", tmp_path / "own", TODAY)
    assert (tmp_path / "site/cite.bib").read_text("utf-8") == "@misc{ours}\n"


def test_every_key_is_documented(repository):
    text = (repository / "docs/leaderboard.md").read_text("utf-8").split("\n## site.toml\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE)
    assert sorted(rows) == sorted(config.Config.__struct_fields__)


def test_the_example_of_the_documentation_is_valid(repository, tmp_path):
    text = (repository / "docs/leaderboard.md").read_text("utf-8")
    (tmp_path / "site.toml").write_text(re.findall(r"```toml\n(.*?)```", text, re.DOTALL)[0], "utf-8")
    assert config.read(tmp_path).is_hidden("terminology", "blind-1", TODAY)


def test_the_override_of_the_documentation_works(repository, tmp_path, make, parse):
    text = (repository / "docs/leaderboard.md").read_text("utf-8")
    template = tmp_path / "own/templates/layout.html.j2"
    template.parent.mkdir(parents=True)
    template.write_text(re.findall(r"```jinja\n(.*?)```", text, re.DOTALL)[0], "utf-8")
    pages.build(Records(results=[make.result()]), tmp_path / "site", tmp_path / "own", TODAY)
    page = parse(tmp_path / "site/terminology/en-de.html")
    assert "Organized by the Example group." in page.text
    assert "Rendered from result records" in page.text
    assert check.findings(tmp_path / "site") == []


# --- what is hidden ---


@pytest.mark.parametrize(
    ("pattern", "day", "hidden"),
    [
        ("terminology/en-de", LATER, True),
        ("terminology/en-de", TODAY, False),
        ("*/en-de", LATER, True),
        ("terminology/*", LATER, True),
        ("terminology", LATER, False),
        ("Terminology/en-de", LATER, False),
    ],
)
def test_patterns_and_days(pattern, day, hidden):
    assert config.Config(hidden_until={pattern: day}).is_hidden("terminology", "en-de", TODAY) is hidden


def test_nothing_of_a_hidden_test_set_is_in_any_byte(tmp_path, make):
    records = everything(make, tmp_path)
    site, own = tmp_path / "site", tmp_path / "own"
    pages.build(records, site, own, TODAY)  # it was shown before: what is left of that must go, too
    assert b"secret-set" in bytes_of(site)
    settings(own, hidden_until={"terminology/secret-*": LATER})
    pages.build(records, site, own, TODAY)
    assert b"secret-set" not in bytes_of(site)
    assert b"newt-7" not in bytes_of(site)
    pages.build(records, tmp_path / "new", own, TODAY)
    assert bytes_of(site) == bytes_of(tmp_path / "new")
    pages.build(records, site, own, LATER)
    assert (site / "terminology/secret-set.html").is_file()
    assert b"newt-7" in bytes_of(site)


def test_no_name_is_in_any_byte_before_its_day(tmp_path, make):
    records = everything(make, tmp_path)
    site, own = tmp_path / "site", tmp_path / "own"
    pages.build(records, site, own, TODAY)
    assert all(secret.encode() in bytes_of(site) for secret in SECRETS)
    settings(own, reveal=LATER, alias_key=KEY)
    pages.build(records, site, own, TODAY)
    found = bytes_of(site)
    assert [secret for secret in [*SECRETS, "newt-7", KEY] if secret.encode() in found] == []
    assert records.results[0].provenance.manifest.encode() not in found  # it could be guessed from a name
    assert records.timings[0].submission.encode() not in found
    pages.build(records, tmp_path / "new", own, TODAY)
    assert bytes_of(site) == bytes_of(tmp_path / "new")
    assert leaks.findings(site, records, config.read(own), TODAY) == []


def test_names_come_back_on_their_day_and_no_alias_is_left(tmp_path, make):
    records = everything(make, tmp_path)
    site, own = tmp_path / "site", tmp_path / "own"
    settings(own, reveal=LATER, alias_key=KEY)
    pages.build(records, site, own, TODAY)
    alias = aliases.names(records, KEY).system("heron-2")
    assert (site / f"terminology/systems/{alias}.html").is_file()
    pages.build(records, site, own, LATER)
    assert alias.encode() not in bytes_of(site)
    assert all(secret.encode() in bytes_of(site) for secret in SECRETS)


def test_an_alias_stays_whoever_else_takes_part(make, tmp_path):
    records = everything(make, tmp_path)
    fewer = replace(records, results=records.results[:1], comparisons=[], derived=[], timings=[], absent=[])
    alias = aliases.names(records, KEY).system("walrus-9")
    assert aliases.names(fewer, KEY).system("walrus-9") == alias
    assert aliases.names(records, "another text, as long").system("walrus-9") != alias


def test_aliases_of_many_differ(make):
    results = [make.result(f"system-{n}", team=f"team-{n}") for n in range(3000)]
    found = aliases.names(Records(results=results), KEY)
    assert len(set(found.systems.values())) == len(set(found.teams.values())) == 3000


def test_references_keep_their_name(make):
    shown = aliases.applied(Records(results=[make.reference(), make.result()]), KEY)
    assert (shown.results[0].system, shown.results[0].name) == (REFERENCE, "Reference")
    assert shown.results[1].system != "alpha"


def test_aliases_take_a_key(tmp_path):
    with pytest.raises(InvalidInput) as error:
        settings(tmp_path, reveal=LATER)
    assert [(problem.code, "alias_key" in problem.message) for problem in error.value.problems] == [("T012", True)]


# --- the second pair of eyes ---


@pytest.mark.parametrize(
    "text",
    [
        "<p>Heron Two is ahead</p>",
        '{"system": "heron-2"}',
        "x,heron-2,0.5",
        '<a href="../systems/heron-2.html">x</a>',
        "heron-2--vs--x",
        "<bdi>Crane</bdi>",
        "en-fr, Team Marsh",
    ],
)
def test_a_name_that_somebody_put_there_is_found(tmp_path, make, text):
    records = everything(make, tmp_path)
    found = settings(tmp_path / "own", reveal=LATER, alias_key=KEY)
    pages.build(records, tmp_path / "site", tmp_path / "own", TODAY)
    (tmp_path / "site/notes.html").write_text(text, "utf-8")
    assert {one.place for one in leaks.findings(tmp_path / "site", records, found, TODAY)} == {"notes.html"}
    assert leaks.findings(tmp_path / "site", records, found, LATER) == []


def test_names_of_files_are_looked_at(tmp_path, make):
    records = everything(make, tmp_path)
    found = settings(tmp_path / "own", hidden_until={"*/secret-set": LATER})
    pages.build(records, tmp_path / "site", tmp_path / "own", TODAY)
    (tmp_path / "site/secret-set.csv").write_text("", "utf-8")
    (tmp_path / "site/secret-set-of-others.csv").write_text("", "utf-8")
    (one,) = leaks.findings(tmp_path / "site", records, found, TODAY)
    assert (one.place, one.rule) == ("secret-set.csv", "leak")


def test_systems_called_by_common_words_are_no_leak(tmp_path, make):
    words = ("rules", "empty", "harness", "scored", "text", "coverage", "new", "baseline")
    records = Records(results=[make.result(word, 0.5, name=word.title(), team="harness") for word in words])
    found = settings(tmp_path / "own", reveal=LATER, alias_key=KEY)
    pages.build(records, tmp_path / "site", tmp_path / "own", TODAY)
    assert leaks.findings(tmp_path / "site", records, found, TODAY) == []
