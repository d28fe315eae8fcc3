# SPDX-License-Identifier: MIT
"""What the commands say of themselves, and of a call that they do not understand."""
import subprocess

import pytest

pytestmark = pytest.mark.quick
COMMANDS = ["record", "snapshot", "recover", "report", "waits", "dump", "list", "lines",
            "doctor"]


def run(*call):
    return subprocess.run(call, capture_output=True, text=True)


def test_the_commands_come_in_the_order_of_use(cairn):
    done = run(cairn, "--help")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines() if line[:2] == "  "] == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_terminal(cairn, command):
    done = run(cairn, command, "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_complaint_names_the_tool(cairn, command):
    done = run(cairn, command, "--no-such-option")
    assert done.returncode == 2
    assert done.stderr.startswith(f"cairn {command}: ")
