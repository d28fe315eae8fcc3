# SPDX-License-Identifier: MIT
"""`cairn list`: what can be recorded."""
import json
import os
import pathlib
import subprocess

import pytest

TRACEFS = pathlib.Path("/sys/kernel/tracing/events")
needs_tracefs = pytest.mark.skipif(not os.access(TRACEFS, os.R_OK),
                                   reason="tracefs is not readable")
pytestmark = pytest.mark.quick


@pytest.fixture
def list_(cairn):
    def run(*arguments, prefix=()):
        return subprocess.run([*prefix, cairn, "list", *arguments], capture_output=True, text=True)

    return run


def test_the_sets_are_shown_to_everybody(list_):
    run = list_()
    assert run.returncode == 0
    first_words = [line.split()[0] for line in run.stdout.splitlines()[:3]]
    assert first_words == ["waits", "syscalls", "locks"]
    assert all(len(line) <= 80 for line in list_("sets", "-v").stdout.splitlines())
    sets = json.loads(list_("sets", "--json").stdout)["sets"]
    assert [s["name"] for s in sets if s["default"]] == ["waits"]
    assert "sched_switch" in sets[0]["events"] and "sys_enter" in sets[1]["events"]


@needs_tracefs
@pytest.mark.skipif(not os.path.exists("/sys/kernel/btf/vmlinux"), reason="this kernel has no BTF")
def test_functions_of_the_kernel_are_shown_with_their_parameters(list_):
    run = list_("kprobe:vfs_rea?")
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[0] == \
        "ssize_t vfs_read(struct file *file, char *buf, size_t count, loff_t *pos)"
    assert ("built without kprobes" in run.stdout) != \
        os.path.exists("/sys/kernel/tracing/kprobe_events")
    found = json.loads(list_("kretprobe:vfs_read*", "--json").stdout)["functions"]
    assert [f["name"] for f in found] == sorted(f["name"] for f in found) and len(found) > 1
    run = list_("kprobe:no_such_function")
    assert run.returncode == 1 and "is called 'no_such_function'" in run.stderr


@needs_tracefs
def test_a_glob_chooses_tracepoints(list_):
    names = list_("sched:sched_process_*").stdout.split()
    there = [f"sched:{d.name}" for d in TRACEFS.glob("sched/sched_process_*") if d.is_dir()]
    assert names == sorted(there)
    assert list_("sched_switch").stdout == "sched:sched_switch\n"
    assert list_("events", "sched_switch").stdout == "sched:sched_switch\n"


@needs_tracefs
def test_fields_are_told_as_conditions_know_them(list_):
    event, = json.loads(list_("sched_process_exec", "-v", "--json").stdout)["events"]
    kinds = {f["name"]: (f["compares_as"], f["type"]) for f in event["fields"]}
    assert kinds["filename"] == ("text", "char[]")
    assert kinds["pid"] == ("number", "pid_t")
    assert "    filename  text    char[]\n" in list_("sched_process_exec", "-v").stdout


@needs_tracefs
def test_no_match_is_a_failure_with_a_sentence(list_):
    run = list_("no_such_event")
    assert (run.returncode, run.stdout) == (1, "")
    assert "no tracepoint 'no_such_event'" in run.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become nobody")
def test_nobody_is_told_what_is_missing(list_):
    nobody = ["setpriv", "--reuid", "65534", "--clear-groups"]
    assert list_(prefix=nobody).returncode == 0
    run = list_("events", prefix=nobody)
    if run.returncode == 0:
        pytest.skip("tracefs is open to everybody here")
    assert run.returncode == 1 and "tracefs is not readable" in run.stderr


def test_a_wrong_command_line_is_told(list_):
    assert list_("--nonsense").returncode == 2
    assert list_("sets", "x").returncode == 2
    assert list_("events", "a", "b").returncode == 2
