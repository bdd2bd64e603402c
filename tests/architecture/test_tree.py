"""House rules about modules and files, which no linter knows."""

import ast
import re

from tests.architecture.tree import PACKAGE_FOLDERS, ROOT, files, read

MAX_MODULE_LINES = 400
MACHINE_PATH = re.compile(r"(?<![\w.}>~/-])/(?:root|home|work|tmp)/|\bfile:///\w")


def _says_nothing(statement: ast.stmt) -> bool:
    is_docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    is_future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
    return is_docstring or is_future


def test_every_package_has_its_init_and_its_marker_for_types() -> None:
    """Four packages, each typed, each in the folder of its floor."""
    for folder in PACKAGE_FOLDERS:
        package = ROOT / folder / f"dengwen_{folder}"
        assert (package / "__init__.py").is_file()
        assert (package / "py.typed").is_file()


def test_an_init_re_exports_nothing() -> None:
    """A name has one home: what a process loads can be read from its imports."""
    talkative = [
        str(path)
        for path in files()
        if path.name == "__init__.py"
        and not all(_says_nothing(statement) for statement in ast.parse(read(path)).body)
    ]
    assert talkative == []


def test_no_module_is_longer_than_four_hundred_lines() -> None:
    """A module is one idea; past this length it is two."""
    long = [
        f"{path}: {lines} lines"
        for path in files()
        if path.suffix in {".py", ".ts"} and (lines := read(path).count("\n")) > MAX_MODULE_LINES
    ]
    assert long == []


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    """What works here works anywhere; tests are left out, since they name paths to refuse them."""
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in files()
        if path.parts[0] != "tests"
        for number, line in enumerate(read(path).splitlines(), start=1)
        if MACHINE_PATH.search(line)
    ]
    assert found == []


def test_the_rule_about_machine_paths_sees_what_it_should() -> None:
    """It finds absolute paths, and leaves relative ones and addresses in peace."""
    assert MACHINE_PATH.search("cp keys /tmp/keys")
    assert MACHINE_PATH.search('"/home/clerk/.dengwen"')
    assert MACHINE_PATH.search("file:///work/main")
    assert not MACHINE_PATH.search("docs/work/plan.md")
    assert not MACHINE_PATH.search("https://office.example/work/")
