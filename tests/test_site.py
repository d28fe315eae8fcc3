# SPDX-License-Identifier: MIT
"""What a marker is in a program: its cost when off, its looks to other tools, in every dialect."""
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

pytestmark = pytest.mark.skipif(os.environ.get("BUILD", "build") != "build",
                                reason="programs with markers are built in the plain build only")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="tracing a probe needs root")

def run(*command, **more):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, **more)


def build_program(root, build, tmp_path, compiler, *flags, source="every_kind"):
    language = "c++" if "++" in compiler else "c"
    done = run(*compiler.split(), "-Wall", "-Wextra", "-Werror", *flags, f"-I{root}/include", "-x",
               language, root / f"tests/site/{source}.c", "-x", "none", build / "libcairn.a", "-o",
               tmp_path / source)
    assert done.returncode == 0, done.stderr
    return tmp_path / source


DIALECTS = ["gcc -std=c99 -pedantic", "gcc -std=c11", "clang -std=c99 -pedantic", "clang -std=c11",
            "g++ -std=c++11 -pedantic", "g++ -std=c++20", "clang++ -std=c++11 -pedantic"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_marker_compiles_and_is_found_in_every_dialect(cairn, root, build, tmp_path, dialect):
    if not shutil.which(dialect.split()[0]):
        pytest.skip(f"{dialect.split()[0]} is not installed")
    for flags in (["-O0"], ["-O2"], ["-O3", "-fPIE"], ["-O2", "-no-pie", "-fno-pie"],
                  ["-O1", "-flto"]):
        if "-flto" in flags and "clang" in dialect:
            continue  # Debian's clang brings no linker that could
        program = build_program(root, build, tmp_path, dialect, *flags)
        assert run(program).returncode == 0
        listed = run(cairn, "list", "markers", program).stdout
        assert re.search(r"site:two .*first:int32, second:uint64\n", listed), (flags, listed)
        assert re.search(r"site:all .*level 3  i:int32, h:hex64, text:text, d:real64, f:real32, "
                         r"yes:bool, mood:enum, p:pointer, raw:bytes, list:int16\[\], small:uint8, "
                         r"c:int8\n", listed), (flags, listed)


def disassembled(path, function):
    text = run("objdump", "-d", path, f"--disassemble={function}").stdout
    return [(int(line.split(":")[0], 16), line.split("\t")[1], line.split("\t")[2])
            for line in text.splitlines() if line.startswith("  ") and line.count("\t") >= 2]


def test_off_it_is_two_instructions_and_evaluates_nothing(root, tmp_path):
    source = tmp_path / "f.c"
    source.write_text("#include <cairn/marker.h>\nint costly(int);\nint f(int a)\n{\n"
                      "CAIRN_MARK(site, two, CAIRN_INT(a, costly(a)), CAIRN_INT(b, a * 3));\n"
                      "return a;\n}\n")
    for compiler in "gcc", "clang":
        run(compiler, "-O2", "-fomit-frame-pointer", f"-I{root}/include", "-c", source, "-o",
            tmp_path / "f.o", check=True)
        lines = disassembled(tmp_path / "f.o", "f")
        compare = next(i for i, line in enumerate(lines) if line[2].startswith("cmpl"))
        end = next(i for i in range(compare, len(lines)) if lines[i][2].startswith("ret"))
        straight = [line[2] for line in lines[:end + 1]]
        assert lines[compare + 1][2].startswith("jne")
        assert lines[compare + 2][0] - lines[compare][0] <= 16
        assert not any(re.match("call|imul|lea", text) for text in straight), straight


def test_with_cairn_off_nothing_is_left(root, tmp_path):
    marked = (root / "tests/site/every_kind.c").read_text()
    bare = re.sub(r"CAIRN_MARK.*?\);(?=\n)", "", marked, flags=re.S)
    assert bare.count("CAIRN_") == 0 and marked.count("CAIRN_MARK") == 3
    for name, text in ("marked", marked), ("bare", bare):
        (tmp_path / f"{name}.c").write_text(text)
        run("gcc", "-O2", "-DCAIRN_OFF", f"-I{root}/include", "-c", tmp_path / f"{name}.c", "-o",
            tmp_path / f"{name}.o", check=True)
        run("objcopy", "-O", "binary", "-j", ".text", tmp_path / f"{name}.o", tmp_path / name,
            check=True)
    assert (tmp_path / "marked").read_bytes() == (tmp_path / "bare").read_bytes()
    assert "cairn" not in run("readelf", "-SWs", tmp_path / "marked.o").stdout


def test_a_program_that_stays_off_costs_nothing(build):
    """No thread, no descriptor, no file mapped, and no other system call than without."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    traced = run("strace", "-f", build / "examples/greeter").stderr
    assert not re.search(r"clone|/dev/shm|socket|rseq_", traced.replace("rseq(", ""))


def test_readelf_and_gdb_see_the_same_marker(root, build, tmp_path):
    program = build_program(root, build, tmp_path, "gcc -std=gnu11", "-O2", "-g")
    notes = run("readelf", "-n", program).stdout
    assert re.search(r"Provider: site\s+Name: two\s+Location: 0x0*[1-9a-f].*Semaphore: "
                     r"0x0*[1-9a-f]\w+\s+Arguments: -4@\S+ 8@\S+", notes), notes
    if not shutil.which("gdb"):
        pytest.skip("gdb is not installed")
    seen = run("gdb", "-batch", "-ex", "info probes stap", "-ex", "break -probe-stap site:two",
               "-ex", "run", "-ex", "print $_probe_argc", "-ex", "print $_probe_arg1", program)
    assert re.search(r"site +two", seen.stdout)
    assert "$1 = 2" in seen.stdout and "$2 = 5" in seen.stdout, seen.stdout + seen.stderr


@needs_root
def test_bpftrace_reads_arguments_and_leaves_the_red_zone_alone(root, build, tmp_path):
    if not shutil.which("bpftrace"):
        pytest.skip("bpftrace is not installed")
    program = build_program(root, build, tmp_path, "gcc -std=gnu11", "-O2", source="leaf")
    assert f"usdt:{program}:leaf:inside" in run("bpftrace", "-l", f"usdt:{program}:*").stdout
    target = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    tracer = subprocess.Popen(
        ["bpftrace", "-q", "-p", str(target.pid), "-e",
         f'usdt:{program}:leaf:inside {{ @hits = count(); @sum = sum(arg0); }}'],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    word = lambda: run(build / "cairn", "list", "markers", "-p", target.pid).stdout
    end = time.monotonic() + 20
    while "traced" not in word():
        assert time.monotonic() < end and tracer.poll() is None, tracer.stderr.read()
        time.sleep(0.1)
    target.stdin.write("\n")
    target.stdin.flush()
    assert target.stdout.readline() == "0 damaged\n"
    tracer.send_signal(signal.SIGINT)
    found, why = tracer.communicate(timeout=30)
    target.communicate(timeout=30)
    assert "@hits: 1000" in found and "@sum: 500500" in found, found + why
