"""How problems show themselves: one line, and in notebooks a table. Never their data."""

from __future__ import annotations

from abc import abstractmethod
from html import escape
from typing import Any

import numpy as np

from hsgd.checks import Array, is_swept

_WIDTH, _HEIGHT = 160, 36
"""Pixels of the picture of a spectrum."""
_DECADES = 12.0
"""Eigenvalues this far below the largest lie at its bottom."""
_POINTS = 200


class Portrayed:
    """A noun that says what it is by facts in place of its arrays."""

    @abstractmethod
    def _facts(self) -> dict[str, str]:
        """What there is to know, by name; the values alone make the line."""

    def _spectrum_at_hand(self) -> Array | None:
        """Eigenvalues, if they cost nothing worth mentioning."""
        return None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(filter(None, self._facts().values()))}>"

    def _repr_html_(self) -> str:
        facts = {name: escape(words) for name, words in self._facts().items() if words}
        spectrum = self._spectrum_at_hand()
        if spectrum is not None and (spectrum > 0).any():
            facts["spectrum"] = _picture(spectrum)
        rows = "".join(
            f'<tr><th style="text-align:left">{name}</th>'
            f'<td style="text-align:left">{words}</td></tr>'
            for name, words in facts.items()
        )
        return f"<table><caption>{type(self).__name__}</caption>{rows}</table>"


def of_ridge(ridge: Any) -> str:
    """The ridge in words; nothing if there is none."""
    if is_swept(ridge):
        return f"{np.size(ridge)} ridges"
    return f"ridge {ridge:g}" if ridge else ""


def of_start(x0: Array) -> str:
    """The start in words; nothing if it is zero."""
    return f"start of norm {np.linalg.norm(x0):.3g}" if x0.any() else ""


def _picture(spectrum: Array) -> str:
    """Eigenvalues, descending, on a logarithmic scale, as a line in the colour of the text."""
    values = np.sort(spectrum[spectrum > 0])[::-1]
    largest, smallest = float(values[0]), float(values[-1])
    chosen = values[np.unique(np.linspace(0, len(values) - 1, _POINTS).astype(int))]
    heights = np.log10(chosen / largest)
    depth = max(min(-float(heights[-1]), _DECADES), 0.3)
    x = np.linspace(2, _WIDTH - 2, len(chosen)) if len(chosen) > 1 else np.array([2.0])
    y = 2 + (_HEIGHT - 4) * np.minimum(-heights / depth, 1.0)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return (
        f"{len(values)} eigenvalues, {largest:.3g} to {smallest:.3g}<br>"
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="eigenvalues on a '
        f'logarithmic scale"><polyline points="{points}" fill="none" stroke="currentColor" '
        'stroke-width="1.5"/></svg>'
    )
