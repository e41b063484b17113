"""Check that a wheel holds exactly the named packages, each of them typed.

Usage: python wheel.py WHEEL PACKAGE...
"""

import sys
import zipfile


def complaints(names: list[str], packages: set[str]) -> list[str]:
    """Say what is wrong with the files in a wheel, one sentence each."""
    top = {name.split("/")[0] for name in names}
    top -= {name for name in top if name.endswith(".dist-info")}
    found = [f"{name} is in the wheel and should not be" for name in sorted(top - packages)]
    for package in sorted(packages):
        wanted = [f"{package}/__init__.py", f"{package}/py.typed"]
        found += [f"{name} is missing from the wheel" for name in wanted if name not in names]
    return found


def main() -> int:
    """Print the verdict; the exit status is the number of complaints."""
    path, *packages = sys.argv[1:]
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
    found = complaints(names, set(packages))
    print(*found, sep="\n", end="\n" if found else "")
    if not found:
        print(f"{path.rpartition('/')[2]}: {len(names)} files, packages {', '.join(packages)}")
    return len(found)


if __name__ == "__main__":
    sys.exit(main())
