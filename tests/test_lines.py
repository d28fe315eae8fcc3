# SPDX-License-Identifier: MIT
"""Line tables as a user makes and asks them."""
import re
import subprocess

import pytest

pytestmark = pytest.mark.quick

SOURCE = """#include <stdio.h>
__attribute__((noinline)) int twice(int n)
{
    puts("twice");
    return 2 * n;
}
int main(int argc, char **argv)
{
    (void)argv;
    return twice(argc);
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lines")
    (folder / "twice.c").write_text(SOURCE)
    short = f"-ffile-prefix-map={folder}=."
    subprocess.run(["gcc", "-O2", "-g", short, "-o", "twice", "twice.c"], cwd=folder, check=True)
    return folder / "twice"


@pytest.fixture(scope="module")
def table(cairn, program):
    path = program.with_suffix(".lines")
    done = subprocess.run([cairn, "lines", "build", program, "-o", path], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    return path


def find(cairn, table, *options, stdin=None):
    done = subprocess.run([cairn, "lines", "find", *options[:-1], table, *options[-1:]]
                          if stdin is None else [cairn, "lines", "find", *options, table],
                          capture_output=True, text=True, input=stdin)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_function_and_an_offset_give_a_line(cairn, table):
    assert find(cairn, table, "-f", "twice+0x0") == "twice\ntwice.c:3\n"


def test_addresses_may_come_from_standard_input(cairn, program, table):
    symbols = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    start = next(line.split()[0] for line in symbols.splitlines() if line.endswith(" T twice"))
    assert find(cairn, table, "-a", stdin=f"0x{start}\nnothing+0x1\n") == (
        f"0x{start}\ntwice.c:3\nnothing+0x1\n??:0\n")


def test_an_answer_comes_before_the_next_question(cairn, table):
    with subprocess.Popen([cairn, "lines", "find", table], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as asked:
        for _ in range(2):
            asked.stdin.write("twice+0x0\n")
            asked.stdin.flush()
            assert asked.stdout.readline() == "twice.c:3\n"
        asked.stdin.close()
        assert asked.wait() == 0


def test_long_input_is_cut_at_its_lines_only(cairn, table):
    lines = 15000  # more than a megabyte
    answers = find(cairn, table, stdin=f"twice+0x{0:092}\n" * lines).splitlines()
    assert len(answers) == lines and set(answers) == {"twice.c:3"}


def test_what_is_only_near_is_marked(cairn, program, table):
    small = table.with_suffix(".ret")
    subprocess.run([cairn, "lines", "build", "-p", "ret", program, "-o", small], check=True,
                   capture_output=True)
    # The addresses behind the call of puts(), of the byte before as eu-addr2line says.
    code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", program], capture_output=True,
                          text=True, check=True).stdout.splitlines()
    at = next(i for i, line in enumerate(code) if "call" in line and "puts" in line)
    behind = code[at + 1].split(":")[0].strip()
    assert find(cairn, small, "-r", behind) == "twice.c:4\n"
    assert find(cairn, small, behind).startswith("~twice.c:")


def test_info_adds_up(cairn, table):
    done = subprocess.run([cairn, "lines", "info", table], capture_output=True, text=True)
    assert done.returncode == 0
    assert "profile     byte\n" in done.stdout
    assert f"{table.stat().st_size} bytes" in done.stdout
    assert "build-id" in done.stdout


def test_a_damaged_table_is_refused(cairn, table, tmp_path):
    damaged = tmp_path / "damaged"
    data = bytearray(table.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    done = subprocess.run([cairn, "lines", "find", damaged, "0x0"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "is no line table of this version, or a damaged one" in done.stderr


def test_a_program_without_a_table_says_how_to_get_one(cairn, program):
    done = subprocess.run([cairn, "lines", "find", program, "0x0"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "carries no line table" in done.stderr


def sizes(program):
    """{function: (address, size)}"""
    rows = subprocess.run(["nm", "-S", program], capture_output=True, text=True,
                          check=True).stdout.splitlines()
    fields = [row.split() for row in rows]
    return {f[3]: (int(f[0], 16), int(f[1], 16)) for f in fields if len(f) == 4}


def decode(cairn, log, *tables):
    done = subprocess.run([cairn, "lines", "decode", *tables], capture_output=True, text=True,
                          input=log)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_oops_gets_its_lines_and_stays_what_it_was(cairn, program, table):
    _, size = sizes(program)["twice"]
    frame = f"twice+0x{size:x}/0x{size:x}"
    log = (f"[    1.0] BUG: unable to handle page fault\n"
           f"[    1.0] RIP: 0010:twice+0x0/0x{size + 9:x}\n"
           f"[    1.0]  ? {frame}\n"
           f"[    1.0]  nothing+0x1/0x2 \xe9 100% +0x\n"
           f"[    1.0]  {frame} [module]\n"
           f"[    1.0]  twice+0x1/0x{size + 4096:x}")
    told = decode(cairn, log, table)
    assert f"RIP: 0010:twice+0x0/0x{size + 9:x} (twice.c:3)\n" in told
    assert f" ? {frame} (twice.c:" in told
    assert told.count("(twice.c:") == 2  # no other module's, no other size's
    assert re.sub(r" \(twice\.c:\d+\)", "", told) == log


def test_a_backtrace_of_glibc_gets_its_lines(cairn, program, table):
    address, size = sizes(program)["twice"]
    log = (f"./{program.name}(twice+0x{size:x}) [0x55d0c0de0000]\n"
           f"/elsewhere/{program.name}(+0x{address + size:x}) [0x55d0c0de0000]\n"
           f"./another(+0x{address + size:x}) [0x55d0c0de0000]\n"
           f"    #1 0x55d0c0de (/x/{program.name}+0x{address + size - 1:x}) (BuildId: 00)\n")
    told = decode(cairn, log, table).splitlines()
    assert all("(twice.c:5)" in told[i] or "(twice.c:6)" in told[i] for i in (0, 1, 3))
    assert told[2] == log.splitlines()[2]


def test_functions_of_one_name_are_told_apart_by_size_or_not_at_all(cairn, tmp_path):
    body = "static __attribute__((noinline)) int same(int n)\n{\n%s\treturn n;\n}\n"
    use = "int use_%s(int n)\n{\n\treturn same(n);\n}\n"
    long = "\tfor (int i = 0; i < n; i++)\n\t\t__asm__ volatile(\".fill 99, 1, 0x90\");\n"
    for name, text in (("a", "\t__asm__(\"\" : \"+r\"(n));\n"), ("b", long),
                       ("c", "\n\t__asm__(\"\" : \"+r\"(n));\n")):
        (tmp_path / f"{name}.c").write_text(body % text + use % name)
    subprocess.run(["gcc", "-O1", "-g", "-shared", "-fPIC", f"-ffile-prefix-map={tmp_path}=.",
                    "-o", "same.so", "a.c", "b.c", "c.c"], cwd=tmp_path, check=True)
    subprocess.run([cairn, "lines", "build", "same.so", "-o", "t"], cwd=tmp_path, check=True,
                   capture_output=True)
    rows = subprocess.run(["nm", "-S", "same.so"], cwd=tmp_path, capture_output=True, text=True,
                          check=True).stdout.splitlines()
    small, _, large = sorted(int(row.split()[1], 16) for row in rows if row.endswith(" t same"))
    log = f" same+0x1/0x{large:x}\n same+0x1/0x{small:x}\n"
    told = decode(cairn, log, tmp_path / "t").splitlines()
    assert "(b.c:" in told[0] and "a.c" not in told[0]
    assert "a.c:" in told[1] and " or " in told[1] and "c.c:" in told[1]
    assert "b.c" not in told[1]


INLINED = """#include <stdio.h>
static inline int check(int n)
{
    if (n & 1)
        puts("odd");
    return n + 1;
}
static inline int both(int n)
{
    return check(n) * check(n + 3);
}
__attribute__((noinline)) int most(int n)
{
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += both(i);
    return sum;
}
int main(int argc, char **argv)
{
    (void)argv;
    return most(argc) + both(argc);
}
"""


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_inlined_functions_are_those_of_addr2line(cairn, tmp_path, compiler):
    (tmp_path / "in.c").write_text(INLINED)
    subprocess.run([compiler, "-O2", "-g", f"-ffile-prefix-map={tmp_path}=.", "-o", "in", "in.c"],
                   cwd=tmp_path, check=True)
    subprocess.run([cairn, "lines", "build", "-c", "-b", "64", "in", "-o", "t"], cwd=tmp_path,
                   check=True, capture_output=True)
    asked = [f"0x{start + i:016x}" for start, size in (sizes(tmp_path / "in")["most"],
                                                       sizes(tmp_path / "in")["main"])
             for i in range(size)]
    theirs = subprocess.run(["addr2line", "-afi", "-e", "in"], input="\n".join(asked) + "\n",
                            cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    theirs = re.sub(r" \(discriminator \d+\)|(?<=\n)(\./)+", "", theirs)
    theirs = re.sub(r"(?<=\n)/\S*/(?=in\.c:)", "", theirs)
    ours = find(cairn, tmp_path / "t", "-afi", stdin="\n".join(asked) + "\n")
    assert re.search(r"^check\nin.c:\d+\nboth\nin.c:10\nm", ours, re.M)
    different = [(a, b) for a, b in zip(ours.splitlines(), theirs.splitlines()) if a != b]
    assert different[:5] == []
