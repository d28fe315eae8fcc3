# SPDX-License-Identifier: MIT
"""Stream files as bytes, and babeltrace2 as the judge of them."""
import re
import struct
import subprocess

HEADER = struct.Struct("<I16sIQQQQQQII")
SEQUENCE_AT = 56
DISCARDED = 8  # in a header's tuple
PACKET = 64 << 10  # of those that make_trace fills
EVENTS = (PACKET - HEADER.size) // 16  # in each of them


def babeltrace(trace):
    return subprocess.run(["babeltrace2", "--clock-cycles", "--no-delta", trace],
                          capture_output=True, text=True)


def packets(path):
    """[(offset, header as a tuple)]; the file must be whole."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        header = HEADER.unpack_from(data, at)
        found.append((at, header))
        at += header[6] // 8
    assert at == len(data)
    return found


def number(path, numbers):
    """Gives a stream's packets these (sequence, discarded)."""
    data = bytearray(path.read_bytes())
    for (at, _), pair in zip(packets(path), numbers, strict=True):
        struct.pack_into("<QQ", data, at + SEQUENCE_AT, *pair)
    path.write_bytes(data)


def streams(trace):
    return sorted(p for p in trace.iterdir() if p.name != "metadata" and p.name[0] != ".")


def totals(make_trace):
    """What make_trace wrote, by its own account: {"written": 7, …}, and the trouble."""
    found = re.search(r"^(written .*)$", make_trace.stderr, re.M)
    words = found[1].split(" ", 8)
    return {words[i]: int(words[i + 1]) for i in (0, 2, 4, 6)}, words[8]
