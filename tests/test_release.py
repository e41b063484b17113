"""What stands at the root of the repository agrees with itself: recipe, README, hooks, workflow."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def conda(requirement):
    """`numpy>=2.1` as a recipe says it; the names happen to be the same there."""
    name, bound = re.fullmatch(r"([\w.-]+)(>=[\w.]+)", requirement).groups()
    return f"{name} {bound}"


def disagreements(recipe, project):
    """What the recipe has otherwise than pyproject.toml, by name."""
    text = yaml.safe_dump(recipe["requirements"]["run"])
    oldest = recipe["context"]["python_min"]
    run = yaml.safe_load(text.replace("${{ python_min }}", oldest))
    wanted = [f"python {project['requires-python']}", *map(conda, project["dependencies"])]
    pairs = {
        "version": (recipe["context"]["version"], project["version"]),
        "requirements": (sorted(run), sorted(wanted)),
        "licence": (recipe["about"]["license"], project["license"]),
        "summary": (recipe["about"]["summary"], project["description"]),
    }
    return [name for name, (given, expected) in pairs.items() if given != expected]


def test_the_recipe_is_that_of_the_project():
    assert disagreements(yaml.safe_load(read("recipe/recipe.yaml")), PROJECT) == []


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("numpy >=2.1", "numpy >=2.0", "requirements"),
        ("    - tqdm >=4.67\n", "", "requirements"),
        ('python_min: "3.11"', 'python_min: "3.10"', "requirements"),
        (f'version: "{PROJECT["version"]}"', 'version: "9.9"', "version"),
    ],
)
def test_another_recipe_would_be_seen(old, new, what):
    text = read("recipe/recipe.yaml")
    assert old in text
    assert disagreements(yaml.safe_load(text.replace(old, new)), PROJECT) == [what]


def test_the_five_lines_are_five():
    shown = re.search(r"^## Five lines\n+```python\n(.*?)^```", read("README.md"), re.M | re.S)[1]
    lines = [line for line in shown.splitlines() if line.strip()]
    assert len(lines) <= 5
    assert max(map(len, lines)) <= 100
    assert ";" not in shown
    assert "predict" in shown
    assert "simulate.sgd" in shown


def test_hooks_are_tools_that_are_pinned_elsewhere():
    repositories = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert {repository["repo"] for repository in repositories} == {"local"}
    hooks = [hook for repository in repositories for hook in repository["hooks"]]
    assert {hook["language"] for hook in hooks} == {"system"}
    assert {"ruff", "mypy", "lint-imports"} <= {hook["entry"].split()[0] for hook in hooks}


def test_the_workflow_runs_the_checks_on_oldest_and_newest():
    text = read(".github/workflows/ci.yml")
    jobs = yaml.safe_load(text)["jobs"]
    matrix = jobs["checks"]["strategy"]["matrix"]
    named = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if "Python :: 3." in c]
    assert matrix["python"] == [named[0], named[-1]]
    assert {system.partition("-")[0] for system in matrix["os"]} == {"ubuntu", "macos"}
    assert any(step.get("run", "").startswith(".ci/run") for step in jobs["checks"]["steps"])
    assert "secrets" not in text


def test_every_short_command_is_explained():
    makefile = read("Makefile")
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()
    assert targets == re.findall(r"^(\w+):", makefile, re.MULTILINE)
    explained = read("CONTRIBUTING.md")
    assert [target for target in targets if f"make {target}" not in explained] == []


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_short_and_listed(path):
    text = path.read_text(encoding="utf-8")
    number = int(path.name[:4])
    assert text.startswith(f"# {number}. ")
    assert DECISIONS.index(path) == number - 1
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert text.count("\n") <= 40
    assert f"\n{path.stem}\n" in read("docs/decisions/index.md")
