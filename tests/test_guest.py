# SPDX-License-Identifier: MIT
"""Inside Debian's own kernels, booted under emulation: what this machine's kernel may refuse."""
import re
import shutil
import subprocess

import pytest

from guest import harness


@pytest.fixture(params=["6.1", "6.12"])
def guest(request):
    """boot() of one series; a machine that cannot have the guest skips with the reason."""
    def boot(script, files=None, **more):
        try:
            return harness.boot(request.param, script, files, name=request.node.originalname,
                                **more)
        except harness.Unavailable as why:
            pytest.skip(str(why))

    boot.series = request.param
    return boot


def test_a_guest_runs_a_script_and_gives_back_what_it_made(guest):
    result = guest("uname -r; cat /t/note; id >/out/id; exit 3", {"note": __file__})
    release, text = result.output.split("\n", 1)
    assert release.startswith(guest.series + ".")
    assert "gives_back_what_it_made" in text
    assert result.status == 3
    assert (result.out / "id").read_text().startswith("uid=0")


def test_a_dynamic_program_brings_its_libraries(guest):
    result = guest("/usr/bin/sort /t/note", {"/usr/bin/sort": "/usr/bin/sort", "note": __file__})
    assert result.status == 0, result.output


def test_a_guest_that_hangs_is_ended(guest):
    with pytest.raises(harness.Failed, match="more than 1 s"):
        guest("true", limit_s=1)


def test_the_recorders_own_tests_pass_there(guest, build):
    tests = {path.name: path for pattern in ("rung_*_test", "generic_test")
             for path in (build / "test").glob(pattern)}
    result = guest("export CMOCKA_MESSAGE_OUTPUT=TAP\nfor t in /t/*_test; do $t 2>&1; done", tests,
                   cpus=1, limit_s=120)
    assert "not ok" not in result.output
    assert "rung_bpf_test" in tests and "ok 1 - every_call" in result.output
    for line in result.output.splitlines():
        assert "# SKIP" not in line or "perf" in line, result.output


RECORD = """
for rung in bpf tracefs perf; do
    cairn record --rung $rung -o /out/$rung -- shop 100 /tmp/journal 2>&1 || exit
    cairn dump /out/$rung >/out/$rung.dump || exit
done
"""


def test_traces_recorded_there_are_read_here(guest, cairn, build):
    result = guest(RECORD, {"cairn": cairn, "shop": build / "examples" / "shop"})
    assert result.status == 0, result.output
    assert len(re.findall(r", nothing lost,", result.output)) == 3
    for rung in "bpf", "tracefs", "perf":
        trace = result.out / rung
        assert f'rung = "{rung}"' in (trace / "metadata").read_text()
        dump = subprocess.run([cairn, "dump", trace], capture_output=True, text=True,
                              check=True).stdout
        assert dump == (result.out / f"{rung}.dump").read_text()
        # The till, the pricer, four workers; and one of them goes to sleep.
        forks = re.findall(r"sched_process_fork .*child_tid=(\d+) .*child_comm=\"?shop", dump)
        assert len(forks) >= 6
        assert re.search(rf"sched_switch .*prev_tid={forks[-1]} ", dump)
        if shutil.which("babeltrace2"):
            judge = subprocess.run(["babeltrace2", trace], capture_output=True, text=True)
            assert judge.stderr == ""
            assert len(judge.stdout.splitlines()) == len(dump.splitlines())


@pytest.mark.quick
def test_a_machine_without_qemu_says_so(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(harness.Unavailable, match="package qemu-system-x86"):
        harness.boot("6.1", "true")
