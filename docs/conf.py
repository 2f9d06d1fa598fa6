"""How Sphinx makes the site: `make docs`."""

from importlib.metadata import version as version_of

project = "attention-visualizer"
author = "The attention-visualizer developers"
release = version = version_of(project)

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
myst_heading_anchors = 3
suppress_warnings = [
    "myst.xref_missing",  # links to the repository's own files, which tests/test_docs.py follows
]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"attention-visualizer {release}"

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say shapes and units, which types do not
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = False
