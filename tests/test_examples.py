# SPDX-License-Identifier: MIT
"""The examples' diseases, each found by the command line that its first comment gives."""
import os
import re
import subprocess

import pytest

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="recording needs root")


def diagnosed(cairn, build, tmp_path, name, *more):
    """What the commands in the first comment print; `more` are the program's own arguments."""
    source = (build.parent / "examples" / name / f"{name}.c").read_text().splitlines()[1]
    options = re.search(r"&& cairn waits (.*?)`", source)[1].replace("'", "").split()
    trace = tmp_path / "trace"
    done = subprocess.run([cairn, "record", "-o", trace, "--", build / "examples" / name, *more],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    options = [trace if o.endswith(".cairn") else o for o in options]
    told = subprocess.run([cairn, "waits", "--width", "200", *options], capture_output=True,
                          text=True, check=True)
    return done.stdout, told.stdout


def first_row(told):
    return told.split("\n\n")[1].splitlines()[1]


def test_convoy_is_blamed_on_the_price_table(cairn, build, tmp_path):
    said, told = diagnosed(cairn, build, tmp_path, "convoy")
    assert re.search(r"clerk-\d and others +ran +convoy.c:\d+ look_up_price", first_row(told))
    all_ms = float(re.search(r"they waited (\d+) ms in all", said)[1])
    row = re.match(r" *([\d.]+) (m?)s", first_row(told))
    blamed_ms = float(row[1]) * (1 if row[2] else 1000)
    # Its own clock counts waiting for a cpu too, of which a busy machine has much.
    assert 0.3 * all_ms < blamed_ms < 1.3 * all_ms


def test_ledger_is_blamed_on_the_disk_behind_its_lock(cairn, build, tmp_path):
    _, told = diagnosed(cairn, build, tmp_path, "ledger", tmp_path / "l.db")
    lines = told.splitlines()
    lock = next(i for i, line in enumerate(lines) if " lock (futex" in line)
    assert re.search(r"for bookkeeper, which held the lock until ledger.c:\d+", lines[lock + 1])
    below = "\n".join(lines[lock + 2:lock + 6])
    assert re.search(r"pwrite64 \S+l.db at ledger.c:\d+ write_page", below)
    assert re.search(r"disk \S+: write, [\d,]+ requests", below)


def test_herd_wakes_in_vain(cairn, build, tmp_path):
    """Each bell for one dish wakes the waiter, who then queues for a cpu only to sleep again."""
    said, told = diagnosed(cairn, build, tmp_path, "herd")
    bells = sum(int(n.replace(",", "")) for n in re.findall(
        r"condition .* at herd.c:\d+ take_dish .*; ([\d,]+) times", told))
    dishes = int(re.search(r"carried (\d+) dishes", said)[1])
    assert bells > dishes / 2
    assert re.search(r"for kitchen, which ended it at herd.c:\d+ ring_for_all", told)


def test_chatty_waits_for_a_shop_that_asks_further(cairn, build, tmp_path):
    said, told = diagnosed(cairn, build, tmp_path, "chatty")
    trips = int(re.search(r"browser: (\d+) round trips", said)[1])
    waits = re.search(r"recvfrom socket:\S+ at chatty.c:\d+ get_message .*; ([\d,]+) times", told)
    assert int(waits[1].replace(",", "")) > trips / 2
    assert re.search(r"for shop\n", told) and re.search(r"for stock\n", told)
