"""Static text and HTML of the widgets, for viewers without a kernel: GitHub, nbconvert, e-mail.

Pure functions; every value is escaped. Styles are inline, because such viewers drop style sheets.
Some drop inline styles, too, so the text alone is complete. Text inherits its colour from the page,
and coloured text sets its background, so that both are readable on light and on dark.
"""

from inductiva_widgets.widgets.static_html.card import task_html, task_text
from inductiva_widgets.widgets.static_html.lists import (
    ROWS_SHOWN,
    download_html,
    download_text,
    is_finished,
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
