# SPDX-License-Identifier: MIT
"""Runs inside gdb: at many places of a program, what cairn would read beside what gdb prints.

`CAIRN_READER=build/helper/probe_reader CAIRN_SPECS='*;*%return' gdb -batch -x gdb_values.py
--args PROGRAM…`; the last line printed counts values, and each that differs is a line before it.
"""
import os
import struct
import subprocess

import gdb

HITS_MAX = int(os.environ.get("CAIRN_HITS", "2"))
PLACES_MAX = int(os.environ.get("CAIRN_PLACES", "1500"))
SHAPES = ["integer", "hex", "bool", "character", "labels", "real", "text"]
REGISTERS = ["rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp"]
REGISTERS += [f"r{n}" for n in range(8, 16)] + ["rip"]
STRUCTURES = (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION)


class Reader:
    def __init__(self, program):
        self.process = subprocess.Popen([os.environ["CAIRN_READER"], program], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        errors="replace")

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        lines = []
        while (line := self.process.stdout.readline().rstrip("\n")) != "end":
            if line.startswith("error "):
                tally.errors.append(line)
            elif line:
                lines.append(line)
        return lines


class Tally:
    def __init__(self):
        self.same = self.unread = self.missing = self.gdb_only = 0
        self.different, self.errors = [], []
        self.stops = 0


class Missing(Exception):
    """gdb has no value."""


def span(block):
    return block.start, block.end, block.function and block.function.name


def block_of(pc, function):
    """The innermost block of the named function that is around the address."""
    block = gdb.block_for_pc(pc)
    while block and not block.function:
        block = block.superblock
    while block:
        if block.function and block.function.name.split("(")[0].split("::")[-1] == function:
            break
        block = block.superblock
    if not block:
        return None
    # Two objects of one block are not equal to gdb 13.
    chain = [gdb.block_for_pc(pc)]
    while span(chain[-1]) != span(block):
        chain.append(chain[-1].superblock)
    # Not into functions that are inlined here in turn.
    while any(b.function for b in chain[:-1]):
        chain = chain[[i for i, b in enumerate(chain[:-1]) if b.function][-1] + 1:]
    return chain[0]


def gdb_value(expression, block, frame):
    name = expression.replace("->", ".").split(".")[0].split("[")[0]
    while block:
        symbols = [s for s in block if s.name == name and
                   (s.is_variable or s.is_argument or s.is_constant)]
        if symbols:
            break
        if block.function:
            raise Missing(f"no symbol {name}")
        block = block.superblock
    value = frame.read_var(symbols[0], block)
    path = expression[len(name):]
    while path:
        if path.startswith("["):
            index, path = path[1:].split("]", 1)
            value = value[int(index)]
            continue
        if path.startswith("->"):
            value, path = value.dereference(), path[2:]
        else:
            path = path[1:]
        ends = [path.find(c) for c in "[.-" if c in path]
        member, path = (path[:min(ends)], path[min(ends):]) if ends else (path, "")
        value = value[member]
    return value


def text_of(value):
    """The bytes of a text, as far as cairn keeps them."""
    kind = value.type.strip_typedefs()
    limit = 127
    if kind.code == gdb.TYPE_CODE_ARRAY:
        first, last = kind.range()
        limit = min(limit, last - first + 1)
        value = value[0].address
    address = int(value)
    memory = gdb.selected_inferior()
    out = b""
    while len(out) < limit:
        byte = memory.read_memory(address + len(out), 1).tobytes()
        if byte == b"\0":
            break
        out += byte
    return out


def expected(value, shape, size):
    """The bytes cairn should give."""
    if value.is_optimized_out:
        raise Missing("optimised out")
    if shape == "text":
        return text_of(value)
    if shape == "real":
        return struct.pack("<f" if size == 4 else "<d", float(value))
    return (int(value) & ((1 << 8 * size) - 1)).to_bytes(size, "little")


def compare(place, expression, line, block, frame):
    shape, size, _, unread, data = (line.split() + [""])[:5]
    shape, data = SHAPES[int(shape)], bytes.fromhex(data)
    if shape == "text":
        data = data.split(b"\0")[0]
    where = f"{place.function} {place.kind} {place.address:#x}: {expression}"
    try:
        value = gdb_value(expression, block, frame)
        wanted = expected(value, shape, int(size))
    except gdb.MemoryError:
        if int(unread) or shape == "text":
            tally.unread += 1
        else:
            tally.different.append(f"{where} is {data.hex()}, unreadable to gdb")
        return
    except (Missing, gdb.error) as why:
        tally.different.append(f"{where} is {data.hex()}, gdb: {why}")
        return
    if int(unread):
        tally.different.append(f"{where} is unread, gdb has {wanted.hex()}")
    elif data == wanted or (shape == "real" and value != value and data != wanted):
        tally.same += 1
    else:
        tally.different.append(f"{where} is {data.hex()}, gdb has {wanted.hex()}")


class Place(gdb.Breakpoint):
    def __init__(self, base, line):
        self.number_there, address, self.function, self.kind, *more = line.split()
        self.address = int(address, 16)
        self.function = self.function.split("::")[-1]
        self.hits_left = HITS_MAX
        self.values = None
        super().__init__(f"*{base + self.address:#x}", internal=True)
        self.silent = True

    def stop(self):
        try:
            return self.visit()
        except gdb.error as why:
            tally.different.append(f"gdb at {self.function} {self.address:#x}: {why}")
            return False

    def visit(self):
        if self.hits_left == 0:
            return False
        self.hits_left -= 1
        if self.values is None:
            lines = [line.split("\t") for line in reader.ask(f"values {self.number_there}")]
            self.values = [name for name, problem in lines if problem == "ok"]
            self.missing = [name for name, problem in lines if problem != "ok"]
        frame = gdb.newest_frame()
        block = block_of(frame.pc(), self.function)
        tally.stops += 1
        if block is None and not self.values:
            return False
        if block is None:
            tally.different.append(f"gdb does not see {self.function} at {self.address:#x}")
            return False
        registers = [int(frame.read_register(r)) & (1 << 64) - 1 for r in REGISTERS]
        for n in range(16):
            registers.append(int(frame.read_register(f"xmm{n}")["v2_int64"][0]) & (1 << 64) - 1)
        pid = gdb.selected_inferior().pid
        answer = reader.ask(f"read {self.number_there} {pid} " +
                            " ".join(f"{r:x}" for r in registers))
        for expression, line in zip(self.values, answer):
            compare(self, expression, line, block, frame)
        tally.missing += len(self.missing)
        for expression in self.missing:
            try:
                value = gdb_value(expression, block, frame)
                tally.gdb_only += not value.is_optimized_out
            except (Missing, gdb.error):
                pass
        return False


def base_of(pid, program):
    with open(f"/proc/{pid}/maps") as maps:
        for line in maps:
            if line.rstrip().endswith(program):
                start = int(line.split("-")[0], 16)
                return start if start >= 0x10000000 else 0
    return 0


gdb.execute("set pagination off")
gdb.execute("set confirm off")
gdb.execute("set print entry-values no")
gdb.execute("set breakpoint always-inserted on")
gdb.execute("set debuginfod enabled off")
tally = Tally()
program = os.path.realpath(gdb.objfiles()[0].filename)
reader = Reader(program)
gdb.execute("starti", to_string=True)
base = base_of(gdb.selected_inferior().pid, program)
lines = []
for spec in os.environ.get("CAIRN_SPECS", "*;*%return;*%epilogue").split(";"):
    found = reader.ask(f"places {spec}")
    lines += found[::max(1, len(found) // PLACES_MAX)] if PLACES_MAX else found
tally.errors.clear()
places = [Place(base, line) for line in lines]
while gdb.selected_inferior().pid and gdb.selected_thread():
    print(gdb.execute("continue", to_string=True)[:300])
for line in tally.different[:200]:
    print("DIFFERENT", line)
for line in sorted(set(tally.errors))[:20]:
    print("ERROR", line)
print(f"{len(places)} places {tally.stops} stops {tally.same} same "
      f"{len(tally.different)} different {tally.unread} unreadable "
      f"{tally.missing} missing {tally.gdb_only} gdb-only "
      f"{len(set(tally.errors))} errors")
if gdb.selected_inferior().pid:
    gdb.execute("kill")
