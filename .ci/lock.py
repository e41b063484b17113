"""Write requirements/dev.lock: one version of everything that a developer installs.

Usage: python .ci/lock.py        (any Python 3.11 with pip 23 or later; installs nothing)

    pip install --constraint requirements/dev.lock -e ".[dev,distributed,docs,zarr]"

then gives the same versions everywhere. The ranges in pyproject.toml are what is promised to users;
the lock is for finding out whether a failure is ours or came with a release of somebody else.
"""

import json
import subprocess
import sys
from pathlib import Path

EXTRAS = ("dev", "distributed", "docs", "zarr")
HEAD = "# Made by `python .ci/lock.py`, which says how to use it. Python 3.11, Linux.\n"


def resolved(project: str) -> list[str]:
    """`name==version` of all that pip would install into an empty environment."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
    report = subprocess.run(
        [*command, "--report", "-", project], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    found = [entry["metadata"] for entry in json.loads(report)["install"]]
    pins = {entry["name"].lower().replace("_", "-"): entry["version"] for entry in found}
    return [f"{name}=={version}" for name, version in sorted(pins.items()) if name != "hsgd"]


def main() -> None:
    """Write the file."""
    root = Path(__file__).parents[1]
    lines = resolved(f"{root}[{','.join(EXTRAS)}]")
    target = root / "requirements" / "dev.lock"
    target.parent.mkdir(exist_ok=True)
    target.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{target}: {len(lines)} packages")


if __name__ == "__main__":
    main()
