"""Every code block of the documents runs, or is checked; those of the shell run in cli/test_documents.py."""

import re
import shlex
from importlib.metadata import metadata
from pathlib import Path
from typing import NamedTuple

import pytest
from markdown_it import MarkdownIt

REPOSITORY = Path(__file__).parents[1]
SOURCE = REPOSITORY / "src"
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])
MODULES = sorted(path for path in SOURCE.rglob("*.py") if ">>> " in path.read_text())
LOOKED_AT = {"text", "bibtex"}  # holds nothing that could be run
# Sphinx, which takes a warning for an error, checks these
SPHINX = {"{toctree}", "{eval-rst}", "{literalinclude}"}


class Block(NamedTuple):
    line: int
    language: str
    text: str


def blocks(document):
    """The code blocks of a document, those without a fence too."""
    for token in MarkdownIt().parse(document):
        if token.type in {"fence", "code_block"}:
            yield Block(token.map[0] + 1, token.info.strip().partition(" ")[0], token.content)


def script(document):
    """The document's Python, each line at its own number, so that tracebacks name the right one."""
    lines = [""] * len(document.splitlines())
    for block in blocks(document):
        if block.language == "python":
            code = block.text.splitlines()
            lines[block.line : block.line + len(code)] = code
    return "\n".join(lines)


def commands(document):
    for block in blocks(document):
        if block.language == "bash":
            lines = block.text.replace("\\\n", " ").splitlines()
            yield from (line for line in lines if shlex.split(line, comments=True))


def unknown(command, python):
    """The words of a shell command that name nothing which exists."""
    match shlex.split(command, comments=True):
        case ["make", *words]:
            targets = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
            return [word for word in words if word not in targets and "=" not in word]
        case ["pip", "install", *words] | ["python", "-m", "pip", "install", *words]:
            extras = re.findall(r"[\w-]+", " ".join(re.findall(r"\[(.*?)\]", " ".join(words))))
            return [
                extra
                for extra in extras
                if extra not in metadata("attention-visualizer").get_all("Provides-Extra")
            ]
        case ["visualizer", name, *words] | ["python", "-m", "visualizer", name, *words]:
            help_text = python("-m", "visualizer", name, "--help")
            script = next((n for n, word in enumerate(words) if name == "run" and word.endswith(".py")), None)
            words = words[:script]  # what follows a script is its own
            options = [word.partition("=")[0] for word in words if word.startswith("-")]
            return [word for word in options if word not in help_text.stdout] + [name] * help_text.returncode
        case ["python" | "bash", path, *_]:
            return [] if (REPOSITORY / path).is_file() else [path]
        case ["srun", *words]:
            return unknown(shlex.join(words), python)
        case [".venv/bin/python", "-m", "pytest", *words]:
            paths = [word.rpartition("=")[2] for word in words if "/" in word]
            return [path for path in paths if not (REPOSITORY / path).exists()]
        case words:
            return words


def links(document):
    """The files that a document links to or shows."""
    for token in MarkdownIt().parse(document):
        for child in token.children or []:
            target = child.attrGet("href") or child.attrGet("src") or ""
            if target and not re.match(r"https?://|#", target):
                yield target.partition("#")[0]


def name_of(path):
    return str(path.relative_to(REPOSITORY))


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_the_python_of_a_document_runs_from_top_to_bottom(path, python, tmp_path):
    copy = tmp_path / f"{path.stem}.py"
    copy.write_text(script(path.read_text()))
    result = python(str(copy))
    assert not result.returncode, result.stderr


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_command_of_a_document_exists(path, python):
    found = {command: unknown(command, python) for command in commands(path.read_text())}
    assert {command: words for command, words in found.items() if words} == {}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_block_of_a_document_is_of_a_kind_that_is_checked(path):
    kinds = {"python", "bash"} | LOOKED_AT | SPHINX
    assert [block for block in blocks(path.read_text()) if block.language not in kinds] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_file_that_a_document_names_is_there(path):
    assert [link for link in links(path.read_text()) if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_examples_of_a_module_run(path, python):
    name = ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
    code = f"import doctest, sys, {name}; sys.exit(doctest.testmod(sys.modules[{name!r}]).failed)"
    result = python("-c", code)
    assert not result.returncode, result.stdout + result.stderr


def test_a_script_keeps_the_lines_of_its_document():
    document = "Text\n```python\na = 1\n```\n```bash\nb\n```\n- c\n\n  ```python\n  c = a\n  ```"
    assert script(document).splitlines() == ["", "", "a = 1", *[""] * 7, "c = a"]


def test_an_unknown_language_and_a_block_without_a_fence_are_seen():
    document = "```pythn\n1\n```\n\ntext\n\n    indented\n"
    assert [(block.line, block.language) for block in blocks(document)] == [(1, "pythn"), (7, "")]


def test_links_and_pictures_are_seen():
    assert list(links("[a](a.md#part) ![b](images/b.png) [c](https://example.org) [d](#here)")) == [
        "a.md",
        "images/b.png",
    ]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("make demmo", ["demmo"]),
        ("make demo PYTHON=python3.12", []),
        ("pip install 'attention-visualizer[plts]'", ["plts"]),
        ("pip install 'attention-visualizer[torch,plots]'", []),
        ("visualizer demmo", ["demmo"]),
        ("visualizer demo --modle x", ["--modle"]),
        ("visualizer demo --model hf:gpt2  # a comment", []),
        ("python examples/absent.py", ["examples/absent.py"]),
        ("srun python -m visualizer run --modle x main.py --eval", ["--modle"]),
        (".venv/bin/python -m pytest tests/plots tests/absent -k caption", ["tests/absent"]),
        ("rm -rf /", ["rm", "-rf", "/"]),
    ],
)
def test_a_command_is_known_by_what_it_names(command, words, python):
    assert set(unknown(command, python)) == set(words)
