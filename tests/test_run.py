# SPDX-License-Identifier: MIT
"""What `make run` shows: the shop is recorded, and the report agrees with what the shop says."""
import json
import os
import re
import subprocess

import pytest

ORDERS, SYNCS = 480, 30


class Recording:
    def __init__(self, cairn, shop, folder):
        trace = folder / "shop.cairn"
        journal = folder / "journal"
        done = subprocess.run([cairn, "record", "-o", trace, "--", shop, str(ORDERS), journal],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        self.said = done.stdout
        self.text = subprocess.run([cairn, "report", trace], capture_output=True, text=True,
                                   check=True).stdout
        told = subprocess.run([cairn, "report", "--json", trace], capture_output=True, text=True,
                              check=True).stdout
        self.json = json.loads(told)

    def said_ms(self, what):
        return float(re.search(rf"{what} ([\d.]+) ms", self.said)[1])

    def waits(self, thread, call):
        """Of the shop's threads of such names, in such a call."""
        family = {thread["tid"] for thread in self.json["threads"] if thread["target"]}
        return [wait for wait in self.json["waits"] if wait["syscall_name"] == call
                and wait["thread"]["tid"] in family
                and re.fullmatch(thread, wait["thread"]["name"])]


def longest_ms(wait):
    longest = wait["longest"]
    return (longest["run_ns"] - longest["from_ns"]) / 1e6


@pytest.fixture(scope="module")
def shop(cairn, build, tmp_path_factory):
    if os.geteuid() != 0:
        pytest.skip("recording the whole system needs root")
    return Recording(cairn, build / "examples" / "shop", tmp_path_factory.mktemp("shop"))


def test_nothing_is_lost(shop):
    assert shop.json["lost"]["events"] == 0


def test_every_thread_of_the_shop_is_named(shop):
    names = {thread["name"] for thread in shop.json["threads"]}
    assert {"shop", "shop-till", "shop-pricer", "worker-1", "worker-2", "worker-3",
            "worker-4"} <= names


def test_the_convoy_waits_as_long_as_the_shop_says(shop):
    waits = shop.waits(r"worker-\d", "futex")
    longest = max(longest_ms(wait) for wait in waits)
    said = shop.said_ms("longest wait")  # with whatever time it was kept off its cpu
    assert said / 2 <= longest <= said + 1
    wakers = [wait["longest"]["cause"]["thread"]["name"] for wait in waits
              if wait["longest"]["cause"]["kind"] == "task"]
    assert wakers and all(re.match(r"worker-\d", waker) for waker in wakers), wakers


def test_the_pipes_are_waited_for_in_a_chain(shop):
    pricer = max(shop.waits("shop-pricer", "read"), key=lambda wait: wait["count"])
    assert pricer["longest"]["cause"]["thread"]["name"] == "shop-till"
    # Its reads are told twice: before and after its program's stacks could be walked. On a
    # busy machine orders queue up.
    assert sum(wait["count"] for wait in shop.waits("shop-pricer", "read")) >= ORDERS / 2
    workers = max(shop.waits(r"worker-\d", "read"), key=lambda wait: wait["count"])
    assert workers["longest"]["cause"]["thread"]["name"] == "shop-pricer"


def test_each_fsync_is_a_wait_for_the_disk(shop):
    waits = shop.waits(r"worker-\d", "fsync")
    if not waits:
        pytest.skip("this file system's fsync does not sleep")
    assert max(map(longest_ms, waits)) <= shop.said_ms("longest") * 1.2 + 1
    assert f"journal: {SYNCS} fsyncs" in shop.said


def named(stack, *functions):
    """These functions are in the stack, inner ones first, each with its file and line."""
    at = iter(frame for frame in stack if frame.get("file") and frame.get("line"))
    return all(any(frame["function"] == function for frame in at) for function in functions)


@pytest.mark.parametrize("call, sleeper, waker", [
    ("futex", ("reserve_stock", "serve_orders"), ("commit_order", "serve_orders")),
    ("read", ("get_order", "price_orders"), ("put_order", "ring_up_orders")),
    ("read", ("get_order", "serve_orders"), ("put_order", "price_orders")),
    ("fsync", ("journal_sync", "commit_order", "serve_orders"), ()),
])
def test_holder_chain_and_fsync_are_named_with_file_and_line(shop, call, sleeper, waker):
    waits = [wait["longest"] for wait in shop.waits(".*", call)]
    assert any(named(wait["stack"], *sleeper) and named(wait["cause"].get("stack", []), *waker)
               for wait in waits), shop.text


def test_the_report_fits_80_columns(shop):
    assert max(map(len, shop.text.splitlines())) <= 80
