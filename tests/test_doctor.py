# SPDX-License-Identifier: MIT
"""`cairn doctor`: what it says must be so, fit a terminal, and leave nothing behind."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

RECORDERS = ["bpf", "tracefs", "perf"]


@pytest.fixture(scope="module")
def doctor(cairn):
    def run(*arguments, prefix=(), tool=cairn):
        done = subprocess.run([*prefix, tool, "doctor", *arguments], capture_output=True,
                              text=True, timeout=60)
        assert done.returncode in (0, 1, 2), done.stderr
        return done

    return run


@pytest.fixture
def as_nobody(doctor, cairn, tmp_path_factory):
    """The tool where everybody can reach it, run by uid 65534."""
    if os.getuid() != 0:
        pytest.skip("only root can become nobody")
    tool = pathlib.Path(shutil.copy(cairn, "/tmp/cairn-doctor-test"))
    tool.chmod(0o755)
    yield lambda *arguments: doctor(
        *arguments, prefix=["setpriv", "--reuid", "65534", "--clear-groups"], tool=tool)
    tool.unlink()


def look_at(done):
    report = json.loads(done.stdout)
    findings = report["findings"]
    assert {f["state"] for f in findings} <= {"ok", "note", "refused"}
    for f in findings:
        assert (f["state"] == "ok") == (f["consequence"] is None), f
        assert f["state"] != "refused" or f["detail"], f
    assert [f["facility"] for f in findings[:3]] == RECORDERS
    works = [f["facility"] for f in findings[:3] if f["state"] == "ok"]
    assert report["recorder"] == (works[0] if works else None)
    assert done.returncode == (0 if works else 1)
    return {f["facility"]: f for f in findings}


def test_the_best_recorder_that_works_is_named(doctor):
    look_at(doctor("--json"))


def test_a_person_reads_it_in_80_columns(doctor):
    done = doctor()
    assert max(map(len, done.stdout.splitlines())) <= 80
    verdict = done.stdout.splitlines()[-1]
    assert verdict.startswith("`cairn record` works here" if done.returncode == 0
                              else "`cairn record` does not work here")


def test_nothing_is_left_behind(doctor):
    done = doctor("--json")
    assert done.stderr == ""
    for folder in "/sys/kernel/tracing/instances", "/sys/fs/bpf":
        names = [p.name for p in pathlib.Path(folder).glob("cairn-*")]
        assert not [n for n in names if "doctor" in n or "probing" in n]
    for events in "kprobe_events", "uprobe_events":
        path = pathlib.Path("/sys/kernel/tracing") / events
        assert not path.exists() or "cairn" not in path.read_text()


@pytest.mark.quick
def test_nobody_is_told_why_and_what_would_help(as_nobody):
    found = look_at(as_nobody("--json"))
    if found["bpf"]["state"] == "ok":
        pytest.skip("everybody may load BPF programs here")
    assert "CAP_BPF and CAP_PERFMON, which uid 65534 lacks" in found["bpf"]["detail"]
    assert "CAP_BPF" in found["bpf"]["remedy"]
    assert "CAP_BPF CAP_PERFMON" in found["capabilities"]["detail"]
    text = as_nobody().stdout
    assert max(map(len, text.splitlines())) <= 80
    assert "`cairn record` does not work here" in text or "works here and uses" in text


@pytest.mark.quick
def test_a_wrong_command_line_is_told(doctor):
    assert doctor("--nonsense").returncode == 2
    assert doctor("word").returncode == 2
    assert doctor("--help").returncode == 0
