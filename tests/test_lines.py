# SPDX-License-Identifier: MIT
"""Line tables as a user makes and asks them."""
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
