"""How the documentation is built: `sphinx-build -W -n docs site`, without a network."""

import importlib.metadata
import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "extensions"))

project = "hsgd"
author = copyright = "the hsgd developers"
version = release = importlib.metadata.version("hsgd")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "gallery",
    "mathml",
    "public",
]
exclude_patterns = ["extensions", "rendered"]
highlight_language = "none"  # formulas stand in indented blocks
pygments_style, pygments_dark_style = "friendly", "monokai"

html_theme = "furo"  # ships its own fonts, styles and scripts
html_title = f"hsgd {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False

myst_enable_extensions = ["amsmath", "attrs_block", "colon_fence", "dollarmath"]
myst_heading_anchors = 3

# Cells run in every build, each page in a kernel of its own, and must not fail.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_execution_timeout = 120
nb_merge_streams = True
os.environ["TQDM_DISABLE"] = "1"  # pages tell what was found, and not how long it took
os.environ.pop("MPLBACKEND", None)  # else cells would use it, and show no figure

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings say it in words
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
napoleon_google_docstring = False
napoleon_use_param = napoleon_use_rtype = False  # what stands for a type is a phrase
napoleon_use_ivar = True
napoleon_attr_annotations = False
default_role = "code"  # single backticks in docstrings

# Types of other projects, whose pages an offline build cannot see.
nitpick_ignore_regex = [
    ("py:.*", r"(collections|numpy|os|sympy|xarray)\..*"),
    ("py:class", "ndarray|shape|modes|rtol|times"),  # what stands for a type in `volterra`
]


def setup(app):
    """Leave nothing beside the site: cells run in a folder that nobody needs afterwards."""
    cells = Path(app.outdir).parent / "jupyter_execute"
    app.connect("build-finished", lambda app, error: shutil.rmtree(cells, ignore_errors=True))
