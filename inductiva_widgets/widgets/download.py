"""Widget of a download."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets

from inductiva_widgets.widgets import static_html, view_models
from inductiva_widgets.widgets.base import BaseWidget, Bundle

if TYPE_CHECKING:
    from collections.abc import Callable

    from inductiva_widgets.downloads import Download, Progress


class DownloadWidget(BaseWidget):
    """Progress of a download, with buttons to pause and cancel it.

    Parameters
    ----------
    download
        Download to show.
    title
        Title, such as the name of the file.
    **kwargs
        Traits of any widget, such as ``layout``.

    Examples
    --------
    >>> download = task.start_download(["model.rpt"], "results")
    >>> inductiva.DownloadWidget(download, title="The report")
    DownloadWidget('The report')
    >>> download.result().name
    'results'
    """

    kind = traitlets.Unicode("download").tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
    download = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)

    # A class attribute, since `close` is called even if `__init__` has raised.
    _unsubscribe: Callable[[], None] | None = None

    def __init__(self, download: Download[Any], *, title: str, **kwargs: Any) -> None:
        self._download = download
        view = view_models.download_view(download.progress, download.error)
        super().__init__(title=title, download=view, **kwargs)
        # A finished download cannot be restarted here, since `result` has returned or raised.
        self._handlers.update(
            pause_download=lambda _: download.pause(),
            resume_download=lambda _: download.resume(),
            cancel_download=lambda _: download.cancel(),
        )
        self._unsubscribe = download.subscribe(self._report_errors(self._show))

    def __repr__(self) -> str:
        return f"DownloadWidget({self.title!r})"

    def close(self) -> None:
        """Close the widget. The download continues."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        super().close()

    def _repr_mimebundle_(self, **_: Any) -> Bundle:
        return self._with_fallback(
            static_html.download_text(self.title, self.download),
            static_html.download_html(self.title, self.download),
        )

    def _is_finished(self) -> bool:
        return static_html.is_finished(self.download)

    def _stored_state(self) -> object:
        return self.download and self.download["phase"]

    def _show(self, progress: Progress) -> None:
        self.download = dict(view_models.download_view(progress, self._download.error))
