# SPDX-License-Identifier: MIT
"""Programs that really wait, and log for whom, explained: tests/live is the truth here.

Whatever the log brackets as a wait has to be explained to 98 %, and every cause in it named as
the log names it, at any depth: a wait inside the explanation of another's is in the log as well.
"""
import collections
import itertools
import os
import shutil
import subprocess

import pytest

import live_truth

SECONDS = 0.4
EXPLAINED = 0.98

# What each scenario's waits are for, and how.
WAITS = {
    "pipe": {("thread", "pipe")},
    "pty": {("thread", "pty")},
    "tcp": {("thread", "tcp")},
    "eventfd": {("thread", "eventfd")},
    "migrate": {("thread", "pipe"), ("timer", "nanosleep")},
    "epoll": {("thread", "epoll"), ("thread", "tcp"), ("timer", "nanosleep")},
    "chain": {("thread", "pipe"), ("thread", "mutex"), ("disk", "fsync"), ("timer", "nanosleep")},
    "futex": {("thread", "mutex"), ("timer", "nanosleep")},
    "condition": {("thread", "condition")},
    "semaphore": {("thread", "semaphore")},
    "preempt": {("cpu", "cpu")},
    "inversion": {("thread", "mutex"), ("cpu", "cpu"), ("timer", "nanosleep")},
    "fsync": {("disk", "fsync")},
    "direct": {("disk", "direct")},
    "timer": {("timer", "nanosleep"), ("timer", "timerfd"), ("timer", "poll")},
    "fork": {("child", "waitpid"), ("child", "vfork")},
    "join": {("thread", "join"), ("timer", "nanosleep")},
    "signal": {("thread", "signal")},
}


@pytest.fixture(scope="module")
def live(build):
    return build / "helper" / "live"


@pytest.mark.quick
@pytest.mark.parametrize("scenario", WAITS)
def test_a_log_says_for_whom(live, tmp_path, scenario):
    try:
        log = live_truth.run(live, scenario, 0.1, tmp_path)
    except live_truth.CannotHere as reason:
        pytest.skip(str(reason))
    waits = log.waits()
    assert waits and {(wait.kind, wait.how) for wait in waits} <= WAITS[scenario]
    assert all(0 < wait.begin <= wait.end and wait.tid not in wait.tids for wait in waits)
    assert all(wait.tids for wait in waits if wait.kind in ("thread", "child", "cpu"))
    for tid in log.roles:
        own = log.waits(tid)
        assert all(a.end <= b.begin for a, b in zip(own, own[1:])), "one wait at a time"
    assert not list(tmp_path.iterdir())


@pytest.mark.quick
@pytest.mark.parametrize("arguments", [(), ("nothing",), ("pipe", "0"), ("pipe", "1", "2")])
def test_a_wrong_call_names_the_scenarios(live, arguments):
    done = subprocess.run([live, *arguments], capture_output=True, text=True)
    assert done.returncode == 2
    assert all(f" {scenario}" in done.stderr for scenario in WAITS)


class Recording:
    def __init__(self, cairn, live, scenario, folder):
        trace, self.log = live_truth.record(cairn, live, scenario, SECONDS, folder)
        self.unseen = live_truth.unseen(cairn, trace)
        self.timelines = {tid: live_truth.Timeline(live_truth.explain(cairn, trace, tid))
                          for tid in self.log.roles}

    def is_seen(self, wait):
        return not any(wait.overlap(gap.begin, gap.end) for gap in self.unseen)

    def blocked(self):
        """(the logged wait, the blocked segment in it), at any depth."""
        for timeline in self.timelines.values():
            for segment in live_truth.blocked(timeline.segments):
                wait = self.log.wait_around(segment)
                if wait:
                    yield wait, segment


@pytest.fixture(scope="module")
def recordings(cairn, live, tmp_path_factory):
    """recordings(scenario): each is made once."""
    made = {}

    def recording(scenario):
        if os.geteuid():
            pytest.skip("recording the whole system needs root")
        if scenario not in made:
            folder = tmp_path_factory.mktemp(scenario)
            try:
                made[scenario] = Recording(cairn, live, scenario, folder)
            except live_truth.CannotHere as reason:
                pytest.skip(str(reason))
            finally:
                shutil.rmtree(folder)
        return made[scenario]
    return recording


@pytest.fixture(params=WAITS)
def recording(recordings, request):
    return recordings(request.param)


def test_segments_tile_the_time(recording):
    for timeline in recording.timelines.values():
        told = timeline.told
        assert told["lost_events"] == 0 and not told["cut"]
        assert live_truth.untiled(told["from_ns"], told["to_ns"], told["segments"]) is None


def test_every_wait_is_explained(recording):
    waits = [w for w in recording.log.waits() if w.tid in recording.timelines]
    seen = [w for w in waits if recording.is_seen(w)]
    assert len(seen) > len(waits) / 2, "too much of this machine is hidden"
    known = {wait: recording.timelines[wait.tid].known_ns(wait) for wait in seen}
    poor = [(known[w], w) for w in seen if known[w] < EXPLAINED * (w.end - w.begin)]
    # What the kernel hides does not always show: a few may have met it.
    assert len(poor) <= max(1, len(seen) // 50), f"{len(poor)} of {len(seen)}: {poor[0]}"
    assert sum(known.values()) >= EXPLAINED * sum(w.end - w.begin for w in seen)


def test_every_cause_is_named_rightly(recording):
    found = [(w, s) for w, s in recording.blocked() if recording.is_seen(w)]
    wrong = [(wait, live_truth.ended_by(segment, recording.log.own), segment)
             for wait, segment in found if not live_truth.agrees(recording.log, wait, segment)]
    assert not wrong, f"{len(wrong)} of {len(found)}: {wrong[0]}"
    assert found or recording.log.scenario == "preempt"


@pytest.mark.parametrize("scenario", [name for name, waits in WAITS.items()
                                      if "disk" in {kind for kind, _ in waits}])
def test_a_wait_for_the_disk_has_a_request_in_it(recordings, scenario):
    """If it blocked at all: whoever is preempted first may find all done."""
    recording = recordings(scenario)
    found = collections.Counter()
    for wait in recording.log.waits():
        if wait.kind == "disk" and recording.is_seen(wait):
            parts = list(recording.timelines[wait.tid].within(wait.begin, wait.end))
            if any(part["kind"] == "blocked" for part in parts):
                found[any(leaf["kind"] == "device" for leaf in live_truth.leaves(parts))] += 1
    assert found[True] and not found[False]


def test_what_the_kernel_hides_is_not_called_exact(recording):
    """How long a hidden thread had its cpu nobody knows, nor what it did there."""
    wrong = [(leaf, gap) for timeline in recording.timelines.values()
             for leaf in live_truth.leaves(timeline.segments) if leaf["certainty"] == "exact"
             for gap in recording.unseen
             if gap.tid in (live_truth.tid_of(leaf), live_truth.tid_of(leaf, "occupant"))
             and leaf["from_ns"] < gap.end and leaf["to_ns"] > gap.begin]
    assert not wrong, f"{len(wrong)}: {wrong[0]}"


@pytest.mark.parametrize("scenario, rivals", [("preempt", ("left", "right")),
                                              ("inversion", ("low", "mid"))])
def test_a_preempted_thread_waits_for_its_rival(recordings, scenario, rivals):
    """While one of the two on a cpu saw its clock jump and the other ran, it was behind that.
    Strangers that ran too briefly for the other to notice are in the 2 %."""
    recording = recordings(scenario)
    log = recording.log
    for role, rival in (rivals, rivals[::-1]):
        tid, other = log.tid(role), log.tid(rival)
        jumps = [w for w in log.waits(tid) if w.kind == "cpu" and recording.is_seen(w)]
        ran_ns = behind_ns = 0
        for jump, run in itertools.product(jumps, log.entries["run", other]):
            if ns := jump.overlap(run.begin, run.end):
                ran_ns += ns
                behind_ns += recording.timelines[tid].behind_ns(
                    other, max(jump.begin, run.begin), min(jump.end, run.end))
        assert ran_ns and behind_ns >= EXPLAINED * ran_ns


def test_a_terminal_mostly_waits_for_whom_it_connects(recordings):
    """The kernel's worker that moves the bytes has a small part of its own in it."""
    recording = recordings("pty")
    kinds = collections.Counter()
    for wait, segment in recording.blocked():
        if recording.is_seen(wait):
            kind, _ = live_truth.ended_by(segment, recording.log.own)
            kinds[kind] += segment["to_ns"] - segment["from_ns"]
    assert kinds["thread"] > 4 * kinds["kernel"]


def test_priority_inversion_shows_who_has_the_cpu(recordings):
    """high waits for low's lock, and whenever mid runs meanwhile, low waits for that; or high
    itself, once it has been woken."""
    recording = recordings("inversion")
    high, low, mid = (recording.log.tid(role) for role in ("high", "low", "mid"))
    behind_ns, ran_ns = collections.Counter(), 0
    for wait in recording.log.waits(high):
        if low not in wait.tids or not recording.is_seen(wait):
            continue
        ran_ns += sum(wait.overlap(r.begin, r.end) for r in recording.log.entries["run", mid])
        for leaf in live_truth.leaves(recording.timelines[high].within(wait.begin, wait.end)):
            if leaf["kind"] == "queue" and live_truth.tid_of(leaf, "occupant") == mid:
                behind_ns[live_truth.tid_of(leaf)] += wait.overlap(leaf["from_ns"], leaf["to_ns"])
    assert ran_ns and sum(behind_ns.values()) >= EXPLAINED * ran_ns
    assert behind_ns[low] > behind_ns[high]


def test_a_chain_ends_at_the_disk(recordings):
    """The asker waits for the worker, that for the committer's lock, that for the disk."""
    recording = recordings("chain")
    asker, worker, committer = (recording.log.tid(role)
                                for role in ("asker", "worker", "committer"))
    chains = set()

    def follow(segment, above):
        chain = above + (live_truth.tid_of(segment) or segment["kind"],)
        for part in segment.get("children", []):
            if part["kind"] == "blocked":
                follow(part, chain)
            elif part["kind"] == "device":
                chains.add(chain)

    for segment in recording.timelines[asker].segments:
        follow(segment, ())
    assert (asker, worker, committer) in chains


def test_a_moved_thread_is_followed(recordings):
    """Both ran on several cpus, and every wait was explained all the same."""
    recording = recordings("migrate")
    for role in ("ping", "pong"):
        segments = recording.timelines[recording.log.tid(role)].segments
        assert len({s["cpu"] for s in segments if s["kind"] == "run"}) > 1
