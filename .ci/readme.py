"""Run the README: what it shows is what happens.

Usage: python readme.py README.md

Python blocks share one namespace. Each shell block runs under `bash -euo pipefail`; of its lines,
those that the checks run as steps of their own (SKIPPED) are left out. Everything happens in one
empty temporary folder, so that the installed packages are used and not a checkout's folders.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELLS = {"bash", "console", "sh", "shell"}
SKIPPED = re.compile(r"(python3? -m )?(pip|venv|pytest)\b|source |\. |git |cd ")


def blocks(text: str) -> list[tuple[int, str, str]]:
    """Return (line number, language, code) of each fenced block with a language."""
    return [(text.count("\n", 0, m.start(2)) + 1, m[1], m[2]) for m in BLOCK.finditer(text)]


def commands(code: str) -> list[str]:
    """Return the lines of a shell block to run; in a block with `$ ` prompts only those lines."""
    lines = [line for line in code.splitlines() if line.strip() and not line.startswith("#")]
    if any(line.startswith("$ ") for line in lines):
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    for line in filter(SKIPPED.match, lines):
        print(f"    left to its own step: {line}")
    return [line for line in lines if not SKIPPED.match(line)]


def run_python(code: str, line: int, namespace: dict[str, object]) -> None:
    """Execute a block; tracebacks give the README's line numbers."""
    exec(compile("\n" * (line - 1) + code, "README.md", "exec"), namespace)


def run_shell(code: str) -> None:
    """Execute a block with this interpreter's folder first on PATH."""
    here = os.path.dirname(sys.executable)
    environment = {**os.environ, "PATH": f"{here}{os.pathsep}{os.environ['PATH']}"}
    for command in commands(code):
        print(f"    $ {command}")
        subprocess.run(["bash", "-euo", "pipefail", "-c", command], check=True, env=environment)


def main() -> None:
    """Run all blocks in order; the first error ends the run."""
    readme = Path(sys.argv[1]).read_text(encoding="utf-8")
    known = [b for b in blocks(readme) if b[1] == "python" or b[1] in SHELLS]
    if not {"python", "bash"} <= {language for _, language, _ in known}:
        sys.exit("the README has no python block or no bash block: is the pattern still right?")
    namespace: dict[str, object] = {"__name__": "readme"}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for line, language, code in known:
            print(f"README.md:{line} ({language})", flush=True)
            began = time.perf_counter()
            if language == "python":
                run_python(code, line, namespace)
            else:
                run_shell(code)
            print(f"    {time.perf_counter() - began:.1f} s", flush=True)
        os.chdir("/")


if __name__ == "__main__":
    main()
