# SPDX-License-Identifier: MIT
"""Values at probed places, read as cairn's probe programs read them, beside what gdb prints."""
import os
import re
import shutil
import subprocess

import pytest

# Of optimised programs: in others, a function's first instruction has not yet put its parameters
# where gdb looks for them. `gdb-only` counts values cairn says are gone and gdb still has.
SAID = re.compile(r"(\d+) places (\d+) stops (\d+) same (\d+) different (\d+) unreadable "
                  r"(\d+) missing (\d+) gdb-only (\d+) errors")


@pytest.mark.parametrize("compiler", ["gcc", "clang-14"])
@pytest.mark.parametrize("level", ["-O1", "-O2"])
def test_what_is_read_is_what_gdb_prints(root, build, tmp_path, compiler, level):
    for needed in (compiler, "gdb"):
        if not shutil.which(needed):
            pytest.skip(f"{needed} is not installed")
    program = tmp_path / "requests"
    subprocess.run([compiler, "-g", level, root / "tests/values/requests.c", "-o", program],
                   check=True)
    run = subprocess.run(
        ["gdb", "-batch", "-nx", "-x", root / "tests/gdb_values.py", "--args", program],
        capture_output=True, text=True, timeout=120,
        env={**os.environ, "CAIRN_READER": str(build / "helper/probe_reader"),
             "CAIRN_SPECS": "handle;main;handle%return;handle%epilogue;"
                            "requests.c:20;requests.c:21"})
    said = SAID.search(run.stdout)
    assert said, run.stdout + run.stderr
    places, stops, same, different, _, _, _, errors = map(int, said.groups())
    assert (different, errors) == (0, 0), run.stdout
    assert places >= 5 and stops >= 5 and same >= 30, run.stdout
