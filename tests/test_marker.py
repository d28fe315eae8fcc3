# SPDX-License-Identifier: MIT
"""Markers from a program's source to the trace: exactly what a program says it emitted."""
import collections
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time

import pytest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="recording the whole system needs root")
plain_build = pytest.mark.skipif(os.environ.get("BUILD", "build") != "build",
                                 reason="programs with markers are built in the plain build only")
pytestmark = plain_build


@pytest.fixture(scope="session")
def examples(build):
    return build / "examples"


def dump(cairn, trace):
    done = subprocess.run([cairn, "dump", "--json", trace], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def babeltrace(trace):
    done = subprocess.run(["babeltrace2", "--names=none", trace], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout


def counted(trace):
    """How many events of each marker babeltrace2 finds."""
    names = re.findall(r"\) (?:\S+ )?(\w+:\w+): \{", babeltrace(trace))
    return collections.Counter(names)


def told(output):
    """What the program says: lines of a name and a number."""
    return collections.Counter({name: int(count) for name, count in
                                re.findall(r"^(\w+:\w+) (\d+)$", output, re.M)})


def record(cairn, trace, *words, **more):
    done = subprocess.run([cairn, "record", "-o", trace, *words], capture_output=True, text=True,
                          timeout=60, **more)
    assert done.returncode == 0, done.stderr
    return done


def wait_for(what, limit_s=10):
    end = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def forever(examples):
    process = subprocess.Popen([examples / "marked", "forever", "4",
                                examples / "marked_plugin.so"])
    time.sleep(0.2)
    yield process
    process.kill()
    process.wait()


@needs_root
def test_a_trace_has_exactly_what_two_programs_and_a_library_say_they_emitted(
        cairn, examples, tmp_path):
    trace = tmp_path / "t"
    command = f"{examples}/marked orders 5000 4 {examples}/marked_plugin.so & " \
              f"{examples}/marked orders 3000 2; wait"
    done = record(cairn, trace, "--ring", "32M", "-e", "marker:marked:*", "-e",
                  "marker:plugin:pulse", "--", "sh", "-c", command)
    total = collections.Counter()
    for name, count in re.findall(r"^(\w+:\w+) (\d+)$", done.stdout, re.M):
        total[name] += int(count)
    assert total["marked:order"] == 26000 and total["plugin:pulse"] == 20000
    assert counted(trace) == total
    orders = [e for e in dump(cairn, trace) if e["event"] == "marked:order"]
    for thread in {e["tid"] for e in orders}:
        numbers = [e["fields"]["number"] for e in orders if e["tid"] == thread]
        assert numbers == list(range(len(numbers)))


@needs_root
def test_every_kind_of_field_comes_back(cairn, examples, tmp_path):
    trace = tmp_path / "t"
    record(cairn, trace, "-e", "marker:greeter", "--", examples / "greeter")
    events = [e for e in dump(cairn, trace) if e["event"].startswith("greeter:")]
    assert [e["event"] for e in events] == ["greeter:greeting", "greeter:greeting",
                                            "greeter:guests", "greeter:closed"]
    assert events[0]["fields"] == {"name": "Ada", "times": 1}
    assert events[2]["fields"] == {"ids_length": 3, "ids": [1, -2, 3]}


@needs_root
def test_levels_and_names_choose(cairn, examples, tmp_path):
    record(cairn, tmp_path / "a", "-e", "marker:marked:* if level <= 0", "--",
           examples / "marked", "orders", "3", "1")
    assert counted(tmp_path / "a") == {"marked:order": 3}
    record(cairn, tmp_path / "b", "-e", "marker:*:?lose", "--",
           examples / "marked", "orders", "3", "1")
    assert counted(tmp_path / "b") == {"marked:close": 1}
    done = subprocess.run([cairn, "record", "-e", "marker:a:b if x > 1", "--", "true"],
                          capture_output=True, text=True)
    assert done.returncode == 2 and "level" in done.stderr


@needs_root
def test_a_marker_a_wake_up_and_the_woken_threads_marker_are_in_order(cairn, examples, tmp_path):
    """One clock: what a marker's time may be wrong is said, and the order holds within it."""
    trace = tmp_path / "t"
    done = record(cairn, trace, "-e", "marker:ping:*", "--", examples / "marked", "ping", "300")
    error_ns = int(re.search(r"markers' times within (\d+) ns", done.stderr)[1])
    assert 0 < error_ns < 2000
    events = dump(cairn, trace)
    sent, wakings, checked = {}, {}, 0
    for e in events:
        if e["event"] == "ping:sends":
            sent[e["tid"]] = e["time_ns"]
        elif e["event"] == "sched_waking" and e.get("tid") in sent:
            wakings[e["fields"]["tid"]] = (e["time_ns"], e["tid"])
        elif e["event"] == "ping:got" and e.get("tid") in wakings:
            woken_ns, waker = wakings.pop(e["tid"])
            assert sent[waker] <= woken_ns + error_ns
            assert woken_ns <= e["time_ns"] + error_ns
            checked += 1
    assert checked >= 100


@needs_root
def test_markers_go_on_and_off_in_a_running_process(cairn, forever, tmp_path):
    def states():
        done = subprocess.run([cairn, "list", "markers", "--json", "-p", str(forever.pid)],
                              capture_output=True, text=True, check=True)
        return {m["provider"] + ":" + m["name"]: m["state"]
                for m in json.loads(done.stdout)["markers"]}
    assert set(states().values()) == {"off"}
    for i in range(3):
        recorder = subprocess.Popen([cairn, "record", "-q", "-p", str(forever.pid), "-e",
                                     "marker:*:order", "-e", "marker:plugin:*", "-o",
                                     tmp_path / str(i)])
        wait_for(lambda: states()["marked:order"] == "on")
        assert states()["plugin:pulse"] == "on" and states()["marked:open"] == "off"
        time.sleep(0.3)
        recorder.send_signal(signal.SIGINT)
        assert recorder.wait(20) == 0
        assert set(states().values()) == {"off"}
        found = counted(tmp_path / str(i))
        assert found["marked:order"] > 100 and abs(found["marked:order"] -
                                                   found["plugin:pulse"]) <= 8
    assert forever.poll() is None


@needs_root
@pytest.mark.parametrize("trouble", ["no rseq", "valgrind"])
def test_threads_without_restartable_sequences_are_recorded_too(cairn, examples, tmp_path,
                                                                trouble):
    if trouble == "valgrind" and not shutil.which("valgrind"):
        pytest.skip("valgrind is not installed")
    wrap = ["env", "GLIBC_TUNABLES=glibc.pthread.rseq=0"] if trouble == "no rseq" else \
        ["valgrind", "-q", "--error-exitcode=9"]
    done = record(cairn, tmp_path / "t", "-e", "marker:marked:*", "--", *wrap,
                  examples / "marked", "orders", "500", "4")
    assert counted(tmp_path / "t") == told(done.stdout)
    assert any(p.name.startswith("lane_") for p in (tmp_path / "t").iterdir())


@needs_root
def test_a_killed_program_leaves_its_last_events_in_the_flight_recorder(cairn, examples, tmp_path):
    trace = tmp_path / "t"
    done = record(cairn, trace, "--flight", "1M", "-e", "marker:marked:*", "--", "sh", "-c",
                  f"{examples}/marked orders 100000000 8 & sleep 0.4; kill -9 $!")
    assert counted(trace)["marked:order"] > 20000
    orders = [e for e in dump(cairn, trace) if e["event"] == "marked:order"]
    for thread in {e["tid"] for e in orders}:
        numbers = [e["fields"]["number"] for e in orders if e["tid"] == thread][-100:]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), done.stderr


@needs_root
@pytest.mark.parametrize("options", [["--flight", "1M"], [], ["--flight", "1M", "-x", "waits"],
                                     ["-x", "waits"], ["--rung", "tracefs"]])
def test_what_a_killed_tool_had_in_its_rings_is_rescued(cairn, forever, tmp_path, options):
    trace = tmp_path / "t"
    recorder = subprocess.Popen([cairn, "record", "-q", *options, "-p", str(forever.pid), "-e",
                                 "marker:marked:order", "-o", trace])
    time.sleep(0.8)
    recorder.kill()
    recorder.wait()
    done = subprocess.run([cairn, "recover", trace], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    orders = [e for e in dump(cairn, trace) if e["event"] == "marked:order"]
    assert len(orders) > 100
    for thread in {e["tid"] for e in orders}:
        numbers = [e["fields"]["number"] for e in orders if e["tid"] == thread]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert not os.path.exists(f"/dev/shm/cairn-0/{recorder.pid}")
    assert forever.poll() is None


@pytest.mark.quick
def test_list_names_markers_with_fields_and_places(cairn, examples):
    done = subprocess.run([cairn, "list", "markers", examples / "marked"], capture_output=True,
                          text=True)
    assert done.returncode == 0
    assert re.search(r"marked:order +- +examples/marked/marked.c:\d+  thread:uint32, "
                     r"number:int64, state:enum, customer:text\n", done.stdout)
    done = subprocess.run([cairn, "list", "markers", "/bin/true"], capture_output=True, text=True)
    assert done.stdout == "/bin/true has no markers\n"
    done = subprocess.run([cairn, "list", "markers", "/etc/passwd"], capture_output=True, text=True)
    assert done.returncode == 1 and "no program or library" in done.stderr


@needs_root
def test_forked_executed_interrupted_and_stepped_programs_keep_their_own_names(
        cairn, root, build, tmp_path):
    family, trace = tmp_path / "family", tmp_path / "t"
    subprocess.run(["gcc", "-O2", f"-I{root}/include", root / "tests/site/family.c",
                    build / "libcairn.a", "-o", family, "-lpthread"], check=True)
    done = record(cairn, trace, "--ring", "64M", "-x", "waits", "-e", "marker:family:*", "--",
                  family)
    said = {(role, int(tid)): int(count) for role, tid, count in
            re.findall(r"^(\w+) (\d+) (\d+)$", done.stdout, re.M)}
    assert {role for role, _ in said} == {"parent", "child", "thread", "exec", "interrupted",
                                          "handler", "stepped"}
    found = collections.Counter((e["fields"]["role"], e["tid"]) for e in dump(cairn, trace)
                                if e["event"] == "family:said")
    assert found == said


@needs_root
@pytest.mark.parametrize("wrap", [[], ["valgrind", "-q", "--error-exitcode=9"]])
def test_strings_of_every_length_come_back_and_long_ones_are_cut(cairn, root, build, tmp_path,
                                                                  wrap):
    if wrap and not shutil.which("valgrind"):
        pytest.skip("valgrind is not installed")
    subprocess.run(["gcc", "-O2", f"-I{root}/include", root / "tests/site/strings.c",
                    build / "libcairn.a", "-o", tmp_path / "strings"], check=True)
    done = record(cairn, tmp_path / "t", "-e", "marker:strings", "--", *wrap,
                  tmp_path / "strings")
    assert "exit" not in done.stderr and "Invalid" not in done.stderr
    events = [e for e in dump(cairn, tmp_path / "t") if e["event"].startswith("strings:")]
    assert len(events) == 302
    for length, e in enumerate(events[:301]):
        whole = "".join(chr(ord("a") + (i + length) % 26) for i in range(length))
        wanted = whole if length < 256 else whole[:247] + "…[cut]"
        assert e["fields"]["heap"] == e["fields"]["edge"] == wanted, length
        assert e["fields"]["behind"] == length
    assert events[301]["fields"]["utf8"] == "ä" * 123 + "…[cut]"


@needs_root
def test_sites_of_one_name_with_different_fields_are_told_and_not_recorded(cairn, root, build,
                                                                          tmp_path):
    source, program = tmp_path / "clash.c", tmp_path / "clash"
    source.write_text("#include <cairn/marker.h>\nint main(int n, char **v)\n{\n(void)v;\n"
                      "CAIRN_MARK(clash, same, CAIRN_INT(n, n));\n"
                      "CAIRN_MARK(clash, same, CAIRN_INT(n, (long)n));\n"
                      "CAIRN_MARK(clash, fine);\nreturn 0;\n}\n")
    subprocess.run(["gcc", f"-I{root}/include", source, build / "libcairn.a", "-o", program],
                   check=True)
    listed = subprocess.run([cairn, "list", "markers", program], capture_output=True, text=True)
    assert len(re.findall("clash:same +clash ", listed.stdout)) == 2
    record(cairn, tmp_path / "t", "-e", "marker:clash", "--", program)
    assert counted(tmp_path / "t") == {"clash:fine": 1}


@needs_root
@pytest.mark.parametrize("flight", [[], ["--flight", "1M"]])
def test_markers_alone_need_no_right(cairn, examples, tmp_path, flight):
    """As nobody, with copies of the tool and the program where nobody can reach them."""
    folder = tmp_path / "nobody"
    folder.mkdir()
    for path in tmp_path, *tmp_path.parents:
        if str(path).startswith("/tmp/"):
            path.chmod(path.stat().st_mode | 0o055)
    for program in cairn, examples / "marked":
        shutil.copy(program, folder)
    shutil.chown(folder, 65534, 65534)
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                           "./cairn", "record", "-x", "waits", *flight, "-e", "marker:marked",
                           "-o", "t", "--", "./marked", "orders", "50", "2"],
                          capture_output=True, text=True, cwd=folder, env={"PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stderr
    assert counted(folder / "t") == told(done.stdout)


@needs_root
def test_a_library_comes_and_goes_while_its_markers_are_recorded(cairn, build, examples, tmp_path):
    done = record(cairn, tmp_path / "t", "-e", "marker:plugin", "--", examples / "marked",
                  "reload", "300", examples / "marked_plugin.so")
    assert counted(tmp_path / "t") == told(done.stdout) == {"plugin:pulse": 300}
    # Switched from outside at any moment of its coming and going.
    target = subprocess.Popen([examples / "marked", "reload", "0", examples / "marked_plugin.so"])
    try:
        for i in range(5):
            record(cairn, tmp_path / str(i), "-x", "waits", "-e", "marker:plugin", "-p",
                   str(target.pid), "-d", "100ms")
            assert counted(tmp_path / str(i))["plugin:pulse"] > 100
        assert target.poll() is None
    finally:
        target.kill()
        target.wait()


@needs_root
@pytest.mark.parametrize("flight", [[], ["--flight", "256k"]])
def test_rings_that_somebody_scribbles_in_spoil_no_more_than_themselves(cairn, examples, tmp_path,
                                                                       flight):
    dice = random.Random(7)
    for i in range(4):
        target = subprocess.Popen([examples / "marked", "forever", "4"])
        trace = tmp_path / str(i)
        recorder = subprocess.Popen([cairn, "record", "-q", "-x", "waits", *flight, "-e",
                                     "marker:marked", "-p", str(target.pid), "-o", trace],
                                    stderr=subprocess.PIPE, text=True)
        time.sleep(0.3)
        with open(f"/dev/shm/cairn-0/{recorder.pid}", "r+b", buffering=0) as rings:
            for _ in range(3000):
                area = dice.choice([(0, 4096), (4096, 65536), (69632, 2000), (1118208, 2000),
                                    (1253376, 2 << 20)])
                rings.seek(area[0] + dice.randrange(area[1]))
                rings.write(bytes([dice.randrange(256)]))
        recorder.send_signal(signal.SIGINT)
        _, said = recorder.communicate(timeout=30)
        assert recorder.returncode in (0, 1), said
        assert target.poll() is None  # who writes looks only where its own part of the file is
        target.kill()
        target.wait()
        if (trace / "metadata").exists():  # a count of losses may be anything
            read = subprocess.run(["babeltrace2", trace], capture_output=True, text=True)
            assert read.returncode == 0 and "ERROR" not in read.stderr, read.stderr


@needs_root
def test_who_cannot_see_the_rings_is_told_of(cairn, examples, tmp_path):
    for wrap, words in [(["setpriv", "--reuid=65534", "--clear-groups"], "belongs to user 65534"),
                        (["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /dev/shm && exec "$@"',
                          "sh"], "has another /dev/shm")]:
        target = subprocess.Popen([*wrap, "sleep", "60"])
        time.sleep(0.3)
        done = subprocess.run([cairn, "record", "-x", "waits", "-e", "marker:a:b", "-p",
                               str(target.pid), "-d", "1s", "-o", tmp_path / words[:5]],
                              capture_output=True, text=True)
        target.kill()
        target.wait()
        assert done.returncode == 1 and words in done.stderr, done.stderr


@needs_root
def test_passing_a_marker_writes_what_led_to_it(cairn, examples, tmp_path):
    trace = tmp_path / "t"
    done = record(cairn, trace, "--flight", "1M", "-e", "marker:marked:*", "--on",
                  "marker:marked:close", "--", "sh", "-c",
                  f"{examples}/marked orders 100 2; sleep 0.3; {examples}/marked ping 3")
    assert done.stderr.count("snapshot at a marker") == 1
    events = [e for e in dump(cairn, trace) if e["event"].startswith("marked:")]
    assert len(events) == 202 and events[-1]["event"] == "marked:close"
    done = record(cairn, tmp_path / "u", "--flight", "1M", "--on", "marker:no:such", "--", "true")
    assert "nothing kept" in done.stderr and not (tmp_path / "u").exists()


@needs_root
def test_a_program_with_more_rights_than_its_user_takes_no_session(cairn, examples, tmp_path):
    program = tmp_path / "marked"
    shutil.copy(examples / "marked", program)
    tmp_path.chmod(0o755)
    os.chown(program, 65534, 65534)
    program.chmod(0o6755)
    done = record(cairn, tmp_path / "t", "-e", "marker:marked:*", "--", program, "orders", "10",
                  "1")
    assert told(done.stdout)["marked:order"] == 10 and not counted(tmp_path / "t")


def test_another_machines_library_emits_through_lanes(root, build, tmp_path):
    """aarch64: the library, a program, the rings' test, under emulation."""
    compiler, emulator = shutil.which("aarch64-linux-gnu-gcc"), shutil.which("qemu-aarch64")
    if not compiler or not emulator:
        pytest.skip("needs gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user")
    sources = [*root.glob("src/marker/*.c"), *root.glob("src/ring/*.c")]
    sources = [s for s in sources if not re.search("_(test|fuzz)", s.name)]
    flags = [compiler, "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-static", f"-I{root}/src",
             f"-I{root}/include"]
    subprocess.run([*flags, root / "tests/site/lanes.c", *sources, "-o", tmp_path / "lanes",
                    "-lpthread"], check=True)
    rings = tmp_path / "rings"
    subprocess.run([emulator, tmp_path / "lanes", rings], check=True)
    done = subprocess.run([emulator, tmp_path / "lanes", rings], capture_output=True, text=True,
                          timeout=120, env=dict(os.environ, CAIRN_SESSION=str(rings)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4000 of 4000 events, 0 torn, 0 missing" in done.stdout
