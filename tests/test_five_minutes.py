# SPDX-License-Identifier: MIT
"""docs/MARKERS.md, done as it says."""
import os
import re
import subprocess

import pytest

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="recording the whole system needs root"),
    pytest.mark.skipif(os.environ.get("BUILD", "build") != "build",
                       reason="programs with markers are built in the plain build only"),
]


def test_the_page_works_as_it_stands(root, build, tmp_path):
    page = (root / "docs/MARKERS.md").read_text()
    source = re.search(r"```c\n/\* (\S+) \*/\n(.*?)```", page, re.S)
    (tmp_path / source[1]).write_text(source[2])
    outputs = []
    for commands in re.findall(r"```sh\n(.*?)```", page, re.S):
        done = subprocess.run(["sh", "-ec", commands], capture_output=True, text=True,
                              cwd=tmp_path, timeout=60,
                              env=dict(os.environ, CAIRN=str(root),
                                       PATH=f"{build}:{os.environ['PATH']}"))
        assert done.returncode == 0, commands + done.stderr
        outputs.append(done.stdout)
    assert "order:int32, customer:text" in outputs[0]
    assert 'shop:order_placed  order=1 customer="Ada"' in outputs[1]
    assert re.search(r"shop:order_done +off", outputs[2])
    for trace in "running.cairn", "last.cairn":
        assert (tmp_path / trace / "metadata").exists()
