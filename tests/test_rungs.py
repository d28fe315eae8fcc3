# SPDX-License-Identifier: MIT
"""The lower rungs through the whole tool: the same trace, whichever recorder made it."""
import collections
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

INSTANCES = pathlib.Path("/sys/kernel/tracing/instances")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: tracefs, other users' tasks")
RUNGS = ["tracefs", "perf"]
WORK = "for i in 1 2 3; do true | cat; sleep 0.02; done; exec true"


def record(cairn, out, *options, work=("sh", "-c", WORK)):
    run = subprocess.run([cairn, "record", "-o", out, *options, "--", *work],
                         capture_output=True, text=True, timeout=60)
    if "not readable" in run.stderr or "may not" in run.stderr or "not mounted" in run.stderr:
        pytest.skip(run.stderr.strip())
    return run


def events(out):
    """What babeltrace2 sees: names, and what it says against the trace."""
    run = subprocess.run(["babeltrace2", out], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    return run.stdout.splitlines()


def names(lines):
    return collections.Counter(re.search(r" (\w+): \{ ", line)[1] for line in lines)


def own_instances(pid):
    return [i.name for i in INSTANCES.glob(f"cairn-{pid}-*")]


@needs_root
@pytest.mark.parametrize("rung", RUNGS)
def test_the_same_trace(cairn, tmp_path, rung):
    out = tmp_path / "trace"
    run = record(cairn, out, "--rung", rung, "-e", "syscalls:sys_enter_openat", "-e",
                 "workqueue:workqueue_activate_work")
    assert run.returncode == 0, run.stderr
    lines = events(out)
    seen = names(lines)
    # Two forks a round and one for the sleep, and all of them run a program or end.
    assert seen["sched_process_fork"] >= 9
    assert seen["sched_process_exec"] >= 7
    assert seen["sched_process_exit"] >= 9
    assert seen["sched_switch"] > 20 and seen["sched_waking"] > 10
    assert seen["sys_enter_openat"] > 10
    openat = next(line for line in lines if " sys_enter_openat: " in line)
    assert "dfd = -100" in openat and "_pad" not in openat
    assert any("filename = \"/usr/bin/cat\"" in line or "filename = \"/bin/cat\"" in line
               for line in lines if " sched_process_exec: " in line)
    report = subprocess.run([cairn, "report", out], capture_output=True, text=True, timeout=60)
    assert report.returncode == 0, report.stderr
    assert f"recorder: {rung}" in report.stdout
    assert "nothing lost" in report.stdout


@needs_root
@pytest.mark.parametrize("rung", RUNGS)
def test_flight_recorder(cairn, tmp_path, rung):
    out = tmp_path / "trace"
    run = record(cairn, out, "--rung", rung, "--flight", "1M")
    assert run.returncode == 0, run.stderr
    seen = names(events(out))
    assert seen["sched_switch"] > 20
    assert seen["sched_process_fork"] >= 9


@needs_root
@pytest.mark.parametrize("rung", RUNGS)
def test_condition_is_the_kernels(cairn, tmp_path, rung):
    out = tmp_path / "trace"
    condition = 'comm == "nobody_is_called" || sig == 34'
    run = record(cairn, out, "--rung", rung, "-x", "waits", "-e",
                 f"signal:signal_generate if {condition}")
    assert run.returncode == 0, run.stderr
    assert names(events(out))["signal_generate"] == 0


def switches(out):
    """Each cpu's switches in order: who, to whom, why."""
    found = collections.defaultdict(list)
    for line in events(out):
        if " sched_switch: " in line:
            cpu, prev, nxt, state = (int(re.search(rf"\b{name} = (\w+)", line)[1], 0) for name in
                                     ("cpu_id", "prev_tid", "next_tid", "prev_state"))
            # The tracepoint's field reports only the kinds of sleep; a thread's last switch is an
            # exit state there, TASK_DEAD for BPF.
            found[cpu].append((prev, nxt, 0x80 if state & 0x30 else state & 0xff))
    return found


def broken(switched):
    return any(before[1] != after[0] for seen in switched.values()
               for before, after in zip(seen, seen[1:]))


@needs_root
@pytest.mark.parametrize("rung", RUNGS)
def test_agrees_with_bpf(cairn, tmp_path, rung):
    """Both record the same second: the lower rung saw what BPF saw, in the same order."""
    inner = f"{cairn} record -q --rung {rung} -o {tmp_path}/inner -- sh -c '{WORK}'"
    run = record(cairn, tmp_path / "outer", "--rung", "bpf", work=("sh", "-c", inner))
    if run.returncode:
        pytest.skip(run.stderr.strip())
    outer, inner = switches(tmp_path / "outer"), switches(tmp_path / "inner")
    # Some kernels do not call their tracepoints at every switch, each recorder misses others.
    if broken(outer) or broken(inner):
        pytest.skip("this kernel leaves switches out: who went was not who had come")
    compared = 0
    for cpu, seen in inner.items():
        whole = outer[cpu]
        starts = [i for i in range(len(whole)) if whole[i:i + 5] == seen[:5]]
        assert starts, f"cpu {cpu}: the beginning is not found"
        assert any(whole[i:i + len(seen)] == seen for i in starts)
        compared += len(seen)
    assert compared > 20


@needs_root
def test_nothing_is_left(cairn, tmp_path):
    """Neither by a recorder that ends nor, after the next start, by one that was killed."""
    tool = subprocess.Popen([cairn, "record", "--rung", "tracefs", "-o", tmp_path / "a", "--",
                             "sleep", "3"], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 3
    while not own_instances(tool.pid) and tool.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    if tool.poll() is not None:
        pytest.skip("tracefs is refused here")
    tool.send_signal(signal.SIGKILL)
    tool.wait()
    assert own_instances(tool.pid)
    run = record(cairn, tmp_path / "b", "--rung", "tracefs", work=("true",))
    assert run.returncode == 0, run.stderr
    assert not own_instances(tool.pid)
