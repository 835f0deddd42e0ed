"""Build the site: Markdown with MyST, the reference from docstrings, and a check of every name of the package."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from pathlib import Path

# Importing the operators makes Airflow write its configuration. Keep it out of the user's home.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-docs-"))
logging.getLogger("airflow").setLevel(logging.WARNING)
sys.path.insert(0, str(Path(__file__).parent))

from airflow_provider_partners import __version__

project = "airflow-provider-partners"
author = "The authors of airflow-provider-partners"
copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "sphinx_design",
    "inherited_arguments",
    "inline_diagrams",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
myst_links_external_new_tab = False

autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
autodoc_typehints = "none"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88

# Blocks without a language show output, not Python. Only what a reader runs or writes has a copy button.
highlight_language = "none"
_COPIED = ("shell", "bash", "python", "py", "json", "sql", "yaml", "toml", "ini")
copybutton_selector = ", ".join(f"div.highlight-{language} pre" for language in _COPIED)

nitpicky = True
# A build loads no other site, so names of Airflow, pydantic and the standard library have no links.
nitpick_ignore_regex = [(r"py:.*", r"(?!airflow_provider_partners\b).*")]

html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/logo-light.svg"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_logo": "logo-light.svg",
    "dark_logo": "logo-dark.svg",
    "light_css_variables": {"color-brand-primary": "#0f766e", "color-brand-content": "#0b6b63"},
    "dark_css_variables": {"color-brand-primary": "#5eead4", "color-brand-content": "#5eead4"},
}
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/versions.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
# Each version is a folder of its own. Who publishes several names them: DOCS_VERSIONS="1.1.0 1.0.0 0.1.0".
html_context = {"versions": [name for name in os.environ.get("DOCS_VERSIONS", "").split() if name != release]}
