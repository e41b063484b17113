"""Check a built documentation site: nothing is loaded from the network, no internal link is dead.

Usage: python tests/docs/site.py SITE
"""

from __future__ import annotations

import re
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data"}
"""Element → the attribute by which a browser loads something; `link` has its own rule."""
FETCHED = {"stylesheet", "icon", "preload", "modulepreload", "manifest", "preconnect"}
"""Kinds of `link` for which a browser opens a connection; others are only said."""
IN_STYLES = re.compile(r"(?:@import\s+|url\()\s*[\"']?((?:https?:)?//[^\"')\s]+)")


class Page(HTMLParser):
    """Anchors, links and what is loaded, of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)
        self.loaded += IN_STYLES.findall(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the element says."""
        known = {name: value or "" for name, value in attrs}
        self.anchors |= {known[name] for name in ("id", "name") if name in known}
        if tag == "a" and "href" in known:
            self.links.append(known["href"])
        if tag in LOADED and LOADED[tag] in known:
            self.loaded.append(known[LOADED[tag]])
        if tag == "link" and FETCHED & set(known.get("rel", "").split()):
            self.loaded.append(known.get("href", ""))


@cache
def _page(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def complaints(site: Path) -> list[str]:
    """One sentence for each thing that is wrong."""
    found = []
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site)
        for address in _page(path).loaded:
            if urlparse(address).scheme in ("http", "https") or address.startswith("//"):
                found.append(f"{name} loads {address}, which needs a network.")
            else:
                found += _dead(path, name, address)
        found += [f"{name} has a cell that plots and shows no figure."] * _blank(path)
        for address in _page(path).links:
            found += _dead(path, name, address)
    for path in sorted(site.rglob("*.css")):
        loaded = IN_STYLES.findall(path.read_text(encoding="utf-8"))
        found += [f"{path.relative_to(site)} loads {address}." for address in loaded]
    return found


def _blank(path: Path) -> int:
    """Number of cells that call something named plot and show no image."""
    cells = path.read_text(encoding="utf-8").split('<div class="cell ')[1:]
    return sum(
        '<span class="n">plot</span><span class="p">(' in c and "<img" not in c for c in cells
    )


def _dead(path: Path, name: Path, address: str) -> list[str]:
    """A complaint, if the address is one of this site and leads nowhere."""
    if urlparse(address).scheme or address.startswith("//"):
        return []
    place, anchor = urldefrag(address)
    file = path if not place else (path.parent / unquote(place.split("?")[0])).resolve()
    if not file.is_file():
        return [f"{name} refers to {address}, which does not exist."]
    if anchor and file.suffix == ".html" and unquote(anchor) not in _page(file).anchors:
        return [f"{name} refers to {address}, where there is no such anchor."]
    return []


def main() -> int:
    """Print the complaints; the exit status says whether there are any."""
    site = Path(sys.argv[1]).resolve()
    found = complaints(site)
    print(*found, sep="\n", end="\n" if found else "")
    pages = len(list(site.rglob("*.html")))
    if not pages:
        sys.exit(f"{site} holds no page.")
    if not found:
        print(f"{pages} pages: nothing comes from a network, and no internal link is dead")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
