# SPDX-License-Identifier: MIT
"""The kernel's own call traces with lines: every frame of a stock kernel's, judged by eu-addr2line.

Needs the debug kernel, 280 MB packed, which `make guest-lines` fetches.
"""
import collections
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from guest import harness

LOAD = """
echo 8 >/proc/sys/kernel/printk
insmod /t/cairn_lines.ko || exit
cairn lines load -k /t/other.lines && exit
cairn lines load -k /t/kernel.lines -m trouble=/t/trouble.lines || exit
"""
ALIVE = LOAD + """
mount -t debugfs debugfs /sys/kernel/debug
insmod /t/trouble.ko
for kind in warn save; do echo $kind >/sys/module/trouble/parameters/make; done
echo l >/proc/sysrq-trigger
echo 2 >/sys/kernel/debug/cairn/backtrace
(echo oops >/sys/module/trouble/parameters/make)
cairn lines status
cairn lines unload
cairn lines load -k /t/kernel.lines -m trouble=/t/trouble.lines || exit
echo l >/proc/sysrq-trigger
"""
DAMAGED = LOAD + """
mount -t debugfs debugfs /sys/kernel/debug
cairn lines unload
echo 0 >/proc/sys/kernel/printk
echo 1 >/proc/sys/kernel/panic_on_oops
echo 1 >/proc/sys/kernel/panic_on_warn
damage_tables /t/kernel.lines 1000
"""
# In a boot of its own: after an oops a panic prints no trace.
PANIC = LOAD + "echo c >/proc/sysrq-trigger\n"

FRAME = re.compile(r"^\[[ .\d]+\] +(?:RIP: 0010:)?(?:\? )?([\w.]+)\+0x(\w+)/0x\w+"
                   r"(?: \[(\w+)\])?(?: \((~?[^)]*)\))?$", re.M)


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=True, **more).stdout


@pytest.fixture(scope="module")
def vmlinux(root):
    folder = run(root / "bench/debug_kernel", "--only-look").strip()
    if not folder:
        pytest.skip("the debug kernel is not here; `make guest-lines` fetches it")
    return next(pathlib.Path(folder).glob("usr/lib/debug/boot/vmlinux-*"))


@pytest.fixture(scope="module")
def modules(root, vmlinux, tmp_path_factory):
    """cairn_lines.ko and trouble.ko, for the kernel of the guest."""
    headers = pathlib.Path("/usr/src/linux-headers-" + vmlinux.name.removeprefix("vmlinux-"))
    if not headers.exists():
        pytest.skip(f"{headers} is missing (package linux-headers-cloud-amd64)")
    folder = tmp_path_factory.mktemp("kmod")
    trouble = folder / "trouble"
    trouble.mkdir()
    shutil.copy(root / "tests/guest/trouble.c", trouble)
    (trouble / "Kbuild").write_text("obj-m := trouble.o\n")
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("MAKE") and name != "MFLAGS"}
    for command in (["make", "-C", root, "kmod", f"KDIR={headers}", f"BUILD={folder}/build"],
                    ["make", "-C", headers, f"M={trouble}", "modules"]):
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "build/kmod/cairn_lines.ko", trouble / "trouble.ko"


@pytest.fixture(scope="module")
def boot(cairn, build, vmlinux, modules, tmp_path_factory):
    """Boots the guest with the modules and tables, and gives what it printed."""
    folder = tmp_path_factory.mktemp("tables")
    files = {path.name: path for path in modules} | {"cairn": cairn}
    files["damage_tables"] = build / "helper/damage_tables"
    for name, what in {"kernel": ["-F", "-b", "128", vmlinux], "trouble": [modules[1]],
                       "other": [cairn]}.items():
        files[f"{name}.lines"] = folder / name
        run(cairn, "lines", "build", "-p", "crash", *what, "-o", folder / name)

    def boot(script, name, dies=False):
        try:
            return harness.boot("6.1-cloud", script, files, name=f"kernel-{name}", limit_s=120,
                                dies=dies).output
        except harness.Unavailable as why:
            pytest.skip(str(why))

    return boot


@pytest.fixture(scope="module")
def console(boot):
    return boot(ALIVE, "lines") + boot(PANIC, "panic", dies=True)


def plain(answer):
    """file:line without a discriminator, a column or a compiler's working directory."""
    file, _, line = answer.split(" (")[0].partition(":")
    file = re.sub(r"^debian/build/[^/]*/", "", os.path.normpath(file))
    return os.path.normpath(file) + ":" + line.split(":")[0]


def symbols(path):
    """{name: [(section, address)]}"""
    found = collections.defaultdict(list)
    section = {}
    for row in run("readelf", "-SW", path).splitlines():
        if match := re.match(r" *\[ *(\d+)\] (\S+)", row):
            section[match[1]] = match[2]
    for row in run("readelf", "-sW", path).splitlines():
        fields = row.split()
        if len(fields) > 7 and fields[3] in ("FUNC", "NOTYPE") and fields[6] in section:
            found[fields[7]].append((section[fields[6]], int(fields[1], 16)))
    return found


def judged(path, frames, is_module):
    """{frame: what eu-addr2line says}, for each function of that name."""
    table = symbols(path)
    answers = {}
    for name, offset, exact in frames:
        said = set()
        for section, address in table[name]:
            where = ["-j", section] if is_module else []
            asked = address + int(offset, 16) - (0 if exact else 1)
            said.add(plain(run("eu-addr2line", "-e", path, *where, hex(asked)).strip()))
        answers[name, offset, exact] = said
    return answers


def test_every_frame_has_the_line_that_its_debug_information_gives(console, vmlinux, modules):
    frames = collections.defaultdict(set)
    told = {}
    for match in FRAME.finditer(console):
        name, offset, module, line = match.groups()
        if line and line.startswith("~"):
            # A word on the stack that is no return address; where an NMI found another cpu.
            assert "? " in match[0] or "RIP:" in match[0]
            continue
        key = name, offset, "RIP:" in match[0]
        frames[module].add(key)
        told[module, key] = line
    wrong = []
    for module, keys in frames.items():
        answers = judged(modules[1] if module else vmlinux, keys, bool(module))
        for key in keys:
            line = told[module, key]
            lineless = line is None and all(a.startswith("??") for a in answers[key])
            if not lineless and (line is None or plain(line) not in answers[key]):
                wrong.append((module, key, line, answers[key]))
    assert len(told) > 40 and wrong == []


def test_all_kinds_of_traces_are_there(console):
    for word in ("trouble_init", "trouble_warn", "trouble_save", "trouble_oops", "kthreadd",
                 "sysrq_handle_crash", "panic"):
        assert re.search(rf"{word}[\w.]*\+0x\S+(?: \[\w+\])? \(\S+:\d+\)", console), word
    assert "Kernel panic - not syncing: sysrq triggered crash" in console


def test_a_table_of_something_else_is_refused(console):
    assert "is of another kernel than the running one" in console


def test_status_counts(console):
    assert int(re.search(r"memory +(\d+) bytes", console)[1]) <= 1_000_000
    assert int(re.search(r"frames with line +(\d+)", console)[1]) > 40
    assert re.search(r"look-ups failed +0\n", console)


def test_damaged_tables_cost_lines_and_nothing_else(boot):
    output = boot(DAMAGED, "damaged")
    taken = int(re.search(r"(\d+) of 1000 damaged tables were taken", output)[1])
    assert taken > 300  # and the guest, which dies of an oops or a warning, came to its end
