# SPDX-License-Identifier: MIT
"""The kernel's own counts of its tracepoints, read at moments that a trace can be asked about.

A perf counter on every cpu counts a tracepoint without recording it; /proc/stat counts context
switches without any tracepoint. A reading lies between two times, so a trace agrees when it has no
more events surely between two readings and no fewer possibly between them.

/proc/stat has a few switches in 10,000 that no tracer of the tracepoint sees (BPF, tracefs and perf
miss the same), and one kernel was met that runs no BPF program while certain threads run, 0.1 to
1.7 % of the events: TOLERANCE is for these. A perf counter of sched_switch itself is no judge: it
leaves out up to 15 % of the switches on the cpu where its owner runs.
"""
import bisect
import collections
import contextlib
import ctypes
import json
import os
import pathlib
import struct
import subprocess
import time

TRACEFS = pathlib.Path("/sys/kernel/tracing/events")
EVENTS = ("sched/sched_waking", "irq/irq_handler_entry", "block/block_rq_issue")
PERF_TYPE_TRACEPOINT = 2
SYS_PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}
ATTR_BYTES = 64

TOLERANCE = 0.03


class Count(collections.namedtuple("Count", "what event value surely possibly")):
    """What the kernel counted between two readings, and what a trace has there."""

    def off(self):
        """By how many events the two contradict each other."""
        return max(self.surely - self.value, self.value - self.possibly, 0)

    def agrees(self):
        return self.off() <= 5 + TOLERANCE * self.value


def open_counter(tracepoint, cpu):
    number = int((TRACEFS / tracepoint / "id").read_text())
    attr = struct.pack("IIQ", PERF_TYPE_TRACEPOINT, ATTR_BYTES, number).ljust(ATTR_BYTES, b"\0")
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(SYS_PERF_EVENT_OPEN[os.uname().machine], attr, -1, cpu, -1, 0)
    if fd < 0:
        raise OSError(ctypes.get_errno(), f"cannot count {tracepoint}")
    return fd


def context_switches():
    with open("/proc/stat", encoding="ascii") as stat:
        return next(int(line.split()[1]) for line in stat if line.startswith("ctxt"))


class Counters:
    def __init__(self):
        cpus = range(os.cpu_count())
        self.fds = {name: [open_counter(name, cpu) for cpu in cpus] for name in EVENTS}
        self.readings = []

    def close(self):
        for fd in sum(self.fds.values(), []):
            os.close(fd)

    def read_one(self, name):
        return sum(struct.unpack("Q", os.read(fd, 8))[0] for fd in self.fds[name])

    def read(self):
        """Called twice, around what is counted."""
        reading = {}
        for name in (*EVENTS, "ctxt"):
            before = time.monotonic_ns()
            value = context_switches() if name == "ctxt" else self.read_one(name)
            reading[name] = before, value, time.monotonic_ns()
        self.readings.append(reading)

    def counts(self, times):
        """A Count for each counter; `times` has the sorted times of each event's name."""
        first, last = self.readings
        for name in (*EVENTS, "ctxt"):
            event = "sched_switch" if name == "ctxt" else name.split("/")[1]
            (a, begin, b), (c, end, d) = first[name], last[name]
            within = [bisect.bisect_right(times[event], until) -
                      bisect.bisect_left(times[event], since) for since, until in ((b, c), (a, d))]
            what = "/proc/stat ctxt" if name == "ctxt" else f"perf counter {name}"
            yield Count(what, event, end - begin, *within)


@contextlib.contextmanager
def counting():
    """Counts what happens within the block."""
    counters = Counters()
    try:
        counters.read()
        yield counters
        counters.read()
    finally:
        counters.close()


def times_in(cairn, trace):
    """{event: sorted times} of what the counters count, as `cairn dump` has it."""
    names = ["sched_switch", *(name.split("/")[1] for name in EVENTS)]
    wanted = sum((["-e", name] for name in names), [])
    done = subprocess.run([cairn, "dump", "--json", *wanted, trace], capture_output=True, text=True,
                          check=True)
    times = {name: [] for name in names}
    for event in map(json.loads, done.stdout.splitlines()):
        if event["event"] in times:
            times[event["event"]].append(event["time_ns"])
    return times
