"""Formulas as MathML, which browsers typeset themselves: no script, no font, no network."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx


def _visit(display: str) -> Any:
    def visit(translator: Any, node: nodes.Element) -> None:
        # The same to look at, but known to the converter.
        latex = node.astext().replace("{aligned}", "{split}")
        translator.body.append(convert(latex, display=display))
        raise nodes.SkipNode

    return visit


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (_visit("inline"), None), (_visit("block"), None))
    app.config.html_math_renderer = "mathml"  # type: ignore[attr-defined]
    return {"parallel_read_safe": True, "parallel_write_safe": True}
