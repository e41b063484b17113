"""Run benchmarks, each in a process of its own, and keep what they give in a record."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import _records

HERE = Path(__file__).parent
PACKAGES = ("hsgd", "numpy", "scipy", "numba", "xarray", "scikit-learn", "jax", "voles")


def available(folder: Path = HERE) -> list[str]:
    """The names of the benchmarks."""
    return sorted(path.stem for path in folder.glob("[!_]*.py"))


def run(names: list[str], out: Path | None, folder: Path = HERE) -> list[str]:
    """Measure, and write the record anew after each; the names of those that failed.

    A process of its own: what one benchmark compiles, allocates or changes touches no other.

    Raises
    ------
    ValueError
        If there is no benchmark of one of the names.
    """
    unknown = sorted(set(names) - set(available(folder)))
    if unknown:
        raise ValueError(f"no benchmark {', '.join(unknown)}: there are {available(folder)}.")
    record, failed = {**circumstances(), "benchmarks": {}}, []
    for name in names or available(folder):
        print(f"--- {name}", flush=True)
        found = _measured(folder / f"{name}.py")
        if found is None:
            failed.append(name)
        else:
            record["benchmarks"][name] = found
            if out:
                _records.write(record, out)
    return failed


def _measured(script: Path) -> dict[str, Any] | None:
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "figures.json"
        done = subprocess.run([sys.executable, str(script), "--json", str(target)], check=False)
        return _records.read(target) if done.returncode == 0 else None


# ------------------------------------------------------------------------------ circumstances


def circumstances() -> dict[str, Any]:
    """When, where and with what."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": {
            "cpu": _cpu(),
            "cores": _cores(),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "packages": {"python": platform.python_version(), **_versions()},
        "revision": _revision(),
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _cores() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu() -> str:
    """The processor's name; Python itself knows it on no system but Windows."""
    if sys.platform == "darwin":
        return _said("sysctl", "-n", "machdep.cpu.brand_string")
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _revision() -> str:
    """The commit, with a "+" where files were changed; "unknown" where there is no repository."""
    commit = _said("git", "-C", str(HERE), "rev-parse", "--short", "HEAD")
    changed = _said("git", "-C", str(HERE), "status", "--porcelain", "--untracked-files=no")
    return f"{commit}{'+' if changed else ''}" if commit else "unknown"


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
