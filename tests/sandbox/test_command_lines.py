"""What is started at the higher levels, as text."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.sandbox import Level, Limits, Room, bubblewrap, container, levels, vm

IMAGE = "registry.example/team/system@sha256:" + "0" * 64
ROOM = Room(
    folder=Path("/var/harness/run/submission"),
    environment={"LANG": "C.UTF-8", "PATH": "/usr/bin"},
    readable=(Path("/opt/python/lib"), Path("/opt")),
    masked=(),
    devices=(Path("/dev/nvidia0"),),
    cpus=frozenset({3, 1}),
)
LIMITS = Limits(memory=1 << 30, processes=7, temporary=1 << 20, file_size=1 << 10, open_files=9)


@pytest.fixture
def options():
    return bubblewrap.options(ROOM, LIMITS, 5)[0]


def pairs(arguments, option, count=1):
    """What follows each occurrence of an option."""
    places = [place for place, argument in enumerate(arguments) if argument == option]
    return [tuple(arguments[place + 1 : place + 1 + count]) for place in places]


def test_bubblewrap_is_asked_for_every_namespace_and_for_no_rights(options):
    for option in ("user", "pid", "net", "ipc", "uts", "cgroup-try"):
        assert f"--unshare-{option}" in options
    assert {"--disable-userns", "--die-with-parent", "--new-session", "--clearenv"} <= set(options)
    assert pairs(options, "--cap-drop") == [("ALL",)]
    assert pairs(options, "--hostname") == [("sandbox",)]


def test_nothing_is_bound_for_writing_but_the_devices_that_were_given(options):
    assert "--bind" not in options
    assert pairs(options, "--dev-bind", 2) == [("/dev/nvidia0", "/dev/nvidia0")]


def test_places_are_shown_at_their_own_paths_and_the_folder_at_its_name_inside(options):
    binds = pairs(options, "--ro-bind", 2)
    assert [bind for bind in binds if "/opt" in bind[0]] == [("/opt", "/opt"), ("/opt/python/lib", "/opt/python/lib")]
    assert ("/var/harness/run/submission", "/submission") in binds
    assert pairs(options, "--chdir") == [("/submission",)]


def test_of_etc_only_what_the_loader_needs_is_shown(options):
    shown = [place for place, _ in pairs(options, "--ro-bind-try", 2) if place.startswith("/etc")]
    assert shown == ["/etc/ld.so.cache", "/etc/alternatives"]
    assert not any(place.startswith("/etc") for place, _ in pairs(options, "--ro-bind", 2))


def test_memory_for_files_has_a_size_and_the_rest_becomes_read_only(options):
    assert options.count("--tmpfs") == options.count("--size") == 3
    assert pairs(options, "--size") == [("4096",), ("1048576",), ("1048576",)]
    assert pairs(options, "--tmpfs") == [("/proc/1",), ("/dev/shm",), ("/tmp",)]  # noqa: S108 - inside
    assert pairs(options, "--remount-ro") == [("/proc/1",), ("/dev",), ("/",)]


def test_the_environment_is_that_of_the_room(options):
    assert pairs(options, "--setenv", 2) == [("LANG", "C.UTF-8"), ("PATH", "/usr/bin")]


def test_links_of_the_operating_system_stay_links(tmp_path):
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "bin").symlink_to("usr/bin")
    (tmp_path / "lib").mkdir()
    words = list(bubblewrap._system(tmp_path))
    assert pairs(words, "--symlink", 2) == [("usr/bin", "/bin")]
    assert pairs(words, "--ro-bind", 2) == [("/usr", "/usr"), ("/lib", "/lib")]


def test_gold_is_covered_folders_by_an_empty_one_and_files_by_an_empty_one(tmp_path):
    folder, file = tmp_path / "tasks", tmp_path / "gold.jsonl"
    folder.mkdir()
    file.write_text("gold")
    room = Room(folder=tmp_path, readable=(tmp_path,), masked=(folder, file, tmp_path / "absent"))
    arguments, data = bubblewrap.options(room, LIMITS, 20)
    assert (str(folder),) in pairs(arguments, "--tmpfs")
    assert (str(folder),) in pairs(arguments, "--remount-ro")
    assert pairs(arguments, "--ro-bind-data", 2) == [("20", str(file))]
    assert data[20] == b""
    assert arguments.index("--ro-bind-data") > arguments.index("--chdir")
    assert str(tmp_path / "absent") not in arguments


def test_options_travel_by_descriptor_and_only_the_command_is_in_sight():
    plan = levels.of(Level.BUBBLEWRAP).plan(["run", "--now"], ROOM, LIMITS, 5)
    assert list(plan.command[1:]) == ["--args", "5", "--", "run", "--now"]
    options = plan.data[5].split(b"\0")
    assert b"/var/harness/run/submission" in options
    assert options[options.index(b"--seccomp") + 1] == b"6"
    assert plan.data[6]
    assert plan.environment == {}


def test_limits_count_the_two_processes_of_bubblewrap_and_memory_only_without_devices(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    with_device = levels.of(Level.BUBBLEWRAP).plan(["run"], ROOM, LIMITS, 5).rlimits
    assert with_device == {"NPROC": 9, "FSIZE": 1024, "NOFILE": 9, "CORE": 0}
    assert levels.of(Level.LIMITS).plan(["run"], Room(folder=Path("/x")), LIMITS, 5).rlimits["AS"] == 1 << 30


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_a_container_has_no_network_no_rights_and_nothing_to_write(engine):
    words = container.arguments(engine, "name", [IMAGE, "run", "--now"], ROOM, LIMITS)
    assert words[:2] == (engine, "run")
    assert words[-3:] == (IMAGE, "run", "--now")
    assert {"--rm", "--interactive", "--read-only"} <= set(words)
    expected = {
        "--name": "name",
        "--network": "none",
        "--cap-drop": "ALL",
        "--security-opt": "no-new-privileges",
        "--pull": "never",
        "--memory": "1073741824",
        "--memory-swap": "1073741824",
        "--pids-limit": "7",
        "--cpuset-cpus": "1,3",
        "--user": "65534:65534",
        "--workdir": "/submission",
        "--device": "/dev/nvidia0",
        "--tmpfs": "/tmp:rw,nosuid,nodev,size=1048576",  # noqa: S108 - inside
    }
    assert {option: pairs(words, option) for option in expected} == {k: [(v,)] for k, v in expected.items()}
    assert ("type=bind,source=/var/harness/run/submission,target=/submission,readonly",) in pairs(words, "--mount")


@pytest.mark.parametrize("engine", ["docker", "podman", "apptainer"])
def test_no_container_is_privileged_and_none_gets_the_socket_of_its_engine(engine):
    text = " ".join(container.arguments(engine, "name", [IMAGE, "run"], ROOM, LIMITS))
    for word in ("--privileged", "docker.sock", "podman.sock", "--network host", "--pid host", "--userns host"):
        assert word not in text


def test_apptainer_is_told_the_same_in_its_own_words():
    words = container.arguments("apptainer", "name", ["/images/system.sif", "run"], ROOM, LIMITS)
    assert words[:2] == ("apptainer", "run")
    assert words[-2:] == ("/images/system.sif", "run")
    assert {"--containall", "--no-home", "--no-privs", "--net", "--nv"} <= set(words)
    assert pairs(words, "--network") == [("none",)]
    assert ("/var/harness/run/submission:/submission:ro",) in pairs(words, "--bind")


@pytest.mark.parametrize("image", ["ubuntu", "ubuntu:22.04", "ubuntu@sha256:abc", "ubuntu@md5:" + "0" * 64])
def test_an_image_that_no_digest_pins_is_not_run(image):
    with pytest.raises(ValueError, match="not pinned by a digest"):
        container.arguments("docker", "name", [image], ROOM, LIMITS)


def test_a_virtual_machine_is_a_container_under_another_runtime(monkeypatch):
    monkeypatch.setattr(vm, "answers", lambda *_: True)
    plan = levels.of(Level.VM).plan([IMAGE, "run"], ROOM, LIMITS, 5)
    assert pairs(plan.command, "--runtime") == [("runsc",)]
    name = pairs(plan.command, "--name")[0][0]
    assert plan.command[0].endswith("docker")
    assert plan.farewell == (plan.command[0], "rm", "--force", name)


def test_levels_above_need_an_engine_that_answers(monkeypatch):
    monkeypatch.setattr(container, "answers", lambda *_: False)
    monkeypatch.setattr(vm, "answers", lambda *_: False)
    assert levels.of(Level.CONTAINER).available() == "no engine answers: none of podman, docker, apptainer"
    assert levels.of(Level.VM).available() == "docker does not answer, or does not know the runtime runsc"


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (None, "bubblewrap (bwrap) is not installed"),
        ((0, 6, 1), "bubblewrap 0.8 or later is needed, found 0.6.1"),
        ((0, 11, 0), None),
    ],
)
def test_bubblewrap_must_be_recent(monkeypatch, found, reason):
    monkeypatch.setattr(bubblewrap, "version", lambda: found)
    monkeypatch.setattr(bubblewrap.seccomp, "supported", lambda: True)
    assert levels.of(Level.BUBBLEWRAP).available() == reason


@pytest.mark.parametrize("level", list(Level))
def test_every_level_says_what_it_does_not_close(level):
    isolation = levels.of(level)
    assert isolation.level == level
    assert isolation.gaps
    assert all(gap.endswith(".") and " " in gap for gap in isolation.gaps)
