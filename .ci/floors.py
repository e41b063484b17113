"""Print the lower bounds of every run-time and test dependency as pip constraints.

Usage: python floors.py pyproject.toml
"""

import re
import sys
import tomllib


def floors(project: dict) -> list[str]:
    """Turn each `name>=version` into `name==version`; other requirements are left alone."""
    extras = project["optional-dependencies"]
    named = ("plot", "zarr", "distributed", "validation", "test")
    wanted = [*project["dependencies"], *(r for name in named for r in extras[name])]
    return [f"{m[1]}=={m[2]}" for r in wanted if (m := re.fullmatch(r"([\w.-]+)>=([\w.]+)", r))]


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        print(*floors(tomllib.load(file)["project"]), sep="\n")
