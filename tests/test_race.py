# SPDX-License-Identifier: MIT
"""The ring's writers, killed at random moments; `make race` is the long form."""
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
