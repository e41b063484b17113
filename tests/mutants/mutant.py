"""One small bug, put into the code by hand, and the test that must notice it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Mutant:
    """A text that stands once in a file, what replaces it, and who must complain."""

    file: str
    """Relative to the folder that holds the four packages, such as "volterra/kernels.py"."""
    old: str
    new: str
    test: str = ""
    """The test that must fail, as pytest names it: "tests/volterra/test_solve.py::test_jump"."""
    equivalent: str = ""
    """In place of a test, the reason why nobody could notice."""

    @property
    def package(self) -> str:
        """The package it is put into."""
        return self.file.partition("/")[0]

    def applied(self, source: str) -> str:
        """The source with the bug in it.

        Raises
        ------
        ValueError
            If the text does not stand there exactly once, or the change changes no code.
        """
        if (count := source.count(self.old)) != 1:
            raise ValueError(f"{self.file}: {self.old!r} stands there {count} times, not once.")
        changed = source.replace(self.old, self.new)
        if _code(changed) == _code(source):
            raise ValueError(f"{self.file}: {self.new!r} changes no code.")
        return changed

    def __str__(self) -> str:
        lines = (
            (a.strip(), b.strip())
            for a, b in zip(self.old.splitlines(), [*self.new.splitlines(), ""] * 9, strict=False)
        )
        old, new = next((pair for pair in lines if pair[0] != pair[1]), (self.old, self.new))
        return f"{self.file}: {old} → {new or 'nothing'}"


@lru_cache(maxsize=2)  # mutants of a file stand together
def _code(source: str) -> str:
    """What is executed: neither comments nor docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            body[0] = ast.Pass()
    return ast.dump(tree)


def _is_text(node: ast.AST) -> bool:
    value = getattr(node, "value", None) if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)
