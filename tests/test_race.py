# SPDX-License-Identifier: MIT
"""Writers and probes at the worst moments; `make race`, `make race-probe` are the long forms."""
import os
import subprocess

import pytest


@pytest.mark.quick
def test_killed_writers_leave_only_whole_events_and_the_check_bites(root, build):
    if os.environ.get("BUILD", "build") != "build":
        pytest.skip("restartable sequences are timed in the plain build only")
    done = subprocess.run([root / "tests/race/run", "20"], capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" 0 torn, 0 missing, 0 out of order") == 4, done.stdout


def test_probes_go_in_and_out_of_a_busy_process_and_the_control_does_harm(root, build):
    if os.environ.get("BUILD", "build") != "build":
        pytest.skip("the probed process is watched in the plain build only")
    done = subprocess.run([build / "race/probe_race", "40", "500"], capture_output=True, text=True,
                          timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    fine = "0 wrong, 0 crashes, 0 hangs, 0 changed, 0 left"
    assert lines[0].startswith("attach      40 cycles") and lines[0].endswith(fine)
    assert lines[2].startswith("kill        40 cycles") and lines[2].endswith(fine)
