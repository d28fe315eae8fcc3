# SPDX-License-Identifier: MIT
"""Inside Debian's own kernels, booted under emulation: what this machine's kernel may refuse."""
import errno
import os
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


# Opens one file by name, with known flags, and one that is not there.
PROBED = """
echo hello >/t/stone
probe() {
    cairn record --rung $1 -x waits -o /out/$1 \
        -e 'kprobe:vfs_open: name = str(path->dentry->d_name.name), file->f_flags, \
bytes = path->dentry->d_name.len, path->dentry->d_inode->i_ino if name == "stone"' \
        -e 'kretprobe:do_sys_openat2: $ret if ret < 0' \
        -e 'kprobe:do_sys_openat2 if filename ~ "/t/*"' -- sh -c "$(cat /t/opens)" || exit
    cairn dump /out/$1 >/out/$1.dump || exit
}
ls -i /t/stone >/out/inode
for rung in bpf tracefs perf; do
    probe $rung
    cairn record -q --rung $rung -x waits -o /out/user_$rung \
        -e 'uprobe:shop:main: argc = (int)$arg1, %rsi if argc == 3' -- shop 1 /tmp/journal || exit
    cairn dump /out/user_$rung >/out/user_$rung.dump || exit
done
cat /sys/kernel/tracing/dynamic_events >/out/left
cairn record -q -o /out/killed -e kprobe:vfs_read & victim=$!
while ! grep -q vfs_read /sys/kernel/tracing/dynamic_events; do sleep 0.05; done
sleep 0.5
kill -9 $victim
wait $victim
cat /sys/kernel/tracing/dynamic_events >/out/after_kill
cairn record -q -o /out/next -- true
cat /sys/kernel/tracing/dynamic_events >/out/cleaned
for wrong in nothing_like_this vfs_open+1 'vfs_open: path->dentri' 'vfs_open: file->f_path'; do
    cairn record -q -e "kprobe:$wrong" -- true 2>>/out/refusals
done
exit 0
"""
OPENS = "exec 9</t/stone; exec 9<&-; cat /t/absent 2>/dev/null; true"


def fields(line):
    return dict(re.findall(r'(\w+)=("[^"]*"|\S+)', line))


def test_kernel_functions_are_probed_with_values_by_type(guest, cairn, build, tmp_path):
    (tmp_path / "opens").write_text(OPENS)
    result = guest(PROBED, {"cairn": cairn, "opens": tmp_path / "opens",
                            "shop": build / "examples" / "shop"})
    assert result.status == 0, result.output
    assert len(re.findall(r", nothing lost,", result.output)) == 3
    inode = (result.out / "inode").read_text().split()[0]
    for rung in "bpf", "tracefs", "perf":
        lines = (result.out / f"{rung}.dump").read_text().splitlines()
        opened, = (fields(line) for line in lines if "  kprobe:vfs_open  " in line)
        assert (opened["name"], opened["bytes"], opened["i_ino"]) == ('"stone"', "5", inode)
        assert int(opened["f_flags"]) & 3 == os.O_RDONLY
        asked = [fields(line) for line in lines if "  kprobe:do_sys_openat2  " in line]
        assert [a["filename"] for a in asked] == ['"/t/stone"', '"/t/absent"']
        assert {a["dfd"] for a in asked} == {"-100"}
        failed = [fields(line) for line in lines if "  kretprobe:do_sys_openat2  " in line]
        assert failed[-1]["ret"] == f"-{errno.ENOENT}"
        assert failed[-1]["__probe_func"] == failed[0]["__probe_func"] != "0x0"
        assert asked[0]["__probe_ip"] != "0x0"
        user = (result.out / f"user_{rung}.dump").read_text()
        assert len(re.findall(r"  uprobe:shop:main  .* argc=3 ", user)) == 1
    addresses = {re.search(r"kprobe:do_sys_openat2  __probe_ip=(\w+)",
                           (result.out / f"{rung}.dump").read_text())[1]
                 for rung in ("bpf", "tracefs", "perf")}
    assert len(addresses) == 1
    assert (result.out / "left").read_text() == ""
    assert "vfs_read" in (result.out / "after_kill").read_text()
    assert (result.out / "cleaned").read_text() == ""
    refusals = (result.out / "refusals").read_text().splitlines()
    for words, line in zip(["no function of that name", "no instruction begins there",
                            "'dentri' is no member", "name a member"], refusals, strict=True):
        assert words in line


@pytest.mark.quick
def test_a_machine_without_qemu_says_so(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(harness.Unavailable, match="package qemu-system-x86"):
        harness.boot("6.1", "true")
