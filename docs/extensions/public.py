"""The directive `{public} MODULE [NAME...]`: an overview and the docstrings of all public names.

The names are those given, or the module's `__all__`; so a new public name is documented at once.
"""

from __future__ import annotations

import importlib
import inspect
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.ext.napoleon import NumpyDocstring
from sphinx.util.docutils import SphinxDirective


class Public(SphinxDirective):
    """A table of names, each linked to its docstring below."""

    required_arguments = 1
    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """What autosummary and autodoc make of the names."""
        module, *chosen = " ".join(self.arguments).split()
        home = importlib.import_module(module)
        names = [
            name
            for name in chosen or home.__all__
            if callable(getattr(home, name))  # not modules, which have pages of their own, nor data
        ]
        lines = [f".. currentmodule:: {module}", "", ".. autosummary::", "   :nosignatures:", ""]
        lines += [f"   {name}" for name in names] + [""]
        for name in names:
            lines += [f".. {_directive(getattr(home, name))}:: {name}", ""]
        text = "\n".join(["```{eval-rst}", *lines, "```"])
        return self.parse_text_to_nodes(text)


def _directive(found: Any) -> str:
    if inspect.isclass(found):
        return "autoexception" if issubclass(found, Exception) else "autoclass"
    return "autofunction"


def as_restructured_text(
    app: Sphinx, what: str, name: str, found: Any, options: Any, lines: list[str]
) -> None:
    """Mend what autodoc and napoleon make of docstrings that are written as text."""
    del name, options
    if what == "property":
        # Napoleon takes "The rate: ..." for the name of a type. A method's docstring it leaves be.
        text = inspect.getdoc(found) or ""
        lines[:] = str(NumpyDocstring(text, app.config, app, "method")).splitlines()
    for index, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            pieces = line.split("`")
            pieces[::2] = [piece.replace("|", "\\|") for piece in pieces[::2]]
            lines[index] = "`".join(pieces)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("public", Public)
    app.connect("autodoc-process-docstring", as_restructured_text, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
