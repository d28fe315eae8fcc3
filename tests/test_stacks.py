# SPDX-License-Identifier: MIT
"""Stacks walked by tables, on the host and in the kernel, are those eu-stack finds."""
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import time

import pytest

# Sleeps at one place below 17 frames of its own, over and over.
SLEEPER = r"""
#include <stdlib.h>
#include <time.h>
__attribute__((noinline)) static int deep(int n)
{
    volatile int x = n;
    struct timespec t = {0, 20000000};
    if (n)
        return deep(n - 1) + x;
    nanosleep(&t, 0);
    return x;
}
int main(void)
{
    for (;;)
        deep(17);
}
"""
SIGNALLED = r"""
#include <signal.h>
#include <time.h>
static void handle(int signal)
{
    struct timespec t = {0, 20000000};
    for (;;)
        nanosleep(&t, 0);
}
__attribute__((noinline)) static int work(volatile int *x)
{
    while (1)
        *x += 1;
}
int main(void)
{
    static char stack[1 << 16];
    stack_t other = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction action = {.sa_handler = handle, .sa_flags = FLAGS};
    struct timespec soon = {0, 1000000};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    struct itimerspec when = {.it_value = soon};
    timer_t timer;
    int x = 0;
    sigaltstack(&other, 0);
    sigaction(SIGALRM, &action, 0);
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &when, 0);
    return work(&x);
}
"""
# Loads a library after a while, and sleeps below it from then on.
LOADER = r"""
#include <dlfcn.h>
#include <time.h>
static void leaf(void)
{
    struct timespec t = {0, 20000000};
    nanosleep(&t, 0);
}
int main(void)
{
    for (int i = 0; i < 45; i++)
        leaf();
    void *library = dlopen("./library.so", RTLD_NOW);
    void (*call)(void (*)(void)) = dlsym(library, "call");
    for (;;)
        call(leaf);
}
"""
LIBRARY = r"""
int call(void (*leaf)(void))
{
    volatile int x[20] = {1};
    leaf();
    return x[1];
}
"""
PYTHON = r"""
import re, time
def key(match):
    time.sleep(0.02)
    return ""
while True:
    sorted([1], key=lambda _: re.sub("a", key, "a"))
"""


def redis_server(folder):
    """The server is a name of the checker's binary, which redis-tools has without a service."""
    server = folder / "redis-server"
    server.symlink_to(shutil.which("redis-check-rdb"))
    return str(server)


@pytest.fixture
def start(tmp_path):
    """start(name) → (process, pid of the thread to look at, a function that keeps it busy)."""
    with contextlib.ExitStack() as ends:
        def run(*command, **more):
            if not shutil.which(command[0]):
                pytest.skip(f"{command[0]} is not installed")
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, cwd=tmp_path, **more)
            ends.callback(process.wait)
            ends.callback(process.kill)
            return process

        def compiled(source, *flags):
            (tmp_path / "program.c").write_text(source)
            subprocess.run(["gcc", "-O2", "-fomit-frame-pointer", *flags, "program.c", "-o",
                            "program"], cwd=tmp_path, check=True)
            return run(str(tmp_path / "program")).pid

        def loader():
            (tmp_path / "library.c").write_text(LIBRARY)
            subprocess.run(["gcc", "-O2", "-fomit-frame-pointer", "-shared", "-fPIC", "library.c",
                            "-o", "library.so"], cwd=tmp_path, check=True)
            return compiled(LOADER)

        def nginx():
            (tmp_path / "nginx.conf").write_text(
                f"daemon off; pid {tmp_path}/pid; error_log /dev/null; worker_processes 1;\n"
                "events {} http { access_log off; server { listen unix:%s/web; } }\n" % tmp_path)
            os.chmod(tmp_path, 0o755)
            master = run("nginx", "-c", f"{tmp_path}/nginx.conf", "-p", str(tmp_path))
            ends.callback(master.terminate)
            for _ in range(100):
                time.sleep(0.02)
                children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(master.pid)],
                                          capture_output=True, text=True).stdout.split()
                if children:
                    return int(children[0])
            pytest.skip("nginx does not start here")

        def starter(name):
            return {
                "sleeper": lambda: compiled(SLEEPER),
                "static": lambda: compiled(SLEEPER, "-static"),
                "frame-pointers": lambda: compiled(SLEEPER, "-fno-omit-frame-pointer"),
                "signal": lambda: compiled(SIGNALLED, "-DFLAGS=0"),
                "signal-stack": lambda: compiled(SIGNALLED, "-DFLAGS=SA_ONSTACK"),
                "python": lambda: run("/usr/bin/python3", "-c", PYTHON).pid,
                "bash": lambda: run("bash", "-c", "f() { while ! read -t 0.05 x; do :; done; }; f"
                                    ).pid,
                "redis": lambda: run(redis_server(tmp_path), "--port", "0", "--save", "",
                                     "--unixsocket", f"{tmp_path}/redis").pid,
                "nginx": nginx,
                "dlopen": loader,
            }[name]()

        yield starter


def eu_stack(pid):
    if not shutil.which("eu-stack"):
        pytest.skip("eu-stack (package elfutils) is not installed")
    said = subprocess.run(["eu-stack", "-q", "-1", "-p", str(pid)], capture_output=True, text=True)
    return [int(ip, 16) for ip in re.findall(r"^#\d+ +(0x[0-9a-f]+)", said.stdout, re.MULTILINE)]


def needs_root():
    if os.geteuid():
        pytest.skip("needs root")


PROGRAMS = ["sleeper", "static", "frame-pointers", "signal", "python", "bash", "redis", "nginx"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_host_walk_equals_eu_stack(build, start, name):
    needs_root()
    pid = start(name)
    time.sleep(0.3)
    for _ in range(20):
        truth = eu_stack(pid)
        walked = subprocess.run([build / "helper" / "walk_process", str(pid)],
                                capture_output=True, text=True, check=True).stdout.split()
        if [int(ip, 16) for ip in walked[:-1]] == truth:
            break
        time.sleep(0.01)
    assert [int(ip, 16) for ip in walked[:-1]] == truth
    assert len(truth) > 4 and walked[-1] == "complete"


def visit(path):
    """One request, so that the server wakes and sleeps again."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as web:
        web.connect(str(path))
        web.sendall(b"GET / HTTP/1.0\r\n\r\n")
        web.settimeout(1)
        web.recv(100)


def start_recording(cairn, pid, trace, **more):
    return subprocess.Popen([cairn, "record", "--rung", "bpf", "-q", "-p", str(pid), "--only",
                             "-d", "1.5s", "-o", trace], stderr=subprocess.PIPE, text=True, **more)


def sites_of(cairn, record, pid, trace):
    if record.wait():
        pytest.skip(record.stderr.read())
    dump = subprocess.run([cairn, "dump", "--json", trace], capture_output=True, text=True,
                          check=True).stdout
    events = [json.loads(line) for line in dump.splitlines() if '"cairn_site"' in line]
    return [e["fields"] for e in events if e["fields"]["pid"] == pid]


@pytest.mark.parametrize("name", [*PROGRAMS, "signal-stack", "dlopen"])
def test_recorded_stack_equals_eu_stack(cairn, start, tmp_path, name):
    needs_root()
    pid = start(name)
    time.sleep(0.3)
    record = start_recording(cairn, pid, tmp_path / "t.cairn")
    for _ in range(10):
        time.sleep(0.12)
        visit(tmp_path / "web")
    sites = sites_of(cairn, record, pid, tmp_path / "t.cairn")
    complete = {tuple(s["ips"]) for s in sites if s["flags"] & 1}
    assert complete, sites
    for _ in range(20):
        truth = eu_stack(pid)
        if tuple(truth) in complete:
            break
        time.sleep(0.01)
    assert tuple(truth) in complete
    assert not [s for s in sites if s["flags"] & 8], "no stack is cut by a fault"


def all_complete(sites):
    return sites and all(s["flags"] & 1 for s in sites)


def test_a_target_is_ready_before_the_recording(cairn, start, tmp_path):
    """Its very first sleep has all frames: with an empty cache, from it, with a spoilt one."""
    needs_root()
    pid = start("sleeper")
    own = tmp_path / "cache"
    own.mkdir()
    env = os.environ | {"XDG_CACHE_HOME": str(own)}
    kept = []
    for spoil in (False, False, True):
        for file in (own / "cairn").glob("*") if spoil else []:
            file.write_bytes(file.read_bytes()[:-1])
        record = start_recording(cairn, pid, tmp_path / "t.cairn", env=env)
        assert all_complete(sites_of(cairn, record, pid, tmp_path / "t.cairn"))
        kept.append({f.name: (f.stat().st_ino, f.read_bytes()) for f in own.glob("cairn/*")})
        shutil.rmtree(tmp_path / "t.cairn")
    first, second, third = kept
    assert first and first.items() <= second.items(), "what is there is not written again"
    # Strangers may have gone since: their tables stay spoilt until somebody needs them.
    again = [name for name in first if third[name][0] != second[name][0]]
    assert len(again) >= 2, "the program's, libc's"
    assert all(third[name][1] == first[name][1] for name in again)


def test_without_a_cache_and_two_at_once(cairn, start, tmp_path):
    needs_root()
    pid = start("sleeper")
    (tmp_path / "cache").mkdir()
    places = {"a": tmp_path / "cache", "b": tmp_path / "cache", "none": "/proc"}
    records = {name: start_recording(cairn, pid, tmp_path / name,
                                     env=os.environ | {"XDG_CACHE_HOME": str(place)})
               for name, place in places.items()}
    for name, record in records.items():
        assert all_complete(sites_of(cairn, record, pid, tmp_path / name)), name
    assert list((tmp_path / "cache" / "cairn").glob("unwind*"))
    assert not list((tmp_path / "cache" / "cairn").glob("draft*"))
