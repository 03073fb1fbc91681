"""Publishing writes what changed, removes what is ours, and touches nothing else."""

from __future__ import annotations

from types import SimpleNamespace

import filelock
import pytest

from harness.errors import EnvironmentFault, InvalidInput
from harness.site import pages, publish
from harness.site.site import Records


@pytest.fixture
def site(tmp_path):
    """Build a site from results; `site.path` is where it lies, `site.overrides` what may replace its theme."""

    def build(*results):
        return pages.build(Records(results=results, absent=[]), tmp_path / "site", tmp_path / "leaderboard")

    return SimpleNamespace(build=build, path=tmp_path / "site", overrides=tmp_path / "leaderboard")


def snapshot(folder):
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


def override(site, place, text):
    path = site.overrides / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def test_a_second_build_writes_nothing(site, make):
    written = site.build(make.result(), make.reference())
    names = {path.relative_to(site.path).as_posix() for path in written}
    assert {"index.html", "static/site.css", "static/site.js", "terminology/en-de.html"} <= names
    with filelock.FileLock(site.path / ".lock"):  # held by somebody else: nothing to write needs no lock
        before = snapshot(site.path)
        assert site.build(make.reference(), make.result()) == []
        assert snapshot(site.path) == before


def test_only_the_pages_that_change_are_written(site, make):
    site.build(make.result(), make.result(task="gender", test_set="en-fr"))
    written = site.build(make.result(notices={"N016": 1}), make.result(task="gender", test_set="en-fr"))
    places = {path.relative_to(site.path).as_posix() for path in written}
    shared = {"SHA256SUMS", "changes.json", "data/all.json"} | {place for place in places if place.count("/") == 0}
    assert "terminology/en-de.html" in places
    assert {place for place in places - shared if "terminology/" not in place} == set()
    assert not {"coverage.html", "method.html"} & places


def test_a_stale_page_is_removed_and_a_foreign_one_is_kept(site, make):
    site.build(make.result(), make.result(task="gender", test_set="en-fr"))
    foreign = site.path / "about.html"
    foreign.write_text("<title>mine</title>", "utf-8")
    assert site.path / "index.html" in site.build(make.result())
    assert not (site.path / "data/gender").exists()
    assert not (site.path / "gender").exists()
    assert foreign.is_file()


def test_a_folder_with_other_files_is_kept(site, make):
    site.build(make.result(task="gender"))
    (site.path / "gender/notes.txt").write_text("mine", "utf-8")
    site.build()
    assert [path.name for path in (site.path / "gender").iterdir()] == ["notes.txt"]


def test_what_a_killed_writer_left_is_swept(site, make):
    site.build(make.result())
    (site.path / "terminology/.tmp-dead").write_text("half", "utf-8")
    site.build(make.result(primary=0.1))
    assert not list(site.path.rglob(".tmp-*"))


def test_no_path_of_this_machine_is_in_a_page(site, make):
    for path in site.build(make.result()):
        assert str(site.path.parent).encode() not in path.read_bytes()


def test_overrides_win_and_can_extend_what_they_replace(site, make):
    layout = '{% extends "theme/layout.html.j2" %}{% block footer %}Ours{% endblock %}'
    override(site, "templates/layout.html.j2", layout)
    override(site, "static/site.css", "body {}")
    override(site, "static/img/logo.svg", "<svg/>")
    override(site, "static/.hidden", "no")
    site.build(make.result())
    page = (site.path / "terminology/en-de.html").read_text("utf-8")
    assert "Ours" in page
    assert "Rendered from result records" not in page
    assert (site.path / "static/site.css").read_text("utf-8") == "body {}"
    assert (site.path / "static/img/logo.svg").is_file()
    assert not (site.path / "static/.hidden").exists()


@pytest.mark.parametrize(("text", "line"), [("{% if %}", 1), ("{{ no_such_name }}", None)])
def test_a_template_that_does_not_render_is_named(site, make, text, line):
    override(site, "templates/index.html.j2", text)
    with pytest.raises(InvalidInput) as error:
        site.build(make.result())
    assert (error.value.problems[0].code, error.value.problems[0].line) == ("T013", line)
    assert not site.path.exists()


def test_a_static_file_that_cannot_be_read_is_a_fault_of_the_machine(site, make, monkeypatch):
    def refuse(_folder):
        raise PermissionError(13, "Permission denied", "site.css")

    monkeypatch.setattr(pages, "_static", refuse)
    with pytest.raises(EnvironmentFault) as error:
        site.build(make.result())
    assert error.value.problems[0].code == "E012"


def test_a_site_that_cannot_be_written_is_a_fault_of_the_machine(site, make):
    site.path.write_text("a file", "utf-8")
    with pytest.raises(EnvironmentFault) as error:
        site.build(make.result())
    assert error.value.problems[0].code == "E010"


def test_another_publisher_is_waited_for_and_then_reported(site, make, monkeypatch):
    monkeypatch.setattr(publish, "_LOCK_SECONDS", 0.05)
    site.path.mkdir()
    with filelock.FileLock(site.path / ".lock"), pytest.raises(EnvironmentFault) as error:
        site.build(make.result())
    assert error.value.problems[0].code == "E011"
