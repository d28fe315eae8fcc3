# SPDX-License-Identifier: MIT
"""What a program that carries its lines says when it dies, and that it dies as it would have."""
import re
import signal
import subprocess

import pytest

pytestmark = pytest.mark.quick

SOURCE = """#include <cairn/lines.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int *volatile nowhere;
static inline int look(int *at)
{
    __asm__ volatile("" : "+r"(at));
    int got = *at; /* line 12 */
    __asm__ volatile("" : : "r"(got));
    return got;
}
__attribute__((noinline)) int third(int n)
{
    return look(nowhere) + n;
}
__attribute__((noinline)) int second(int n)
{
    return third(n + 1) * 2; /* line 22 */
}
__attribute__((noinline)) void *first(void *n)
{
    return (void *)(long)(second((int)(long)n) + 1); /* line 26 */
}
__attribute__((noinline)) int smash(int n)
{
    volatile char here[16], *volatile at = here;
    for (int i = 0; i < 400; i++)
        at[i] = (char)n;
    return *nowhere + here[n & 15];
}
__attribute__((noinline)) int deep(volatile char *above)
{
    volatile char here[4096];
    here[0] = above ? *above : 0;
    return deep(here) + here[0];
}
static void earlier(int number)
{
    (void)number;
    write(2, "earlier\\n", 8);
    _exit(3);
}
int main(int argc, char **argv)
{
    pthread_t thread;
    (void)argc;
    if (!strcmp(argv[1], "chain"))
        signal(SIGSEGV, earlier);
    if (cairn_crash_install())
        return 99;
    if (!strcmp(argv[1], "thread") || !strcmp(argv[1], "chain")) {
        pthread_create(&thread, NULL, first, NULL);
        pthread_join(thread, NULL);
    }
    if (!strcmp(argv[1], "abort"))
        abort();
    if (!strcmp(argv[1], "smash"))
        return smash('A');
    if (!strcmp(argv[1], "deep"))
        return deep(NULL);
    if (!strcmp(argv[1], "sent"))
        raise(SIGFPE);
    if (!strcmp(argv[1], "jump"))
        ((void (*)(void))nowhere)();
    return 0;
}
"""


@pytest.fixture(scope="module")
def program(cairn, build, root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("crash")
    (folder / "die.c").write_text(SOURCE)
    subprocess.run(["gcc", "-O2", "-g", "-w", f"-ffile-prefix-map={folder}=.",
                    f"-I{root}/include", "-o", "die", "die.c", build / "libcairn.a", "-lpthread"],
                   cwd=folder, check=True)
    subprocess.run([cairn, "lines", "embed", "die"], cwd=folder, check=True, capture_output=True)
    subprocess.run(["strip", "die"], cwd=folder, check=True)
    listed = subprocess.run(["readelf", "-SW", "die"], cwd=folder, capture_output=True, text=True)
    assert ".debug_line" not in listed.stdout and ".cairn_lines" in listed.stdout
    return folder / "die"


def die(program, how):
    return subprocess.run([program, how], capture_output=True, text=True, timeout=20,
                          errors="replace")


def test_a_thread_that_reads_nowhere_tells_its_lines(program):
    done = die(program, "thread")
    assert done.returncode == -signal.SIGSEGV
    assert done.stderr.startswith("cairn: SIGSEGV at 0x0 in thread ")
    frames = re.findall(r"^#(\d+) +0x\w+  (\S+)  (\S+)$", done.stderr, re.M)
    assert frames[0] == ("0", "look", "die.c:12")
    assert "\n     inlined into  third  die.c:18\n" in done.stderr
    assert frames[1] == ("1", "second", "die.c:22")
    assert frames[2] == ("2", "first", "die.c:26")


def test_abort_tells_who_called_it(program):
    done = die(program, "abort")
    assert done.returncode == -signal.SIGABRT
    assert re.search(r"  main\S*  die\.c:\d+$", done.stderr, re.M)
    assert "libc.so.6+0x" in done.stderr


def test_the_handler_before_runs_after(program):
    done = die(program, "chain")
    assert done.returncode == 3
    assert done.stderr.index("  look  die.c:12") < done.stderr.index("earlier\n")


@pytest.mark.parametrize("how", ["smash", "deep", "jump", "sent"])
def test_it_ends_whatever_the_stack_looks_like(program, how):
    done = die(program, how)
    assert done.returncode == -(signal.SIGFPE if how == "sent" else signal.SIGSEGV)
    assert done.stderr.startswith("cairn: SIG")
    assert "#0" in done.stderr
    assert done.stderr.count("\n") < 140
    assert how != "smash" or "main" not in done.stderr


def test_a_stack_overflow_shows_where_it_runs(program):
    done = die(program, "deep")
    assert done.stderr.count("  deep  die.c:") > 100


def test_the_library_shows_nothing_but_its_own_names(build):
    listed = subprocess.run(["nm", "-D", "--defined-only", build / "libcairn.so"],
                            capture_output=True, text=True, check=True).stdout
    names = [line.split()[-1] for line in listed.splitlines()]
    assert names and all(name.startswith("cairn_") for name in names)


@pytest.mark.parametrize("compiler", [["gcc", "-std=c99"], ["gcc", "-std=c11"], ["g++"]])
def test_the_header_stands_alone(root, tmp_path, compiler):
    source = tmp_path / ("x.cc" if compiler[0] == "g++" else "x.c")
    source.write_text('#include <cairn/lines.h>\nint main(void) { return 0; }\n')
    subprocess.run([*compiler, "-Wall", "-Wextra", "-pedantic", "-Werror", f"-I{root}/include",
                    "-fsyntax-only", source], check=True)
