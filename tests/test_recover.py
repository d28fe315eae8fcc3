# SPDX-License-Identifier: MIT
"""`cairn recover` and what it makes of damaged traces, judged by babeltrace2 and by itself."""
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import time

import pytest
from trace_files import EVENTS, babeltrace, packets, streams

pytestmark = pytest.mark.skipif(not shutil.which("babeltrace2"), reason="babeltrace2 is missing")


def recover(cairn, *arguments):
    return subprocess.run([cairn, "recover", *arguments], capture_output=True, text=True)


def cut_everywhere(cairn, small_trace, offsets):
    """Cuts kernel_0 at each offset: what is left has the events in front of it, and no other."""
    trace, expected = small_trace
    whole = (trace / "kernel_0").read_bytes()
    starts = [at for at, _ in packets(trace / "kernel_0")] + [len(whole)]
    for cut in offsets(len(whole)):
        damaged = trace.parent / "damaged"
        shutil.rmtree(damaged, ignore_errors=True)
        shutil.copytree(trace, damaged)
        (damaged / "kernel_0").write_bytes(whole[:cut])
        run = recover(cairn, damaged)
        assert run.returncode == 0, run.stderr
        kept = max(i for i, start in enumerate(starts) if start <= cut)
        assert f"kernel_0     {kept} packet" in run.stdout
        seen = babeltrace(damaged)
        assert seen.stderr == "" and seen.returncode == 0, f"cut at {cut}: {seen.stderr}"
        missing = set(expected.splitlines()) - set(seen.stdout.splitlines())
        assert all("cpu_id = 0" in event for event in missing)
        assert not set(seen.stdout.splitlines()) - set(expected.splitlines())
        again = recover(cairn, damaged)
        assert "nothing to mend" in again.stdout


@pytest.mark.quick
def test_a_cut_stream_keeps_its_events(cairn, small_trace):
    cut_everywhere(cairn, small_trace, lambda size: range(1, size, size // 8))


def test_a_cut_stream_keeps_its_events_at_many_offsets(cairn, small_trace):
    cut_everywhere(cairn, small_trace, lambda size: sorted(random.sample(range(size), 60)))


@pytest.mark.quick
def test_a_dry_run_changes_nothing(cairn, small_trace):
    trace, _ = small_trace
    stream = trace / "kernel_1"
    stream.write_bytes(stream.read_bytes() + b"garbage")
    before = stream.read_bytes()
    run = recover(cairn, "-n", trace)
    assert run.returncode == 1 and "1 of 3 files would be mended" in run.stdout
    assert stream.read_bytes() == before
    assert recover(cairn, trace).returncode == 0
    assert stream.read_bytes() == before[:-7]
    assert recover(cairn, "-n", trace).returncode == 0


@pytest.mark.quick
def test_a_front_that_is_no_packet_goes(cairn, small_trace):
    trace, expected = small_trace
    stream = trace / "state"
    whole = stream.read_bytes()
    stream.write_bytes(b"?" * 33 + whole)
    assert recover(cairn, trace).returncode == 0
    assert stream.read_bytes() == whole
    assert babeltrace(trace).stdout == expected


@pytest.mark.quick
def test_files_of_others_are_named_and_left(cairn, small_trace):
    trace, _ = small_trace
    (trace / "README").write_text("not a stream\n")
    (trace / "folder").mkdir()
    (trace / ".metadata.new").write_text("left by a kill")
    (trace / ".hidden").write_text("of no concern")
    run = recover(cairn, trace)
    assert run.returncode == 1
    assert re.search(r"^README +is no part of this trace", run.stdout, re.M)
    assert re.search(r"^folder +is no part of this trace", run.stdout, re.M)
    assert (trace / "README").read_text() == "not a stream\n"
    assert not (trace / ".metadata.new").exists() and (trace / ".hidden").exists()


@pytest.mark.quick
def test_what_cannot_be_recovered_is_said(cairn, small_trace, tmp_path):
    trace, _ = small_trace

    def refused(path, sentence):
        run = recover(cairn, path)
        assert run.returncode == 1 and run.stdout == ""
        assert run.stderr.startswith("cairn recover: ") and sentence in run.stderr, run.stderr

    metadata = (trace / "metadata").read_text()
    refused(tmp_path / "nowhere", "No such file or directory")
    refused(tmp_path, "has no file `metadata`")
    for cut in range(0, len(metadata), 97):
        (trace / "metadata").write_text(metadata[:cut])
        refused(trace, "metadata is damaged")
    (trace / "metadata").write_text(metadata.replace("id = 1;", "id = ?;"))
    refused(trace, "metadata is damaged, so that nobody can tell events from other bytes: ")
    (trace / "metadata").write_text(metadata.replace('"cairn"', '"lttng-modules"'))
    refused(trace, "is not a trace that cairn wrote")
    assert recover(cairn).returncode == 2
    assert recover(cairn, "--what", trace).returncode == 2
    assert recover(cairn, "--help").returncode == 0


@pytest.mark.quick
def test_a_trace_being_recorded_is_left_alone(cairn, make_trace, tmp_path):
    with flood(make_trace, tmp_path) as (process, trace, _):
        run = recover(cairn, trace)
        assert run.returncode == 1 and "is being recorded into" in run.stderr
        process.kill()
    assert recover(cairn, trace).returncode == 0


class flood:
    """A program that writes flat out: (process, trace, counts() of packets by cpu)."""

    def __init__(self, make_trace, directory, name="flood"):
        self.trace = directory / name
        self.file = directory / (name + ".counts")
        self.command = [make_trace, "flood", self.trace, self.file]

    def counts(self):
        return struct.unpack_from("<2Q", self.file.read_bytes())

    def __enter__(self):
        self.process = subprocess.Popen(self.command)
        while not self.file.exists() or len(self.file.read_bytes()) < 16 or not self.counts()[0]:
            assert self.process.poll() is None
            time.sleep(0.0005)
        return self.process, self.trace, self.counts

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def test_a_trace_is_valid_while_it_is_written(cairn, make_trace, tmp_path):
    torn = 0
    for i in range(8):
        with flood(make_trace, tmp_path, f"flood{i}") as (process, trace, counts):
            time.sleep(random.uniform(0, 0.004))
            process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED)
            seen = babeltrace(trace)
        if seen.returncode:
            torn += 1
            assert recover(cairn, trace).returncode == 0
            seen = babeltrace(trace)
        assert seen.returncode == 0 and seen.stderr == ""
        assert seen.stdout.count("\n") >= sum(counts()) * EVENTS
    assert torn <= 1, "only the moment of a growth shows"


def test_a_kill_at_any_moment_costs_the_packet_in_flight(cairn, make_trace, tmp_path):
    torn = 0
    for i in range(200):
        with flood(make_trace, tmp_path) as (process, trace, counts):
            time.sleep(random.uniform(0, 0.01))
            process.send_signal(signal.SIGKILL)
            process.wait()
        run = recover(cairn, trace)
        assert run.returncode == 0, run.stdout + run.stderr
        torn += "nothing to mend" not in run.stdout
        whole = [len([h for _, h in packets(s) if h[5] > 65000 * 8]) for s in streams(trace)]
        told = counts()
        assert all(w >= t for w, t in zip(whole, told)), (whole, told)
        if i % 20 == 0:
            seen = babeltrace(trace)
            assert seen.returncode == 0 and seen.stderr == ""
            assert seen.stdout.count("\n") >= sum(whole) * EVENTS
        shutil.rmtree(trace)
        (tmp_path / "flood.counts").unlink()
    assert torn <= 4, "a trace is valid at nearly every moment"
