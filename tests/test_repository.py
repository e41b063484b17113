"""What the distribution promises as a whole: light imports, types, one version."""

import ast
import importlib
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

import hsgd

REPOSITORY = Path(__file__).parents[1]
PACKAGES = ("hsgd", "volterra", "simulate", "validation")


def modules_loaded_by(statement: str, folder: Path) -> set[str]:
    """Top-level modules that a fresh interpreter holds after `statement`."""
    code = f"import sys; {statement}; print(*{{name.split('.')[0] for name in sys.modules}})"
    home = str(Path(hsgd.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": home},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("package", "heavy"),
    [
        ("hsgd", {"numba", "sympy", "matplotlib", "sklearn"}),
        ("volterra", {"xarray", "numba", "sympy", "hsgd", "simulate", "validation"}),
        ("simulate", {"numba", "sympy", "matplotlib", "volterra", "validation"}),
        ("validation", {"sympy", "matplotlib", "sklearn"}),
    ],
    ids=PACKAGES,
)
def test_importing_a_package_loads_nothing_heavy(package, heavy, tmp_path):
    loaded = modules_loaded_by(f"import {package}", tmp_path)
    assert package in loaded
    assert not loaded & heavy


def test_a_heavy_import_would_be_seen(tmp_path):
    assert "numba" in modules_loaded_by("import hsgd, numba", tmp_path)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_ships_its_types(package):
    assert (files(package) / "py.typed").is_file()


def test_the_version_is_the_same_everywhere():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = (REPOSITORY / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    version = project["version"]
    assert importlib.metadata.version("hsgd") == version
    assert hsgd.__version__ == version
    assert re.search(r"^version: (.+)$", citation, re.MULTILINE)[1] == version
    assert re.findall(r"^## \[(\d.*?)\]", changelog, re.MULTILINE)[0] == version


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_exists(package):
    module = importlib.import_module(package)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


@pytest.mark.parametrize("package", ["hsgd", "simulate", "validation"])
def test_type_checkers_see_the_names_that_are_there(package):
    """A facade names its parts twice: for type checkers, and for when it runs."""
    module = importlib.import_module(package)
    source = files(package).joinpath("__init__.py").read_text(encoding="utf-8")
    branch = next(node for node in ast.parse(source).body if isinstance(node, ast.If))
    imports = [node for node in branch.body if isinstance(node, ast.ImportFrom)]
    homes = {name.asname: node.module for node in imports for name in node.names}
    assert homes.keys() == set(module.__all__)
    for name, home in homes.items():
        assert getattr(importlib.import_module(home), name) is getattr(module, name)


@pytest.mark.parametrize("package", ["hsgd", "simulate", "validation"])
def test_completion_offers_what_is_public_and_nothing_else(package):
    module = importlib.import_module(package)
    assert {name for name in dir(module) if not name.startswith("__")} == set(module.__all__)
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        _ = module.nothing
