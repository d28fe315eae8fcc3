# SPDX-License-Identifier: MIT
"""kill -9 of `cairn record` at any moment: what it had recorded is in the trace after a recovery,
and nothing of it stays in the kernel. CAIRN_KILL_ROUNDS=100 for many rounds instead of a few."""
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time

import pytest

ROUNDS = int(os.environ.get("CAIRN_KILL_ROUNDS", "3"))
KEPT = pathlib.Path("/run/cairn/kept")
PINS = "/sys/fs/bpf/cairn-{}"
INSTANCES = pathlib.Path("/sys/kernel/tracing/instances")

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="recording the whole system needs root"),
    pytest.mark.skipif(not shutil.which("babeltrace2"), reason="babeltrace2 is missing"),
]

# umask(1), umask(2), umask(3), …; a file says which was the last one done.
COUNTER = """
import mmap, os, struct, sys, time
os.sched_setaffinity(0, {int(sys.argv[2])})
with open(sys.argv[1], "r+b") as file:
    told = mmap.mmap(file.fileno(), 8)
n = 0
while True:
    for _ in range(2000):
        n += 1
        os.umask(n)
        struct.pack_into("<Q", told, 0, n)
    time.sleep(0.005)
"""


UMASK = re.compile(r" sys_enter: \{ cpu_id = (\d+).*\{ id = 95, arg0 = 0x(\w+)")


class Counter:
    def __init__(self, directory, cpu):
        self.cpu = cpu
        self.file = directory / f"count_{cpu}"
        self.file.write_bytes(bytes(8))
        self.process = subprocess.Popen([sys.executable, "-c", COUNTER, self.file, str(cpu)])

    def told(self):
        return int.from_bytes(self.file.read_bytes(), "little")


@pytest.fixture
def counters(tmp_path):
    found = [Counter(tmp_path, cpu) for cpu in os.sched_getaffinity(0)]
    yield found
    for counter in found:
        counter.process.kill()
        counter.process.wait()


def fdinfo(pid, what):
    """The BPF maps (map_id) or attached programs (link_id) a process has open."""
    found = set()
    for file in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            found.update(re.findall(rf"^{what}:\t(\d+)", file.read_text(), re.M))
        except FileNotFoundError:
            pass
    return found


def recording(cairn, trace, counters, *options):
    """A recorder at work: both programs of the system calls are attached."""
    pids = [word for c in counters for word in ("-p", str(c.process.pid))]
    process = subprocess.Popen([cairn, "record", "-q", "-o", trace, "--only", "-x", "waits", "-e",
                                "syscalls", *options, *pids], stderr=subprocess.PIPE, text=True)
    while process.poll() is None and len(fdinfo(process.pid, "link_id")) < 2:
        time.sleep(0.005)
    if process.poll() is not None:
        pytest.skip(process.stderr.read().strip())
    return process


def assert_nothing_left(pid):
    assert not (KEPT / str(pid)).exists()
    assert not os.path.exists(PINS.format(pid))
    assert not list(INSTANCES.glob(f"cairn-{pid}-*"))


def assert_no_maps(maps):
    """Looks once, and late: Linux 6.18 keeps a program array for good that somebody opens by its
    number, as bpftool does, in the moment in which its last owner goes."""
    if shutil.which("bpftool"):
        time.sleep(1.5)
        shown = subprocess.run(["bpftool", "map"], capture_output=True, text=True, check=True)
        assert not maps & set(re.findall(r"^(\d+):", shown.stdout, re.M))


def counts(trace):
    """{cpu: [n, …]} as babeltrace2 reads them, which must have nothing against the trace."""
    run = subprocess.run(["babeltrace2", trace], capture_output=True, text=True)
    assert run.returncode == 0 and run.stderr == "", run.stderr
    found = {}
    for line in run.stdout.splitlines():
        match = UMASK.search(line)
        if match:
            found.setdefault(int(match[1]), []).append(int(match[2], 16))
    return found


@pytest.mark.parametrize("options", [[], ["--flight", "1M"]], ids=["streaming", "flight"])
def test_a_kill_loses_nothing(cairn, tmp_path, counters, options):
    maps = set()
    for i in range(ROUNDS):
        trace = tmp_path / f"trace{i}"
        process = recording(cairn, trace, counters, *options)
        begun = [c.told() for c in counters]
        time.sleep(random.uniform(0, 0.4))
        maps |= fdinfo(process.pid, "map_id")
        told = [c.told() for c in counters]
        process.kill()
        process.wait()
        assert os.path.exists(PINS.format(process.pid))
        run = subprocess.run([cairn, "recover", trace], capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr
        assert_nothing_left(process.pid)
        found = counts(trace)
        for counter, first, last in zip(counters, begun, told):
            seen = found.get(counter.cpu)
            if first == last and not seen:
                continue  # it made no call while it was recorded
            assert seen and seen[-1] >= last, "the last calls are lost"
            assert seen == list(range(seen[0], seen[-1] + 1)), "a gap, or an event twice"
            assert options or seen[0] <= first + 1, f"{seen[0] - first - 1} calls are lost"
        shutil.rmtree(trace)
    assert_no_maps(maps)


def test_the_next_recording_rescues_too(cairn, tmp_path, counters):
    """Also of a recorder that was killed while it started."""
    process = recording(cairn, tmp_path / "first", counters, "--flight", "1M")
    time.sleep(0.2)
    process.kill()
    process.wait()
    early = subprocess.Popen([cairn, "record", "-q", "-o", tmp_path / "early"],
                             stderr=subprocess.DEVNULL)
    time.sleep(random.uniform(0, 0.3))
    early.kill()
    early.wait()
    run = subprocess.run([cairn, "record", "-q", "-o", tmp_path / "next", "--", "true"],
                         capture_output=True, text=True, check=True)
    assert not (KEPT / str(early.pid)).exists() and not os.path.exists(PINS.format(early.pid))
    assert not os.path.exists(PINS.format(process.pid))
    assert (tmp_path / "first").is_dir(), run.stderr
    # The killed one may have been at rescuing the first: then the next begins anew beside it.
    again = tmp_path / "first-2"
    assert counts(again if again.exists() else tmp_path / "first")


def test_a_recording_that_lives_is_left_alone(cairn, tmp_path, counters):
    process = recording(cairn, tmp_path / "live", counters)
    subprocess.run([cairn, "record", "-q", "-o", tmp_path / "next", "--", "true"], check=True)
    assert (KEPT / str(process.pid)).exists() and os.path.exists(PINS.format(process.pid))
    process.terminate()
    assert process.wait() == 0
    assert_nothing_left(process.pid)
    assert counts(tmp_path / "live")
