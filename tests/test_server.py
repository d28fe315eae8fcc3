# SPDX-License-Identifier: MIT
"""Real servers, recorded under load: the trace agrees with the kernel's own counts."""
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "bench"))
import counters  # noqa: E402
import servers  # noqa: E402

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: recording the whole system")
LOAD_S = 1


@pytest.fixture(params=servers.SERVERS, ids=lambda kind: kind.name)
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    # PostgreSQL is another user.
    for each in (folder, *folder.parents[:2]):
        each.chmod(each.stat().st_mode | 0o111)
    try:
        made = request.param(folder)
        with made.running():
            yield made
    except servers.Absent as why:
        pytest.skip(str(why))


def start_recording(cairn, out):
    tool = subprocess.Popen([cairn, "record", "-o", out], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and tool.poll() is None:
        if any(f.stat().st_size for f in out.glob("kernel_*")):
            return tool
        time.sleep(0.05)
    tool.kill()
    pytest.fail(f"no recording: {tool.communicate()[1]}")
    return None


@needs_root
def test_a_server_is_recorded_truly(cairn, server, tmp_path):
    out = tmp_path / "trace"
    tool = start_recording(cairn, out)
    try:
        try:
            with counters.counting() as counted:
                load = subprocess.run(server.command(LOAD_S), capture_output=True, text=True,
                                      timeout=servers.LIMIT_S)
        except OSError as why:
            pytest.skip(f"no counters to compare with: {why}")
    finally:
        tool.send_signal(signal.SIGINT)
        summary = tool.communicate(timeout=60)[1]
    assert load.returncode == 0, load.stderr
    assert server.rate(load.stdout) > 0
    assert tool.returncode == 0, summary
    assert ", nothing lost" in summary
    wrong = [count for count in counted.counts(counters.times_in(cairn, out)) if not count.agrees()]
    assert not wrong
    printed = subprocess.run(["babeltrace2", out], stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True, timeout=120)
    assert printed.returncode == 0
    assert printed.stderr == ""
