# SPDX-License-Identifier: MIT
"""What ctf_write puts on disk, read by babeltrace2."""
import os
import resource
import shutil
import subprocess

import pytest
from trace_files import DISCARDED, EVENTS, PACKET, babeltrace, number, packets, streams, totals

pytestmark = pytest.mark.skipif(not shutil.which("babeltrace2"), reason="babeltrace2 is missing")


@pytest.mark.quick
def test_every_event_arrives(small_trace):
    trace, expected = small_trace
    run = babeltrace(trace)
    assert run.stderr == ""
    assert run.stdout == expected
    assert expected.count("\n") == 24


@pytest.mark.quick
@pytest.mark.parametrize("numbers, warning", [
    ([(0, 0), (1, 0), (2, 0)], None),
    ([(17, 0), (18, 0), (19, 0)], None),  # a snapshot: what the ring overwrote is no loss
    ([(0, 0), (1, 7), (2, 7)], "Tracer discarded 7 events"),
    ([(17, 5), (18, 5), (19, 5)], "Tracer may have discarded events"),
    ([(0, 0), (2, 0), (3, 0)], "Tracer discarded 1 packet"),
])
def test_losses_and_nothing_else_are_warned_of(small_trace, numbers, warning):
    trace, expected = small_trace
    number(trace / "kernel_1", numbers)
    run = babeltrace(trace)
    assert run.stdout == expected
    assert (warning in run.stderr and run.stderr.count("WARNING") == 1) if warning \
        else run.stderr == ""


def fill(make_trace, trace, count, ballast, **limits):
    run = subprocess.run([make_trace, "fill", trace, str(count), ballast],
                         capture_output=True, text=True, check=True, **limits)
    return totals(run)


def check_holes(trace, account, per_packet):
    """Every packet is in a file or counted in the header behind the hole, or else in the last."""
    found, told = 0, 0
    for stream in streams(trace):
        headers = [header for _, header in packets(stream)]
        found += len(headers)
        told += headers[-1][DISCARDED]
        for before, after in zip(headers, headers[1:]):
            missing = after[7] - before[7] - 1
            more = after[DISCARDED] - before[DISCARDED] - missing * per_packet
            assert more == 0 or more > 0 and after is headers[-1]
    assert found == account["written"]
    assert told == account["lost"] * per_packet
    run = babeltrace(trace)
    assert run.returncode == 0 and "ERROR" not in run.stderr
    assert run.stdout.count("\n") == found * per_packet


@pytest.mark.quick
def test_a_file_size_limit_loses_packets_only(make_trace, tmp_path):
    limit = 5 * PACKET + 12345

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    trace = tmp_path / "t"
    account, why = fill(make_trace, trace, 20, tmp_path / "none", preexec_fn=limited)
    assert account == {"written": 10, "lost": 10, "refused": 0, "events": 10 * EVENTS}
    assert "kernel_0: File too large" in why
    check_holes(trace, account, EVENTS)
    assert all(s.stat().st_size == 5 * PACKET for s in streams(trace))


def test_a_full_disk_loses_packets_and_tells_when_there_is_room_again(make_trace, tmp_path):
    if os.geteuid():
        pytest.skip("mounting a small file system needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "cairn-test", disk],
                           capture_output=True, text=True)
    if mount.returncode:
        pytest.skip(f"cannot mount a tmpfs: {mount.stderr.strip()}")
    try:
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(1 << 20))
        trace = disk / "t"
        account, why = fill(make_trace, trace, 40, ballast)
        assert why.endswith("No space left on device")
        assert account["refused"] == 0 and account["lost"] > 0
        assert account["written"] + account["lost"] == 40
        # Room came back half way, and ran out again.
        check_holes(trace, account, EVENTS)
    finally:
        subprocess.run(["umount", disk], check=True)
