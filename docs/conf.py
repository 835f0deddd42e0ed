"""Build the site: Markdown with MyST, the reference from docstrings, and a check of every name of the package."""

from __future__ import annotations

import logging
import os
import tempfile

# Importing the operators makes Airflow write its configuration. Keep it out of the user's home.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-docs-"))
logging.getLogger("airflow").setLevel(logging.WARNING)

from airflow_provider_partners import __version__

project = "airflow-provider-partners"
author = "The authors of airflow-provider-partners"
copyright = author
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
templates_path: list[str] = []

myst_heading_anchors = 3
myst_links_external_new_tab = False

autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
autodoc_typehints = "none"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True

# Blocks without a language show output, not Python.
highlight_language = "none"

nitpicky = True
# A build loads no other site, so names of Airflow, pydantic and the standard library have no links.
nitpick_ignore_regex = [(r"py:.*", r"(?!airflow_provider_partners\b).*")]

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
