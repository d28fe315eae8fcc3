# SPDX-License-Identifier: MIT
"""Probes that the kernel places, in a recording: a small program that says what it did."""
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

DYNAMIC_EVENTS = pathlib.Path("/sys/kernel/tracing/dynamic_events")
KPROBES = pathlib.Path("/sys/kernel/tracing/kprobe_events")
RUNGS = ["bpf", "tracefs", "perf"]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: tracefs")

SOURCE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
__attribute__((noinline)) int work(int a, long b, const char *s)
{
    __asm__ volatile("" ::"r"(s) : "memory");
    return (int)(a - b);
}
/* Keeps a value below its stack pointer across a nop that Linux 6.18 makes a call of. */
__asm__(".globl keeps\n.type keeps, @function\nkeeps: mov %rdi, -8(%rsp)\n"
    ".byte 0x0f, 0x1f, 0x44, 0, 0\nmov -8(%rsp), %rax\nret\n.size keeps, . - keeps\n");
int main(int argc, char **argv)
{
    static const char *const names[] = {"even", "odd"};
    long sum = *(volatile char *)names[0] * 0; /* in memory from here on */
    for (int i = 0; i < atoi(argv[1]); i++)
        sum += work(-i, i * 10000000000L, names[i % 2]);
    if (argc > 2)
        pause();
    printf("%ld\n", sum);
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("probed")
    source = folder / "probed.c"
    source.write_text(SOURCE)
    subprocess.run(["gcc", "-O2", "-o", folder / "probed", source], check=True)
    return folder / "probed"


def record(cairn, trace, *options):
    return subprocess.run([cairn, "record", "-o", trace, *map(str, options)], capture_output=True,
                          text=True, timeout=60)


def events(cairn, trace, name):
    """The fields of each event of that name, as text."""
    dump = subprocess.run([cairn, "dump", trace], capture_output=True, text=True, check=True).stdout
    lines = [line for line in dump.splitlines() if f"  {name}  " in line]
    return [dict(re.findall(r'(\w+)=("[^"]*"|\S+)', line)) for line in lines]


def own_events(pid):
    return [line for line in DYNAMIC_EVENTS.read_text().splitlines() if f":cairn_{pid}_" in line]


@pytest.mark.parametrize("rung", RUNGS)
def test_every_call_is_recorded_with_its_values(cairn, tmp_path, program, rung):
    entry = f"uprobe:{program}:work"
    run = record(cairn, tmp_path / "t", "--rung", rung, "-x", "waits",
                 "-e", f"{entry}: a = (int)$arg1, (long)$arg2, name = str($arg3)",
                 "-e", f"uretprobe:{program}:work: (int)$ret", "--", program, 1000)
    assert run.returncode == 0, run.stderr
    assert "nothing lost" in run.stderr
    calls = events(cairn, tmp_path / "t", entry)
    assert [int(call["a"]) for call in calls] == [-i for i in range(1000)]
    assert [int(call["arg2"]) for call in calls] == [i * 10**10 for i in range(1000)]
    assert [call["name"] for call in calls] == ['"even"', '"odd"'] * 500
    returned = events(cairn, tmp_path / "t", f"uretprobe:{program}:work")
    truth = [(-i - i * 10**10) % 2**32 for i in range(1000)]
    assert [int(call["ret"]) % 2**32 for call in returned] == truth


@pytest.mark.parametrize("rung", RUNGS)
def test_a_condition_chooses(cairn, tmp_path, program, rung):
    entry = f"uprobe:{program}:work"
    run = record(cairn, tmp_path / "t", "--rung", rung, "-x", "waits", "-e",
                 f"{entry} if a < -10 && name == \"odd\": a = (int)$arg1, name = str($arg3)",
                 "--", program, 100)
    assert run.returncode == 0, run.stderr
    assert [int(call["a"]) for call in events(cairn, tmp_path / "t", entry)] == \
        list(range(-11, -100, -2))


@pytest.mark.parametrize("rung", RUNGS)
def test_a_text_that_cannot_be_read_has_no_bytes(cairn, tmp_path, program, rung):
    entry = f"uprobe:{program}:work"
    run = record(cairn, tmp_path / "t", "--rung", rung, "-x", "waits", "-e",
                 f"{entry}: str($arg1), name = str($arg3)", "--", program, 2)
    assert run.returncode == 0, run.stderr
    first, second = events(cairn, tmp_path / "t", entry)
    for event, name in (first, '"even"'), (second, '"odd"'):
        assert (event["_arg1_length"], event["arg1"]) == ("0", '""')
        assert (event["_name_length"], event["name"]) == (str(len(name) - 1), name)


def test_nothing_stays_in_the_kernel(cairn, tmp_path, program):
    tool = subprocess.Popen([cairn, "record", "-q", "-o", tmp_path / "t", "-e",
                             f"uprobe:{program}:work", "--", program, "1"],
                            stdout=subprocess.DEVNULL)
    assert tool.wait() == 0
    assert not own_events(tool.pid)


@pytest.mark.parametrize("rung", RUNGS)
def test_what_a_killed_one_left_the_next_removes(cairn, tmp_path, program, rung):
    tool = subprocess.Popen([cairn, "record", "-q", "--rung", rung, "-o", tmp_path / "t", "-e",
                             f"uprobe:{program}:work"], stderr=subprocess.PIPE)
    while tool.poll() is None and not own_events(tool.pid):
        time.sleep(0.01)
    time.sleep(0.3)
    tool.send_signal(signal.SIGKILL)
    tool.wait()
    assert own_events(tool.pid)
    subprocess.run([cairn, "record", "-q", "-o", tmp_path / "next", "--", "true"], check=True)
    assert not own_events(tool.pid)


def test_what_is_wrong_is_said(cairn, tmp_path, program):
    for spec, words in [(f"uprobe:{program}:wrok", "has no function 'wrok'"),
                        (f"uprobe:{program}:work+1", "no instruction begins at work+0x1"),
                        (f"uprobe:{program}:work: size", "knows no 'size' in programs"),
                        (f"uprobe:{program}:work if b > 1: a = $arg1", "no field b; it has"),
                        ("uprobe:work", "which file?")]:
        run = record(cairn, tmp_path / "t", "-e", spec, "--", "true")
        assert run.returncode != 0 and words in run.stderr, run.stderr


def test_a_nop_that_the_kernel_would_make_a_call_is_warned_of(cairn, tmp_path, program):
    release = tuple(map(int, os.uname().release.split(".")[:2]))
    warned = record(cairn, tmp_path / "a", "-e", f"uprobe:{program}:keeps+5", "--", "sh", "-c",
                    "echo it runs >&2")
    plain = record(cairn, tmp_path / "b", "-e", f"uprobe:{program}:keeps", "--", program, 1)
    assert warned.returncode == plain.returncode == 0, warned.stderr + plain.stderr
    assert ("may spoil the program" in warned.stderr) == (release >= (6, 18))
    assert warned.stderr.startswith("note: ") == (release >= (6, 18)), "before it happens"
    assert "may spoil" not in plain.stderr


@pytest.mark.skipif(KPROBES.exists(), reason="this kernel has kprobes")
def test_a_kernel_without_kprobes_is_said_to_be_one(cairn, tmp_path):
    run = record(cairn, tmp_path / "t", "-e", "kprobe:vfs_read", "--", "true")
    assert run.returncode == 1
    assert "kprobe:vfs_read: this kernel was built without kprobes" in run.stderr
    assert not (tmp_path / "t").exists()
