# SPDX-License-Identifier: MIT
"""The example does what it says, so that a recording of it can be compared with it."""
import re
import subprocess

import pytest


@pytest.mark.quick
def test_shop_says_what_it_did(build, tmp_path):
    journal = tmp_path / "journal"
    said = subprocess.run([build / "examples" / "shop", "100", journal], capture_output=True,
                          text=True, check=True).stdout
    assert said.startswith("shop: 100 orders in ")
    assert "journal: 6 fsyncs in journal_sync" in said
    hold_ms, wait_ms = map(float, re.search(
        r"longest hold ([\d.]+) ms in commit_order, longest wait ([\d.]+) ms", said).groups())
    assert hold_ms > 1 and wait_ms > 1, "the 96th commit audits, and the others wait for it"
    assert not journal.exists()
