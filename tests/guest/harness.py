# SPDX-License-Identifier: MIT
"""Boots Debian's own kernels under software emulation and runs a shell script inside.

A guest is a kernel image, taken out of its package and kept in a cache, and an initramfs of
busybox, the script and the files it needs. What the script prints comes back by one serial line,
what it leaves in /out by another. Never KVM: a device node is no promise that it works, and
emulation counts instructions exactly (`icount`).
"""
import dataclasses
import os
import pathlib
import re
import shutil
import stat
import subprocess
import tarfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / os.environ.get("BUILD", "build")
CACHE = pathlib.Path(os.environ.get("CAIRN_CACHE", pathlib.Path.home() / ".cache" / "cairn"))
# The package that depends on the newest image of a series in Debian 12.
SERIES = {"6.1": "linux-image-amd64", "6.1-cloud": "linux-image-cloud-amd64",
          "6.12": "linux-image-6.12-amd64",
          "6.12-cloud": "linux-image-6.12-cloud-amd64"}

INIT = """#!/bin/sh
export PATH=/bin:/t HOME=/
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tracefs tracefs /sys/kernel/tracing
mount -t bpf bpf /sys/fs/bpf
mount -t tmpfs tmp /tmp
ip link set lo up
cd /t
echo @@start
sh /t/script
echo "@@status $?"
stty -F /dev/ttyS1 raw
tar c -C /out . >/dev/ttyS1
poweroff -f
"""


class Unavailable(Exception):
    """This machine cannot have a guest; the text says what is missing."""


class Failed(Exception):
    """The guest did not come to its end; the text says where its log is."""


@dataclasses.dataclass
class Result:
    output: str  # what the script printed
    status: int
    out: pathlib.Path  # what it left in /out
    log: pathlib.Path  # the whole console


def need(program, package):
    found = shutil.which(program) or shutil.which(program, path="/bin:/sbin:/usr/bin:/usr/sbin")
    if not found:
        raise Unavailable(f"{program} is missing (package {package})")
    return found


def call(command, **more):
    done = subprocess.run(command, capture_output=True, **more)
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().splitlines() or ["it failed"]
        raise Unavailable(f"{' '.join(map(str, command[:3]))}: {why[-1]}")
    return done.stdout


def newest_package(series):
    """The name of the image package its series' meta package asks for now."""
    need("apt-get", "apt")
    depends = subprocess.run(["apt-cache", "depends", SERIES[series]], capture_output=True,
                             text=True).stdout
    found = re.search(rf"linux-image-{re.escape(series)}\.\S+", depends)
    if not found:
        raise Unavailable(f"apt knows no Linux {series} image (try `apt-get update`)")
    return found[0]


def kernel_image(series):
    """The path of the kernel's image; its package is fetched once."""
    if series not in SERIES:
        raise Unavailable(f"there is no recipe for Linux {series}, only {', '.join(SERIES)}")
    image = CACHE / f"linux-{series}" / "vmlinuz"
    if image.exists():
        return image
    package = newest_package(series)
    image.parent.mkdir(parents=True, exist_ok=True)
    call(["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", package],
         cwd=image.parent)
    deb = next(image.parent.glob(f"{package}_*.deb"))
    unpacked = image.parent / "unpacked"
    call(["dpkg-deb", "-x", deb, unpacked])
    next((unpacked / "boot").glob("vmlinuz-*")).rename(image)
    shutil.rmtree(unpacked)
    deb.unlink()
    return image


def libraries(program):
    """What a dynamic program needs beside itself, its loader included."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
    return re.findall(r"(?:=> |^\s*)(/\S+) \(0x", listed, re.M)


class Initramfs:
    """A cpio archive in the "newc" form the kernel unpacks at boot."""

    def __init__(self):
        self.parts = []
        self.names = set()

    def entry(self, name, mode, data=b""):
        if name in self.names:
            return
        folder = os.path.dirname(name)
        if folder:
            self.entry(folder, stat.S_IFDIR | 0o755)
        self.names.add(name)
        fields = [len(self.names), mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        for part in (header + name.encode() + b"\0", data):
            self.parts.append(part + b"\0" * (-len(part) % 4))

    def file(self, name, data, mode=0o755):
        self.entry(name.lstrip("/"), stat.S_IFREG | mode, data)

    def program(self, name, path):
        """A file, and the libraries it needs when it is a program."""
        data = pathlib.Path(path).read_bytes()
        self.file(name, data)
        if data[:4] == b"\x7fELF":
            for library in libraries(path):
                self.file(library, pathlib.Path(library).read_bytes())

    def write(self, path):
        self.entry("TRAILER!!!", 0)
        path.write_bytes(b"".join(self.parts))


def build_initramfs(path, script, files):
    image = Initramfs()
    busybox = pathlib.Path(need("busybox", "busybox-static"))
    if libraries(busybox):
        raise Unavailable(f"{busybox} is not static (package busybox-static)")
    image.file("bin/busybox", busybox.read_bytes())
    applets = call([busybox, "--list"], text=True).split()
    for applet in applets:
        image.entry(f"bin/{applet}", stat.S_IFLNK | 0o777, b"busybox")
    for folder in ("proc", "sys", "dev", "tmp", "out", "t"):
        image.entry(folder, stat.S_IFDIR | 0o755)
    image.file("init", INIT.encode())
    image.file("t/script", script.encode())
    for name, source in files.items():
        image.program(name if name.startswith("/") else f"t/{name}", source)
    image.write(path)


def read_result(folder):
    """Splits the console at the marks /init prints."""
    log = folder / "console.log"
    console = log.read_bytes().decode(errors="replace").replace("\r", "")
    marks = re.search(r"@@start\n(.*)@@status (\d+)\n", console, re.S)
    if not marks:
        raise Failed(f"the guest never came to its end: see {log}")
    out = folder / "out"
    with tarfile.open(folder / "out.tar", ignore_zeros=True) as archive:
        archive.extractall(out)
    return Result(marks[1], int(marks[2]), out, log)


def boot(series, script, files=None, name="guest", icount=False, cpus=2, limit_s=60, mb=768,
         dies=False):
    """
    Runs `script` with `files` ({name in /t or absolute path: file here}) in a guest.

    A script that `dies` ends in a panic: there is no status and no /out, only what was printed.

    With `icount` the guest has one cpu and its clock counts executed instructions, one a ns.
    """
    qemu = need("qemu-system-x86_64", "qemu-system-x86")
    kernel = kernel_image(series)
    folder = BUILD / "guest" / f"{name}-{series}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    build_initramfs(folder / "initramfs", script, files or {})
    # One thread for all cpus: with one each, code that the kernel patches while another cpu runs
    # it (a tracepoint being switched on) was seen to be executed half patched.
    speed = ["-accel", "tcg,thread=single", "-smp", "1" if icount else str(cpus)]
    if icount:
        speed += ["-icount", "shift=0,sleep=off"]
    command = [qemu, "-machine", "q35", *speed, "-cpu", "max", "-m", str(mb), "-nodefaults",
               "-no-user-config", "-display", "none", "-no-reboot",
               "-serial", f"file:{folder / 'console.log'}",
               "-serial", f"file:{folder / 'out.tar'}",
               "-kernel", kernel, "-initrd", folder / "initramfs",
               "-append", "console=ttyS0 quiet panic=-1 mitigations=off"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=limit_s)
    except subprocess.TimeoutExpired:
        raise Failed(f"the guest took more than {limit_s} s: see {folder / 'console.log'}")
    if done.returncode:
        raise Failed(f"qemu: {done.stderr.strip()}")
    if dies:
        log = folder / "console.log"
        return Result(log.read_bytes().decode(errors="replace").replace("\r", ""), None, None, log)
    return read_result(folder)
