"""Text and HTML twins of the widgets, for places without a kernel: GitHub, nbconvert, e-mail.

Pure functions; every value is escaped. Styles are inline, because such places drop style sheets,
and some drop those too: the words alone tell everything. Text takes its colour from the page, and
what has a colour of its own brings its background, so that both hold on light and on dark.
"""

from inductiva_widgets.widgets.static_html.card import task_html, task_text
from inductiva_widgets.widgets.static_html.download import download_html, download_text, is_finished
from inductiva_widgets.widgets.static_html.lists import (
    ROWS_SHOWN,
    list_html,
    list_text,
    outputs_html,
)

__all__ = [
    "ROWS_SHOWN",
    "download_html",
    "download_text",
    "is_finished",
    "list_html",
    "list_text",
    "outputs_html",
    "task_html",
    "task_text",
]
