# SPDX-License-Identifier: MIT
"""`cairn report`: the command and its options. Its words are kept by src/view/view_test.c."""
import json
import os
import subprocess

import pytest

pytestmark = pytest.mark.quick


def report(cairn, *arguments):
    return subprocess.run([cairn, "report", *arguments], capture_output=True, text=True)


def test_any_trace_gives_a_page(cairn, small_trace):
    run = report(cairn, small_trace[0])
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith(f"{small_trace[0]}: ")
    assert "\033" not in run.stdout
    assert all(len(line) <= 80 for line in run.stdout.splitlines())
    coloured = report(cairn, "--color=always", small_trace[0]).stdout
    assert "\033[1m" in coloured


def test_json_is_json(cairn, small_trace):
    run = report(cairn, "--json", small_trace[0])
    assert run.returncode == 0
    told = json.loads(run.stdout)
    assert told["events"] > 0
    assert told["end_ns"] >= told["begin_ns"]
    assert {"lost", "cpus", "threads", "waits", "disks", "interrupts", "certainty"} <= told.keys()


@pytest.mark.parametrize("arguments", [
    (), ("a", "b"), ("--pid", "x", "a"), ("--top", "0", "a"), ("--width", "10", "a"),
    ("--color", "red", "a"), ("--nonsense", "a")])
def test_wrong_usage_is_said(cairn, arguments):
    run = report(cairn, *arguments)
    assert run.returncode == 2
    assert "usage: cairn report" in run.stderr or "cairn report --help" in run.stderr
    assert run.stdout == ""


def test_what_is_no_trace_is_said(cairn, tmp_path):
    run = report(cairn, tmp_path / "nowhere")
    assert run.returncode == 1
    assert run.stderr.startswith("cairn report: ")
    assert str(tmp_path / "nowhere") in run.stderr


def test_a_damaged_trace_is_called_so_on_the_page(cairn, small_trace):
    whole = report(cairn, small_trace[0])
    assert "DAMAGED" not in whole.stdout
    stream = max((f for f in small_trace[0].iterdir() if f.name != "metadata"),
                 key=lambda f: f.stat().st_size)
    os.truncate(stream, stream.stat().st_size - 20)
    cut = report(cairn, small_trace[0])
    assert cut.returncode == 0 and "warning" in cut.stderr
    assert "DAMAGED" in cut.stdout
    assert json.loads(report(cairn, "--json", small_trace[0]).stdout)["damaged"] is True


@pytest.mark.parametrize("who, words", [
    (("--comm", "nobody*"), "no thread called 'nobody*'"), (("--pid", "4194303"), "4194303")])
def test_nobody_is_said(cairn, small_trace, who, words):
    assert words in report(cairn, *who, small_trace[0]).stdout
    assert "no thread" not in report(cairn, small_trace[0]).stdout


def test_help_is_no_error(cairn):
    run = report(cairn, "--help")
    assert run.returncode == 0
    assert "--json" in run.stdout
