# SPDX-License-Identifier: MIT
"""`cairn record` and `cairn snapshot` as a person uses them, on processes of the test's own."""
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time

import pytest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="recording the whole system needs root")
SLEEPER = "import time\nwhile True: time.sleep(0.01)"


def dump(cairn, trace, *options):
    done = subprocess.run([cairn, "dump", "--json", *options, trace], capture_output=True,
                          text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def babeltrace(trace):
    done = subprocess.run(["babeltrace2", trace], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout


def wait_for(what, limit_s=10):
    end = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def sleeper():
    process = subprocess.Popen([sys.executable, "-c", SLEEPER])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def flight(cairn, tmp_path):
    trace = tmp_path / "flight.cairn"
    process = subprocess.Popen([cairn, "record", "--flight", "1M", "-o", trace],
                               stderr=subprocess.PIPE, text=True)
    wait_for(lambda: os.path.exists(f"/run/cairn/{process.pid}"))
    time.sleep(0.3)
    yield process, trace
    if process.poll() is None:
        process.kill()
    process.wait()


@pytest.mark.quick
@pytest.mark.parametrize("wrong", [
    ["-d", "soon"], ["--flight", "-1"], ["-p", "0"], ["-p", "1", "--", "true"],
    ["-e", "waits if a == 1"], ["-e", "marker:a:*"], ["--on", "marker:a:b", "--", "true"],
    ["--on", "moon"], ["--no-such-option"],
    ["-d", "0"], ["--on", "exit:crash", "--", "true"], ["--on", "exit:crash", "--flight", "1M"],
])
def test_a_wrong_call_is_a_usage_error(cairn, wrong, tmp_path):
    done = subprocess.run([cairn, "record", *wrong], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr and not os.listdir(tmp_path)


@needs_root
def test_a_command_that_is_not_there(cairn, tmp_path):
    done = subprocess.run([cairn, "record", "-o", "t", "--", "/no/such/program"],
                          capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert "cannot run /no/such/program: No such file or directory" in done.stderr
    assert os.listdir(tmp_path) == []


@needs_root
def test_an_event_that_is_not_there_and_a_field_that_is_not_there(cairn, tmp_path):
    for event, words in [("sched:no_such", "no event of this kernel is called"),
                         ("sched:sched_stat_runtime if runtim > 1", "no field runtim"),
                         ("sched:sched_stat_runtime if runtime >", "column"),
                         ("sched:sched_switch if prev_priority == 1", "no field prev_priority")]:
        done = subprocess.run([cairn, "record", "-o", "t", "-e", event, "--", "true"],
                              capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 1
        assert words in done.stderr


@needs_root
def test_a_trace_is_not_overwritten(cairn, tmp_path):
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "precious").write_text("x")
    done = subprocess.run([cairn, "record", "-o", "t", "--", "true"], capture_output=True,
                          text=True, cwd=tmp_path)
    assert done.returncode == 1 and "t" in done.stderr
    assert os.listdir(tmp_path / "t") == ["precious"]


@needs_root
def test_without_a_name_the_trace_gets_one_and_another(cairn, tmp_path):
    for _ in range(2):
        subprocess.run([cairn, "record", "-q", "--", "true"], cwd=tmp_path, check=True)
    assert sorted(os.listdir(tmp_path)) == ["true-2.cairn", "true.cairn"] or \
        sorted(os.listdir(tmp_path)) == ["true.cairn", "true.cairn-2"]


@needs_root
def test_a_running_process_until_it_ends(cairn, tmp_path, sleeper):
    trace = tmp_path / "pid.cairn"
    recorder = subprocess.Popen([cairn, "record", "-o", trace, "-p", str(sleeper.pid)],
                                stderr=subprocess.PIPE, text=True)
    wait_for(lambda: (trace / "metadata").exists())
    time.sleep(0.5)
    sleeper.kill()
    sleeper.wait()
    assert recorder.wait(timeout=20) == 0
    babeltrace(trace)
    events = dump(cairn, trace, "-e", "sched_switch")
    assert sum(e["fields"]["prev_tid"] == sleeper.pid for e in events) >= 20
    maps = dump(cairn, trace, "-e", "cairn_process_map")
    assert any(m["fields"]["pid"] == sleeper.pid and "libc.so.6" in m["fields"]["path"]
               and m["fields"]["build_id"] for m in maps)


@needs_root
def test_the_trace_anchors_its_clocks(cairn, tmp_path):
    trace = tmp_path / "clock.cairn"
    subprocess.run([cairn, "record", "-q", "-o", trace, "--", "sleep", "1.3"], check=True)
    anchors = [e["fields"] for e in dump(cairn, trace, "-e", "cairn_clock")]
    assert len(anchors) >= 3
    for before, after in zip(anchors, anchors[1:]):
        assert after["monotonic"] > before["monotonic"] and after["tsc"] > before["tsc"]
        assert after["window_ns"] < 1_000_000


@needs_root
def test_only_leaves_strangers_out(cairn, tmp_path, sleeper):
    trace = tmp_path / "only.cairn"
    subprocess.run([cairn, "record", "-q", "--only", "-o", trace, "--", "sleep", "0.5"],
                   check=True)
    targets = {e["fields"]["pid"] for e in dump(cairn, trace, "-e", "cairn_target")}
    switches = dump(cairn, trace, "-e", "sched_switch")
    assert switches and targets and sleeper.pid not in targets
    for e in switches:
        assert targets & {e["fields"]["prev_tid"], e["fields"]["next_tid"]}


@needs_root
def test_a_condition_filters_in_the_kernel(cairn, tmp_path, sleeper):
    trace = tmp_path / "condition.cairn"
    subprocess.run([cairn, "record", "-q", "-x", "waits", "-d", "500ms", "-o", trace,
                    "-e", f"sched:sched_switch if prev_pid == {sleeper.pid}"], check=True)
    events = dump(cairn, trace, "-e", "sched_switch")
    assert len(events) >= 20
    assert {e["fields"]["prev_pid"] for e in events} == {sleeper.pid}


@needs_root
def test_snapshots_by_command_by_signal_and_at_the_end(cairn, tmp_path, flight):
    recorder, trace = flight
    asked = tmp_path / "asked.cairn"
    done = subprocess.run([cairn, "snapshot", str(recorder.pid), "-o", asked], text=True,
                          capture_output=True)
    assert done.returncode == 0 and done.stdout.strip() == str(asked), done.stderr
    recorder.send_signal(signal.SIGUSR1)
    wait_for(lambda: trace.exists() and (trace / "state").exists())
    taken = subprocess.run([cairn, "snapshot", str(recorder.pid), "-o", asked], text=True,
                           capture_output=True)
    assert taken.returncode == 1 and str(asked) in taken.stderr
    recorder.send_signal(signal.SIGINT)
    assert recorder.wait(timeout=20) == 0 or "exists" in recorder.stderr.read()
    assert not os.path.exists(f"/run/cairn/{recorder.pid}")
    for snapshot in (asked, trace):
        assert babeltrace(snapshot)
        names = {e["fields"]["name"] for e in dump(cairn, snapshot, "-e",
                                                   "lttng_statedump_process_state")}
        assert "cairn" in names


@needs_root
def test_what_a_killed_recorder_left_is_removed(cairn, tmp_path, flight):
    recorder, _ = flight
    recorder.kill()
    recorder.wait()
    assert os.path.exists(f"/run/cairn/{recorder.pid}")
    subprocess.run([cairn, "record", "-q", "--flight", "1M", "-o", tmp_path / "t", "--", "true"],
                   check=True)
    assert not os.path.exists(f"/run/cairn/{recorder.pid}")


@needs_root
def test_a_flight_recorder_that_waits_for_a_crash(cairn, tmp_path):
    for script, kept in [("exit 3", False), ("kill -SEGV $$", True)]:
        trace = tmp_path / f"crash-{kept}.cairn"
        done = subprocess.run([cairn, "record", "--flight", "1M", "--on", "exit:crash", "-o",
                               trace, "--", "sh", "-c", script], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert trace.exists() == kept
        assert ("killed by signal 11" in done.stderr) == kept


@needs_root
def test_nobody_is_told_what_is_missing(cairn, tmp_path):
    tmp_path.chmod(0o777)
    done = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                           cairn, "record", "-o", tmp_path / "t", "--", "true"],
                          capture_output=True, text=True)
    if "Permission denied" in done.stderr and "setpriv" in done.stderr:
        pytest.skip("nobody cannot reach the built tool")
    assert done.returncode == 1
    assert "cairn doctor" in done.stderr and "bpf" in done.stderr


@needs_root
def test_the_summary_and_the_report_count_alike(cairn, tmp_path):
    trace = tmp_path / "t.cairn"
    said = subprocess.run([cairn, "record", "-o", trace, "--", "sh", "-c", "true; /bin/true; :"],
                          capture_output=True, text=True, check=True).stderr
    page = subprocess.run([cairn, "report", trace], capture_output=True, text=True,
                          check=True).stdout
    counts = [re.search(r"([\d,]+) events", text).group(1) for text in (said, page)]
    assert counts[0] == counts[1]
    assert "nothing lost" in said


@needs_root
def test_a_full_disk_is_told_and_counted(cairn, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=800k", "tmpfs", small]).returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        # Several times what fits, and room for each stream to begin: one without a packet has no
        # header that could tell of losses.
        busy = "for i in $(seq 3000); do /bin/true; done"
        said = subprocess.run([cairn, "record", "-o", small / "t", "--", "sh", "-c", busy],
                              capture_output=True, text=True, check=True).stderr
        page = subprocess.run([cairn, "report", small / "t"], capture_output=True, text=True,
                              check=True).stdout
    finally:
        subprocess.run(["umount", small], check=True)
    assert "No space left on device" in said
    lost = [int(re.search(r"([\d,]+) lost", text).group(1).replace(",", ""))
            for text in (said, page)]
    assert lost[0] >= lost[1] > 0  # what is lost last, no packet can tell any more


@needs_root
@pytest.mark.parametrize("options, words", [
    ([], "recording the whole system; Ctrl-C ends it"),
    (["-d", "300ms"], "recording for 300 ms; Ctrl-C ends it sooner"),
])
def test_a_terminal_is_told_how_it_ends(cairn, tmp_path, options, words):
    leader, terminal = pty.openpty()
    recorder = subprocess.Popen([cairn, "record", *options, "-o", tmp_path / "t"],
                                stderr=terminal)
    with os.fdopen(leader, "rb", buffering=0) as screen:
        said = b""
        end = time.monotonic() + 20
        while words.encode() not in said and time.monotonic() < end:
            said += screen.read(4096)
        assert words in said.decode()
        recorder.send_signal(signal.SIGINT)
        assert recorder.wait(timeout=20) == 0
    os.close(terminal)


@needs_root
def test_ctrl_c_keeps_what_was_recorded(cairn, tmp_path):
    trace = tmp_path / "interrupted.cairn"
    with open(tmp_path / "said", "w+") as said:
        recorder = subprocess.Popen([cairn, "record", "-o", trace, "--", "sleep", "30"],
                                    stderr=said, start_new_session=True)
        wait_for(lambda: (trace / "metadata").exists())
        time.sleep(0.3)
        os.killpg(recorder.pid, signal.SIGINT)
        assert recorder.wait(timeout=20) == 0
        said.seek(0)
        assert "recorded" in said.read()
    assert babeltrace(trace)
