# SPDX-License-Identifier: MIT
"""The house around the code: its gates must catch what they are for, its install must be whole."""
import subprocess

import pytest

pytestmark = pytest.mark.quick


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


SPDX = "/* SPDX-License-Identifier: MIT */\n"
PARTS = "0 base free -\n1 util host base\n1 ring free base\n2 event host util\n8 cli host *\n"


@pytest.fixture
def tidy(root, tmp_path):
    """Gives what tools/tidy says of a tree with one file more than a clean one."""
    write(tmp_path / "tools" / "parts.txt", PARTS)
    write(tmp_path / "src" / "event" / "event.c", SPDX + '#include "util/err.h"\n')

    def run(path=None, text="", parts=PARTS):
        write(tmp_path / "tools" / "parts.txt", parts)
        if path:
            write(tmp_path / path, text)
        return subprocess.run([root / "tools" / "tidy", tmp_path], capture_output=True,
                              text=True).stdout

    return run


def test_tidy_is_silent_about_a_clean_tree(tidy):
    assert tidy() == ""


@pytest.mark.parametrize("path, text, complaint", [
    ("src/util/a.c", "int a;\n", "SPDX"),
    ("src/util/a.c", SPDX + "int a;\n" * 600, "600 lines"),
    ("src/util/a.c", SPDX + "int a(void)\n{\n" + "\ta();\n" * 60 + "}\n", "function of 62 lines"),
    ("src/util/a.c", SPDX + "/* " + "a" * 100 + " */\n", "100 columns"),
    ("src/util/a.c", SPDX + "int a; \n", "white space"),
    ("src/util/a.c", SPDX + "int a(void)\n{\n        a();\n}\n", "tab"),
    ("src/util/a.c", SPDX + "/* TO" "DO */\n", "leftover"),
    ("src/util/a.c", SPDX + "int a; // b\n", "//"),
    ("src/util/a.c", SPDX + "typedef struct a b;\n", "typedef"),
    ("src/util/event.c", SPDX, "src/event/event.c already"),
    ("src/util/a.c", SPDX + '#include "event/event.h"\n', 'may not include "event/event.h"'),
    ("src/util/a.c", SPDX + '#include "a.h"\n', 'may not include "a.h"'),
    ("src/nest/a.c", SPDX, "no row"),
    ("src/util/a.c", SPDX + 'int a(void)\n{\n\tprintf("a");\n}\n', "only src/cli prints"),
    ("tools/a.py", "# SPDX-License-Identifier: MIT\nif 1:\n\tpass\n", "a tab"),
])
def test_tidy_complains(tidy, path, text, complaint):
    assert complaint in tidy(path, text)


def test_tidy_lets_a_part_see_what_lower_parts_see(tidy):
    assert tidy("src/event/a.c", SPDX + '#include "base/a.h"\n') == ""
    assert tidy("src/cli/b.c", SPDX + '#include "event/a.h"\n') == ""


def test_tidy_refuses_a_part_that_looks_up(tidy):
    assert "not lower" in tidy(parts=PARTS.replace("util host base", "util host event"))


@pytest.mark.parametrize("code, complaint", [
    ("#include <stdio.h>\n", "stdio.h"),
    ("int puts(const char *);\nint base_f(void);\nint base_f(void)\n{\n\treturn puts(\"\");\n}\n",
     "needs puts"),
    ("float base_f(float);\nfloat base_f(float x)\n{\n\treturn x * 2;\n}\n", "SSE"),
    ("int base_g(char *);\nint base_f(void);\nint base_f(void)\n{\n\tchar b[999];\n\t"
     "return base_g(b);\n}\n", "frame size"),
])
def test_the_free_tier_gate_refuses(root, tmp_path, code, complaint):
    write(tmp_path / "tools" / "parts.txt", PARTS)
    write(tmp_path / "src" / "base" / "f.c", SPDX + code)
    run = subprocess.run(["make", "-s", "-C", tmp_path, "-f", root / "Makefile", "gate-free"],
                         capture_output=True, text=True)
    assert run.returncode != 0
    assert complaint in run.stdout + run.stderr


@pytest.mark.parametrize("code, complaint", [
    ("double f(double x);\ndouble f(double x) { return x * 2; }\n", "xmm"),
    ("int f(void);\nint x;\nint *const p = &x;\nint f(void) { return *p; }\n", "R_X86_64_64"),
    ("int f(int x);\nint f(int x) { return x ? f(x - 1) * x + 1 : 1; }\n", "calls itself"),
    ("void g(char *);\nvoid f(void);\nvoid f(void) { char b[999]; g(b); }\n", "bytes of stack"),
    ("void f(void);\nvoid f(void) { __asm__(\"rep movsb\"); }\n", "rep movsb"),
    ("int f(int x);\nint f(int x) { return x + 1; }\n", None),
])
def test_the_payload_gate_refuses(root, tmp_path, code, complaint):
    write(tmp_path / "f.c", code)
    subprocess.run(["gcc", "-O1", "-fpie", "-fcallgraph-info=su", "-c", "-o", "f.o", "f.c"],
                   cwd=tmp_path, check=True)
    run = subprocess.run([root / "tools" / "payload_gate", "512", "f.o"], cwd=tmp_path,
                         capture_output=True, text=True)
    assert run.returncode == (1 if complaint else 0)
    assert (complaint or "") in run.stdout


def test_install_is_whole_and_uninstall_leaves_nothing(root, build, tmp_path):
    def make(target):
        subprocess.run(["make", "-s", target, f"BUILD={build}", f"DESTDIR={tmp_path}",
                        "PREFIX=/usr"], cwd=root, check=True, capture_output=True)

    make("install")
    version = subprocess.run([tmp_path / "usr/bin/cairn", "--version"], capture_output=True,
                             text=True).stdout.split()[1]
    config = (tmp_path / "usr/share/pkgconfig/cairn.pc").read_text()
    assert "prefix=/usr\n" in config and f"Version: {version}\n" in config
    for page in (root / "docs" / "man").glob("*.1"):
        assert (tmp_path / "usr/share/man/man1" / page.name).exists()
    complete = ("COMP_WORDS=(usr/bin/cairn --v); COMP_CWORD=1; . usr/share/bash-completion/"
                "completions/cairn; COMP_WORDS[1]=; _cairn; echo ${COMPREPLY[@]}")
    offered = subprocess.run(["bash", "-c", complete], cwd=tmp_path, capture_output=True,
                             text=True).stdout.split()
    commands = subprocess.run([build / "cairn", "--help"], capture_output=True, text=True).stdout
    assert [line.split()[0] for line in commands.splitlines() if line[:2] == "  "] == offered
    complete = complete.replace("--v); COMP_CWORD=1", "record -e kp); COMP_CWORD=3") \
        .replace("COMP_WORDS[1]=; ", "")
    offered = subprocess.run(["bash", "-c", complete], cwd=tmp_path, capture_output=True, text=True)
    assert offered.stdout == "kprobe:\n"
    make("uninstall")
    assert [f for f in tmp_path.rglob("*") if not f.is_dir()] == []
