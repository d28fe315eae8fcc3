# SPDX-License-Identifier: MIT
"""What tests/live logged, and what `cairn waits` explains of the same waits.

A log's entry brackets a wait: the thread blocked at some time inside it. So an explanation is
right when all of the bracket is explained, and when whatever it calls blocked inside was ended by
whom the log names. What a thread does to get there and back (running, queued for a cpu) needs a
cause only, as the log cannot know it.
"""
import bisect
import collections
import dataclasses
import json
import subprocess

CANNOT_HERE = 77  # LIVE_CANNOT_HERE in tests/live/live.h


@dataclasses.dataclass(frozen=True)
class Entry:
    """A line of the log. For a wait, `kind` is what it was for and `tids` who it may have been."""
    begin: int
    end: int
    tid: int
    what: str
    how: str
    kind: str = ""
    tids: frozenset = frozenset()

    def overlap(self, begin, end):
        return max(0, min(self.end, end) - max(self.begin, begin))


class Log:
    def __init__(self, scenario, roles, entries):
        self.scenario = scenario
        self.roles = roles  # tid → role
        self.entries = collections.defaultdict(list)  # (what, tid) → in order, none overlap
        for entry in sorted(entries, key=lambda e: e.begin):
            self.entries[entry.what, entry.tid].append(entry)
        self.begins = {key: [e.begin for e in list] for key, list in self.entries.items()}
        # All threads of the program: those with a role, and whom they waited for.
        self.own = set(roles).union(*(e.tids for e in entries))

    def tid(self, role):
        return next(tid for tid, name in self.roles.items() if name == role)

    def waits(self, tid=None):
        return [wait for (what, who), entries in self.entries.items()
                if what == "wait" and tid in (None, who) for wait in entries]

    def last(self, what, tid, at):
        """The last such entry of this thread that began up to `at`, or None."""
        place = bisect.bisect_right(self.begins.get((what, tid), []), at)
        return self.entries[what, tid][place - 1] if place else None

    def wait_around(self, segment):
        """The logged wait that the segment lies in, or None."""
        wait = self.last("wait", tid_of(segment), segment["from_ns"])
        return wait if wait and segment["to_ns"] <= wait.end else None


class CannotHere(Exception):
    """The program said what this machine lacks."""


def whom(value):
    if isinstance(value, int):
        return "thread", frozenset([value])
    if isinstance(value, list):
        return "thread", frozenset(value)
    kind, _, tid = value.partition(":")
    return kind, frozenset([int(tid)] if tid else [])


def read_log(text):
    first, *lines = [json.loads(line) for line in text.splitlines()]
    entries = []
    for line in lines:
        kind, tids = whom(line["for"]) if line["what"] == "wait" else ("", frozenset())
        entries.append(Entry(line["begin"], line["end"], line["tid"], line["what"], line["how"],
                             kind, tids))
    return Log(first["scenario"], {r["tid"]: r["role"] for r in first["roles"]}, entries)


def run(live, scenario, seconds, folder, *before):
    """The log of a run, `before` being what comes before its command line."""
    done = subprocess.run([*before, "sh", "-c", '"$@"; echo $?', "sh", live, scenario,
                           str(seconds)], cwd=folder, timeout=60, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *lines, status = done.stdout.splitlines()
    if int(status) == CANNOT_HERE:
        raise CannotHere(done.stderr.strip())
    assert int(status) == 0, done.stderr
    return read_log("\n".join(lines))


def record(cairn, live, scenario, seconds, folder):
    """(the trace, the log) of a run that was recorded."""
    trace = folder / f"{scenario}.cairn"
    return trace, run(live, scenario, seconds, folder, cairn, "record", "-q", "-o", trace, "--")


def explain(cairn, trace, tid):
    """`cairn waits` of that thread."""
    done = subprocess.run([cairn, "waits", "--json", trace, str(tid)], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@dataclasses.dataclass(frozen=True)
class Unseen:
    """A cpu went to a thread, and its next switch came from another one: the kernel shows nobody
    what happens on that thread's account (a sandbox hides its keepers so)."""
    begin: int
    end: int
    tid: int


def unseen(cairn, trace):
    done = subprocess.run([cairn, "dump", "--json", trace], capture_output=True, text=True,
                          check=True)
    running, found = {}, []
    for line in done.stdout.splitlines():
        if '"sched_switch"' in line:
            event = json.loads(line)
            cpu, at, fields = event["cpu"], event["time_ns"], event["fields"]
            since, tid = running.get(cpu, (at, fields["prev_tid"]))
            if tid != fields["prev_tid"]:
                found.append(Unseen(since, at, tid))
            running[cpu] = at, fields["next_tid"]
    return found


def tid_of(segment, key="thread"):
    return (segment.get(key) or {}).get("tid")


def leaves(segments):
    for segment in segments:
        if segment.get("children"):
            yield from leaves(segment["children"])
        else:
            yield segment


def blocked(segments):
    """Every blocked segment, those inside others too."""
    for segment in segments:
        if segment["kind"] == "blocked":
            yield segment
        yield from blocked(segment.get("children", []))


def is_known(leaf):
    """Whether a leaf says why its time passed. One that is blocked was not looked into."""
    if leaf["certainty"] == "unknown" or leaf["kind"] in ("unknown", "blocked"):
        return False
    return leaf["kind"] != "queue" or leaf["idle"] or tid_of(leaf, "occupant") is not None


def untiled(begin, end, segments):
    """The first place where segments leave a gap or overlap; None when they tile begin..end."""
    at = begin
    for segment in segments:
        if segment["from_ns"] != at or segment["to_ns"] < at:
            return at
        at = segment["to_ns"]
        if segment.get("children"):
            inside = untiled(segment["from_ns"], at, segment["children"])
            if inside is not None:
                return inside
    return None if at == end else at


class Timeline:
    """A thread's outermost segments, by time."""

    def __init__(self, told):
        self.told = told
        self.segments = told["segments"]
        self.begins = [s["from_ns"] for s in self.segments]

    def within(self, begin, end):
        at = max(0, bisect.bisect_right(self.begins, begin) - 1)
        while at < len(self.segments) and self.begins[at] < end:
            if self.segments[at]["to_ns"] > begin:
                yield self.segments[at]
            at += 1

    def known_ns(self, wait):
        """How much of the wait has a known cause."""
        return sum(wait.overlap(leaf["from_ns"], leaf["to_ns"])
                   for leaf in leaves(self.within(wait.begin, wait.end)) if is_known(leaf))

    def behind_ns(self, tid, begin, end):
        """How long it queued behind that thread."""
        return sum(min(end, s["to_ns"]) - max(begin, s["from_ns"])
                   for s in self.within(begin, end)
                   if s["kind"] == "queue" and tid_of(s, "occupant") == tid)


def ended_by(segment, own):
    """Who or what ended a blocked segment, as (kind, tid): "thread" for one of the program's own,
    behind whatever workers and softirqs came between, "disk", "timer", "unknown", or "kernel"
    when there is nothing but those workers."""
    for part in reversed(list(leaves(segment.get("children", [segment])))):
        if part["kind"] in ("device", "timer", "unknown"):
            return {"device": "disk"}.get(part["kind"], part["kind"]), None
        if tid_of(part) in own and tid_of(part) != tid_of(segment):
            return "thread", tid_of(part)
    # What that one did was over when the wait began; only its softirq was still to come.
    tid = tid_of(segment["cause"])
    return ("thread", tid) if tid in own else ("kernel", None)


def agrees(log, wait, segment):
    """A kernel worker alone may be right: on the way from a disk or a terminal, whose readers wait
    for it even without a message; and when the message had been sent before the wait began."""
    kind, tid = ended_by(segment, log.own)
    if kind == "kernel" and wait.how in ("fsync", "pty"):
        return True
    if wait.kind in ("disk", "timer"):
        return kind == wait.kind
    if kind == "kernel":
        puts = [log.last("put", peer, wait.end) for peer in wait.tids]
        return any(put and put.begin <= segment["from_ns"] for put in puts)
    return kind == "thread" and tid in wait.tids
