# SPDX-License-Identifier: MIT
"""`cairn dump`: every field as babeltrace2 reads it, on traces of other tracers; the command."""
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess

import pytest

FIXTURE = pathlib.Path(__file__).resolve().parent / "fixture"
# In the layout of LTTng's kernel modules, which nothing here can load.
KERNEL_METADATA = (FIXTURE / "lttng-kernel.tsdl").read_text()
needs_babeltrace = pytest.mark.skipif(not shutil.which("babeltrace2"),
                                      reason="babeltrace2 is missing")

TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|\[\d+\] =|[{}\[\](),:=]|<unknown>|[^\s{}\[\](),=]+)')


class Fields:
    """babeltrace2's text as Python values."""

    def __init__(self, text):
        self.tokens = TOKEN.findall(text)
        self.at = 0

    def take(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def members(self, end):
        while self.peek() != end:
            name = self.take()
            if not name.startswith("["):
                assert self.take() == "="
            yield name, self.value()
            if self.peek() == ",":
                self.take()
        self.take()

    def value(self):
        token = self.take()
        if token == "{" and self.peek() == "{":  # a variant's structure
            inner = self.value()
            assert self.take() == "}"
            return inner
        if token == "{":
            return dict(self.members("}"))
        if token == "[":
            return [value for _, value in self.members("]")]
        if token == "(":
            return self.enumeration()
        if token.startswith('"'):
            return json.loads(token)
        if token.startswith("0x"):
            return int(token, 16)
        if re.fullmatch("0[0-7]+", token):
            return int(token, 8)
        return float(token) if re.search("[.e]|nan|inf", token) else int(token)

    def enumeration(self):
        label = self.take()
        assert [self.take() for _ in range(3)] == [":", "container", "="]
        value = int(self.take(), 0)
        assert self.take() == ")"
        return value if label == "<unknown>" else json.loads(label)


def babeltrace_events(trace):
    run = subprocess.run(["babeltrace2", "--clock-cycles", "--no-delta", trace],
                         capture_output=True, text=True, check=True)
    for line in run.stdout.splitlines():
        time, name, rest = re.match(r"\[(\d+)\] (?:\S+ )?(\S+): (.*)", line).groups()
        parts = Fields(rest)
        structures = []
        while parts.peek():
            structures.append(parts.value())
            if parts.peek() == ",":
                parts.take()
        yield int(time), name, structures


def same(ours, theirs):
    """Integers that are shown in hex lose their sign in babeltrace2, reals their digits."""
    if isinstance(theirs, dict):
        return list(ours) == list(theirs) and all(same(ours[k], theirs[k]) for k in ours)
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(theirs, float) or isinstance(ours, float):
        return ours == pytest.approx(theirs, rel=1e-5)
    if isinstance(theirs, int):
        return isinstance(ours, int) and (ours - theirs) % (1 << 64) == 0
    return ours == theirs


def dump(cairn, *arguments):
    run = subprocess.run([cairn, "dump", *arguments], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run


def compare(cairn, trace, has_context):
    ours = [json.loads(line) for line in dump(cairn, "--json", trace).stdout.splitlines()]
    theirs = list(babeltrace_events(trace))
    assert len(ours) == len(theirs)
    for event, (time, name, structures) in zip(ours, theirs):
        assert (event["time_ns"], event["event"]) == (time, name)
        assert same(event["fields"], structures[-1]), (event, structures)
        if has_context(event):
            assert same(event["context"], structures[1]), (event, structures)
    return ours


@pytest.mark.quick
@needs_babeltrace
def test_a_user_trace_of_lttng_reads_as_in_babeltrace(cairn):
    events = compare(cairn, FIXTURE / "lttng-ust", lambda event: "context" in event)
    assert len(events) == 60
    assert {event["event"] for event in events} == {"fixture:small", "fixture:everything"}
    assert any(event["fields"].get("colour") == "greens" for event in events)


MAGIC = bytes(range(16))


def packet(stream, cpu, begin, end, events, sequence=0, discarded=0):
    body = b"".join(events)
    header = 32 + 52
    size = (header + len(body) + 63) // 64 * 64
    return (struct.pack("<I16sIQ", 0xC1FC1FC1, MAGIC, stream, cpu) +
            struct.pack("<QQQQQQI", begin, end, 8 * (header + len(body)), 8 * size, sequence,
                        discarded, cpu) + body).ljust(size, b"\0")


def compact(event, time):
    return struct.pack("<I", event | (time & 0x7FFFFFF) << 5)


def extended(event, time):
    return struct.pack("<BIQ", 31, event, time)


def large(event, time):
    return struct.pack("<HI", event, time & 0xFFFFFFFF)


def switch(tid, next_tid, state):
    return struct.pack("<i16siqi", tid, b"a \"b\"", tid, state, next_tid)


def connect(family):
    address = struct.pack("<H4B", 80, 127, 0, 0, 1) if family else b""
    return struct.pack("<iiIB", 7, 3, 2, family) + address + b"\x01\xff"


def kmalloc(site):
    return struct.pack("<QI", site, 0o644) + b"\x00\x50\x01\xbb"


@pytest.fixture
def kernel(tmp_path):
    """A trace as LTTng's kernel modules write it: two channels, two cpus, clocks that wrap."""
    trace = tmp_path / "kernel"
    trace.mkdir()
    (trace / "metadata").write_text(KERNEL_METADATA)
    t = 5 << 32
    (trace / "sched_0").write_bytes(
        packet(0, 0, t, t + (1 << 27) + 9, [
            compact(3, t + 5) + switch(5, 6, 1),
            extended(40, t + 6) + connect(0),
            compact(3, t + (1 << 27) + 1) + switch(6, 5, 77),
        ]) + packet(0, 0, t + (1 << 28), t + (1 << 28) + 9, [
            extended(40, t + (1 << 28) + 3) + connect(2),
        ], 1))
    (trace / "sched_1").write_bytes(packet(0, 1, t, t + 9, [compact(3, t + 5) + switch(8, 0, 64)]))
    (trace / "kmem_0").write_bytes(packet(1, 0, t, t + (1 << 33), [
        large(2, t + 7) + kmalloc(0xFFFFFFFF81000000),
        struct.pack("<HIQ", 65535, 2, t + (1 << 33)) + kmalloc(0),
    ]))
    return trace


@pytest.mark.quick
@needs_babeltrace
def test_a_kernel_trace_of_lttng_reads_as_in_babeltrace(cairn, kernel):
    events = compare(cairn, kernel, lambda event: "context" in event)
    assert [event["tid"] for event in events] == [5, 8, 7, 6, 6, 7, 5]


@pytest.mark.quick
def test_text_is_as_the_manual_shows_it(cairn, kernel):
    lines = dump(cairn, kernel).stdout.splitlines()
    assert lines[0] == ('[   21.474836485] cpu0  tid 5        sched_switch  {tid=5} '
                        'prev_comm="a \\"b\\"" prev_tid=5 prev_state=TASK_INTERRUPTIBLE next_tid=6')
    assert lines[2].endswith("fd=3 _uservaddr_length=2 family_tag=_none address={} bytes=[1, 255]")
    assert lines[3].endswith("kmem_kmalloc  call_site=0xffffffff81000000 gfp=0644 port=[80, 443]")
    assert lines[5].endswith("address={port=80 addr=[127, 0, 0, 1]} bytes=[1, 255]")


@pytest.mark.quick
@pytest.mark.parametrize("arguments, count", [
    (["-e", "sched*"], 3), (["-e", "kmem*", "--event", "sched_switch"], 5), (["--cpu", "1"], 1),
    (["--tid", "6"], 2), (["--from", "21.474836487"], 4), (["--to", "+0.000000006"], 3),
    (["--head", "2"], 2), (["--from", "+1s"], 1), (["-e", "none"], 0),
])
def test_a_part_is_what_was_asked_for(cairn, kernel, arguments, count):
    assert len(dump(cairn, *arguments, kernel).stdout.splitlines()) == count


@pytest.mark.quick
def test_losses_stand_where_they_happened(cairn, tmp_path):
    (tmp_path / "metadata").write_text(KERNEL_METADATA)
    (tmp_path / "a").write_bytes(
        packet(0, 0, 10, 20, [compact(3, 15) + switch(1, 2, 0)]) +
        packet(0, 0, 30, 40, [compact(3, 35) + switch(1, 2, 0)], 1, 7) +
        packet(0, 0, 50, 60, [compact(3, 55) + switch(1, 2, 0)], 4, 7))
    lines = dump(cairn, "-e", "none", tmp_path).stdout.splitlines()
    assert lines == [
        "[    0.000000040] cpu0  tid ?        --- lost 7 events since     0.000000020 ---",
        "[    0.000000050] cpu0  tid ?        --- lost 2 packets since     0.000000040 ---",
    ]


@pytest.mark.quick
def test_a_full_disk_is_said_and_a_closed_pipe_is_not(cairn, kernel):
    with open("/dev/full", "w", encoding="utf8") as full:
        run = subprocess.run([cairn, "dump", kernel], stdout=full, stderr=subprocess.PIPE,
                             text=True)
    assert run.returncode == 1
    assert run.stderr == "cairn dump: writing: No space left on device\n"
    run = subprocess.Popen([cairn, "dump", kernel], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)
    run.stdout.close()
    assert run.wait() == 0
    assert run.stderr.read() == ""


@pytest.mark.quick
def test_mistakes_have_a_sentence(cairn, tmp_path):
    run = subprocess.run([cairn, "dump", tmp_path], capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr.endswith("is no trace: no file named metadata in it or below\n")
    for arguments in [[], ["--cpu", "x", "."], ["--from", "soon", tmp_path], ["--never", "."]]:
        assert subprocess.run([cairn, "dump", *arguments], capture_output=True).returncode == 2


@pytest.mark.quick
def test_damage_is_said_beside_what_is_left(cairn, kernel):
    file = kernel / "sched_0"
    file.write_bytes(file.read_bytes()[:-10])
    run = dump(cairn, kernel)
    assert len(run.stdout.splitlines()) == 7
    assert "bytes behind the file: read as far as it goes" in run.stderr


@pytest.mark.quick
def test_a_file_cut_while_it_is_read_is_said(cairn, tmp_path):
    trace = tmp_path / "trace"
    helper = pathlib.Path(cairn).parent / "helper" / "make_trace"
    subprocess.run([helper, "fill", trace, "20", tmp_path / "none"], check=True,
                   stderr=subprocess.DEVNULL)
    run = subprocess.Popen([cairn, "dump", trace], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)
    run.stdout.readline()
    for file in trace.glob("kernel_*"):
        os.truncate(file, 0)
    errors = run.communicate()[1]
    assert run.returncode == 1
    assert errors == "cairn: a file became shorter while it was read\n"
