"""Configuration of Sphinx for the documentation site, see ``build.py``."""

from inductiva_widgets import __version__

project = "inductiva_widgets"
author = "inductiva_widgets contributors"
version = release = __version__
extensions = ["myst_nb"]
language = "en"
exclude_patterns = ["notebooks/cases"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

# The build has executed them, see `build.py`.
nb_execution_mode = "off"
nb_merge_streams = True
# A page without a kernel shows the HTML that is stored with each live view, and the PNG of a chart.
nb_mime_priority_overrides = [
    ("html", "application/vnd.jupyter.widget-view+json", None),
    ("html", "application/vnd.vegalite.v5+json", None),
]
suppress_warnings = ["mystnb.unknown_mime_type"]

html_theme = "furo"
html_title = f"inductiva_widgets {__version__}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
