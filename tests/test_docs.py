# SPDX-License-Identifier: MIT
"""Documents that a test can prove wrong: links, tables, targets, commands, man pages."""
import re
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.quick


def documents(root):
    return [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("src/*/*.md")]


def test_every_link_leads_somewhere(root):
    for document in documents(root):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_every_file_named_in_the_tree_is_there(root):
    for document in [*root.glob("*.md"), *root.glob("docs/**/*.md")]:
        if document.name == "CHANGELOG.md":
            continue
        names = re.findall(r"`((?:src|tests|tools|docs|examples|bench)/[\w./-]+)`",
                           document.read_text())
        for name in names:
            if not re.search(r"\b(part|x_\w+)\b|NAME", name):
                assert (root / name).exists(), f"{document.name} names {name}"


def test_every_make_target_named_exists(root):
    targets = set(re.findall(r"^([a-z][\w-]*):", (root / "Makefile").read_text(), re.M))
    for document in documents(root):
        for target in re.findall(r"(?:^|`)make ([a-z][\w-]*)(?=[` \n])", document.read_text(),
                                 re.M):
            assert target in targets, f"{document.name} says `make {target}`"


def test_the_parts_table_is_that_of_the_machines(root):
    rows = re.findall(r"^\| (\d) \| (\w+) \| (\w+) \| (.*?) \|",
                      (root / "docs/ARCHITECTURE.md").read_text(), re.M)
    table = [line.split(None, 3) for line in
             (root / "tools/parts.txt").read_text().splitlines() if line[0] != "#"]
    assert [list(row) for row in rows] == [[a, b, c, d.strip().replace("-", "–")]
                                           for a, b, c, d in table]


def test_man_pages_are_clean(root):
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is missing (package mandoc)")
    for page in sorted((root / "docs" / "man").glob("*.1")):
        lint = subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], capture_output=True,
                              text=True)
        assert lint.stdout == "", page.name


@pytest.fixture(scope="module")
def commands(build):
    help = subprocess.run([build / "cairn", "--help"], capture_output=True, text=True).stdout
    return re.findall(r"^  (\w+)", help, re.M)


def test_every_command_has_its_man_page(root, commands):
    for name in commands:
        assert (root / "docs/man" / f"cairn-{name}.1").exists(), name
    page = (root / "docs/man/cairn.1").read_text()
    readme = (root / "README.md").read_text()
    assert sorted(re.findall(r"^\.It Cm (\w+)", page, re.M)) == sorted(commands)
    assert sorted(set(re.findall(r"^\| `cairn (\w+)", readme, re.M))) == sorted(commands)


def test_decisions_have_each_their_number(root):
    notes = sorted((root / "docs/decisions").glob("*.md"))
    for number, note in enumerate(notes):
        assert note.name.startswith(f"{number:03}-"), note.name
        assert note.read_text().startswith(f"# {number:03}: "), note.name


def test_man_pages_have_the_options_of_the_help(root, build, commands):
    for name in commands:
        help = subprocess.run([build / "cairn", name, "--help"], capture_output=True,
                              text=True).stdout
        page = (root / "docs/man" / f"cairn-{name}.1").read_text()
        # At the start of a line or in the usage: elsewhere it is another command's.
        options = set(re.findall(r"^ {,6}(?:-\w, )?--([a-z][\w-]*)", help, re.M))
        options |= set(re.findall(r"\[--([a-z][\w-]*)", help.splitlines()[0]))
        items = "\n".join(re.findall(r"^\.It Fl .*", page, re.M))
        described = set(re.findall(r"(?:Fl|,) -([a-z][\w-]*)", items))
        assert described - {"help"} == options - {"help"}, f"cairn-{name}.1"
