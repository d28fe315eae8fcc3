# SPDX-License-Identifier: MIT
"""Who waited for whom: the story of the shop, and questions that cannot be answered."""
import json
import os
import re
import subprocess

import pytest

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="recording needs root")


def run(*call):
    return subprocess.run(call, capture_output=True, text=True)


@pytest.fixture(scope="module")
def shop(cairn, build, tmp_path_factory):
    """A recording of the shop, with its system calls of reading and writing, and what it said."""
    folder = tmp_path_factory.mktemp("shop")
    done = run(cairn, "record", "-o", folder / "t", "-e", "syscalls:sys_exit_read", "-e",
               "syscalls:sys_enter_fsync", "--", build / "examples" / "shop", "480",
               folder / "journal")
    assert done.returncode == 0, done.stderr
    return folder / "t", done.stdout


def leaves(segments):
    for segment in segments:
        if segment.get("children"):
            yield from leaves(segment["children"])
        else:
            yield segment


def check_sums(segments, begin, end):
    """One after the other, without gaps, also inside each wait."""
    for segment in segments:
        assert segment["from_ns"] == begin and segment["to_ns"] > begin
        if "children" in segment:
            check_sums(segment["children"], begin, segment["to_ns"])
        begin = segment["to_ns"]
    assert begin == end


def threads(cairn, trace, name):
    report = json.loads(run(cairn, "report", "--json", trace).stdout)
    return [t for t in report["threads"] if t["name"] == name]


def test_a_workers_time_adds_up(cairn, shop):
    for thread in threads(cairn, shop[0], "worker-1"):
        told = json.loads(run(cairn, "waits", "--json", shop[0], str(thread["tid"])).stdout)
        check_sums(told["segments"], told["from_ns"], told["to_ns"])
        kinds = {"run": 0}
        for leaf in leaves(told["segments"]):
            kinds[leaf["kind"]] = kinds.get(leaf["kind"], 0) + leaf["to_ns"] - leaf["from_ns"]
        spent = told["to_ns"] - told["from_ns"]
        assert told["exact_ns"] + told["inferred_ns"] + told["unknown_ns"] == spent
        own_run = sum(s["to_ns"] - s["from_ns"] for s in told["segments"] if s["kind"] == "run")
        assert own_run == thread["run_ns"]
        assert kinds.get("unknown", 0) < spent * 0.05


def test_the_till_sets_the_pace(cairn, shop):
    """shop.c: orders come when the till has slept; pricer and workers only wait for it."""
    page = run(cairn, "waits", shop[0]).stdout
    first = page.split("\n\n")[1].splitlines()[1]
    assert "shop-till" in first and "by choice" in first and "shop.c:39" in first
    tree = run(cairn, "waits", "--width", "200", shop[0], "worker-1").stdout
    story = [line.strip() for line in tree.splitlines()[1:5]]
    assert re.search(r"read pipe:\[\d+\] at shop.c:31 get_order", story[0])
    assert re.search(r"for shop-pricer, which ended it at shop.c:24 put_order", story[1])
    assert re.search(r"read pipe:\[\d+\] at shop.c:31 get_order", story[2])
    assert re.search(r"for shop-till, which ended it at shop.c:24 put_order", story[3])


def test_the_longest_wait_for_the_lock_names_its_holder(cairn, shop):
    """The shop says by its own clock how long its lock was waited for."""
    wait_ms = float(re.search(r"longest wait ([\d.]+) ms in reserve_stock", shop[1]).group(1))
    waits = []
    for number in range(1, 5):
        for thread in threads(cairn, shop[0], f"worker-{number}"):
            told = json.loads(run(cairn, "waits", "--json", shop[0], str(thread["tid"])).stdout)
            waits += [segment for segment in told["segments"]
                      if segment["kind"] == "blocked" and segment["for"].startswith("lock")]
    waits.sort(key=lambda s: s["from_ns"] - s["to_ns"])
    took_ms = (waits[0]["to_ns"] - waits[0]["from_ns"]) / 1e6
    assert took_ms <= wait_ms * 1.01 and took_ms > wait_ms * 0.5
    # On a busy machine the very longest may have been ended by none of the threads.
    longest = next((wait for wait in waits[:3] if "thread" in wait["cause"]), waits[0])
    assert [p for p in longest["stack"] if p.get("function") == "reserve_stock"]
    assert "thread" in longest["cause"], longest
    holder = longest["cause"]["thread"]["name"]
    assert holder.startswith("worker-")
    assert [p for p in longest["cause"]["stack"] if p.get("function") == "unlock_stock"]


def test_an_interval_between_events(cairn, shop):
    done = run(cairn, "waits", "--width", "200", "--from", "sys_enter_fsync", "--to",
               "sys_exit_read", shop[0])
    head = done.stdout.splitlines()[0]
    assert done.returncode == 0 and re.search(
        r"tid \d+\): .* from sys_enter_fsync to sys_exit_read, the longest of \d+ such", head)
    part = json.loads(run(cairn, "waits", "--json", "--from", "+500ms", "--to", "+600ms", shop[0],
                          "worker-2").stdout)
    assert part["to_ns"] - part["from_ns"] == 100_000_000
    check_sums(part["segments"], part["from_ns"], part["to_ns"])


def test_folded_stacks_add_up(cairn, shop):
    lines = run(cairn, "waits", "--folded", shop[0], "worker-1").stdout.splitlines()
    told = json.loads(run(cairn, "waits", "--json", shop[0], "worker-1").stdout)
    assert sum(int(line.rsplit(" ", 1)[1]) for line in lines) == told["to_ns"] - told["from_ns"]
    assert all(line.startswith("worker-1;") for line in lines)


@pytest.mark.parametrize("call, words", [
    (["nobody"], "the recording has no thread nobody"),
    (["worker-1", "--from", "no_such_event"], "no interval from no_such_event to its end"),
    (["--from", "+2s", "--to", "+1s"], "the interval ends before it begins"),
])
def test_what_cannot_be_answered_is_said(cairn, shop, call, words):
    done = run(cairn, "waits", shop[0], *call)
    assert done.returncode == 1 and words in done.stderr and done.stdout == ""
