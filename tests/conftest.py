# SPDX-License-Identifier: MIT
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / os.environ.get("BUILD", "build")


def pytest_configure(config):
    config.addinivalue_line("markers", "quick: needs no root and a few seconds at most")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """Tests leave nothing in who runs them's cache, and take nothing from it."""
    folder = tmp_path_factory.mktemp("cache")
    os.environ["XDG_CACHE_HOME"] = str(folder)
    return folder / "cairn"


@pytest.fixture(scope="session")
def cairn():
    """The built tool."""
    return BUILD / "cairn"


@pytest.fixture(scope="session")
def root():
    """The top of the source tree."""
    return ROOT


@pytest.fixture(scope="session")
def build():
    """Where make puts what it builds."""
    return BUILD


@pytest.fixture(scope="session")
def make_trace():
    """The program that writes traces for tests (tests/make_trace.c)."""
    return BUILD / "helper" / "make_trace"


@pytest.fixture
def small_trace(make_trace, tmp_path):
    """A trace with every kind of field, and what babeltrace2 has to print for it."""
    trace = tmp_path / "small"
    run = subprocess.run([make_trace, "small", trace], capture_output=True, text=True, check=True)
    return trace, run.stdout
