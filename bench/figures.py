# SPDX-License-Identifier: MIT
"""What the benches share: the table's lines, a recorder that runs meanwhile, a mixed load.

A line is `metric  value  unit  goal`, then `met` or `missed`, then what the value is the median of.
"""
import contextlib
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / os.environ.get("BUILD", "build")
CAIRN = BUILD / "cairn"
SKIPPED = 77

missed = []


def say(metric, values, unit, goal=None):
    """One line; `values` is a number or all the rounds' numbers, `goal` is like "<= 24"."""
    values = sorted(values) if hasattr(values, "__iter__") else [values]
    value = statistics.median(values)
    verdict = ""
    if goal:
        relation, bound = goal.split()
        met = value <= float(bound) if relation == "<=" else value >= float(bound)
        verdict = "met" if met else "missed"
        if not met:
            missed.append(metric)
    spread = f"{values[0]:.4g} .. {values[-1]:.4g} of {len(values)}" if len(values) > 1 else ""
    shown = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    print(f"{metric:40} {shown:>9}  {unit:14}  {goal or '-':9}  {verdict:6}  {spread}".rstrip(),
          flush=True)


def skip(why):
    """This machine cannot have the figures: say why, and end as one who skips."""
    print(f"skipped: {why}", flush=True)
    sys.exit(SKIPPED)


def cpu_ns(pid):
    """What a process has run so far."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total


class Recorder:
    """`cairn record` beside a load; `summary` is its last line."""

    def __init__(self, out, *options):
        self.out = out
        self.tool = subprocess.Popen([CAIRN, "record", "-o", out, *options],
                                     stderr=subprocess.PIPE, text=True)
        self.summary = ""

    def settle(self):
        """Waits until its preparations are over: it records then."""
        before, deadline = -1, time.monotonic() + 6
        while time.monotonic() < deadline:
            time.sleep(0.2)
            if self.tool.poll() is not None:
                skip(self.tool.stderr.read().strip())
            now = cpu_ns(self.tool.pid)
            if now - before < 10e6 and before >= 0:
                return
            before = now

    def stop(self):
        self.tool.send_signal(signal.SIGINT)
        self.summary = self.tool.communicate(timeout=60)[1].strip()

    def lost(self):
        found = re.search(r"(\S+) lost", self.summary)
        if not found:
            skip(self.summary or "the recorder said nothing")
        return 0 if found[1] == "nothing" else int(found[1].replace(",", ""))


@contextlib.contextmanager
def recording(out, *options):
    recorder = Recorder(out, *options)
    try:
        recorder.settle()
        yield recorder
    finally:
        if recorder.tool.poll() is None:
            recorder.stop()


MIXED = r"""
set -e
gcc -std=gnu11 -D_GNU_SOURCE -O2 -Isrc -c src/util/json.c -o "$1/mixed.o"
tar cf - src/kernel src/ctf | gzip -1 >"$1/mixed.tar.gz"
/usr/bin/python3 - "$1/mixed.db" <<'END'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("create table if not exists t(a integer, b text)")
for turn in range(20):
    db.execute("begin")
    db.executemany("insert into t values (?, ?)", ((n, "row %d" % n) for n in range(200)))
    db.execute("commit")
db.execute("drop table t")
END
"""


def mixed_load(work):
    """A compiler, tar | gzip and a database with its fsyncs; the cpu seconds they took."""
    child = subprocess.Popen(["sh", "-c", MIXED, "mixed", work], cwd=ROOT)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        skip(f"the mixed load needs gcc, tar, gzip, python3: exit status {child.returncode}")
    return used.ru_utime + used.ru_stime


def need_root():
    if os.geteuid() != 0:
        skip("recording the whole system needs root")
