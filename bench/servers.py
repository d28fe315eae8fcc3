# SPDX-License-Identifier: MIT
"""Servers under their own benchmarks: redis and PostgreSQL as Debian packages them.

Each has a folder of its own below `work`, a Unix socket there and nowhere else, and ends with the
`with` block. `Absent` says which program is missing.
"""
import contextlib
import glob
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import time

LIMIT_S = 60


class Absent(Exception):
    pass


def program(name, *folders):
    path = shutil.which(name, path=":".join([os.environ["PATH"], *folders]))
    if not path:
        raise Absent(f"{name} is not installed")
    return path


def wait_for(ready, process, what):
    deadline = time.monotonic() + 20
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise Absent(f"{what} does not start")
        time.sleep(0.05)


@contextlib.contextmanager
def ended(process):
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Redis:
    """The server is a name of the checker's binary, which redis-tools has without a service."""
    name = "redis"
    unit = "requests/s"

    def __init__(self, work):
        self.bench = program("redis-benchmark")
        checker = program("redis-check-rdb")
        self.folder = pathlib.Path(work, "redis")
        self.folder.mkdir()
        (self.folder / "redis-server").symlink_to(checker)
        self.socket = self.folder / "s"

    @contextlib.contextmanager
    def running(self):
        server = subprocess.Popen(
            [self.folder / "redis-server", "--port", "0", "--unixsocket", self.socket, "--save", "",
             "--appendonly", "yes", "--appendfsync", "everysec", "--dir", self.folder],
            stdout=subprocess.DEVNULL)
        with ended(server):
            wait_for(self.socket.exists, server, "redis")
            yield server

    def command(self, seconds):
        return [self.bench, "-s", str(self.socket), "-c", "20", "-t", "set,get", "-q", "-n",
                str(int(60000 * seconds))]

    def rate(self, output):
        """Of both kinds of request together: the harmonic mean."""
        rates = [float(r) for r in re.findall(r"([\d.]+) requests per second", output)]
        return len(rates) / sum(1 / r for r in rates)


class Postgres:
    """Refuses to run as root, therefore it is nobody's."""
    name = "postgresql"
    unit = "transactions/s"

    def __init__(self, work):
        folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        self.tools = {name: program(name, *folders)
                      for name in ("initdb", "postgres", "pgbench", "createdb")}
        self.folder = pathlib.Path(work, "postgres")
        self.folder.mkdir()
        self.user = pwd.getpwnam("nobody")
        os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)

    def run(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S,
                              cwd=self.folder, **self.identity())
        if done.returncode:
            raise Absent(f"{command[0]}: {done.stderr.strip()}")

    def identity(self):
        if os.geteuid():
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    @contextlib.contextmanager
    def running(self):
        data = self.folder / "data"
        self.run(self.tools["initdb"], "-D", data, "-U", "bench", "-A", "trust", "-N")
        server = subprocess.Popen(
            [self.tools["postgres"], "-D", data, "-k", self.folder, "-c", "listen_addresses=",
             "-c", "shared_buffers=32MB"], cwd=self.folder, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, **self.identity())
        with ended(server):
            wait_for(lambda: any(self.folder.glob(".s.PGSQL.*[0-9]")), server, "PostgreSQL")
            time.sleep(0.5)
            self.run(self.tools["createdb"], *self.address(), "bench")
            self.run(self.tools["pgbench"], *self.address(), "-i", "-q", "bench")
            yield server

    def address(self):
        return ["-h", str(self.folder), "-U", "bench"]

    def command(self, seconds):
        return [self.tools["pgbench"], *self.address(), "-n", "-c", "4", "-T",
                str(max(int(seconds), 1)), "bench"]

    def rate(self, output):
        return float(re.search(r"tps = ([\d.]+)", output)[1])


SERVERS = (Redis, Postgres)
