"""Redact signed URLs in the logs of other libraries.

urllib3 logs every request with its query at DEBUG level, and the query of a signed URL grants
access to the file until it expires.
"""

from __future__ import annotations

import logging
import re

# Query parameters with the signature on AWS, Google Cloud, Azure and the embedded server.
_SIGNED = re.compile(r"[?&](?:X-Amz-|X-Goog-)?(?:signature|sig|credential)=", re.IGNORECASE)
_LOGGER = "urllib3.connectionpool"


class _RedactSignedUrls(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_without_query(value) for value in record.args)
        return True


def _without_query(value: object) -> object:
    if isinstance(value, str) and _SIGNED.search(value):
        return value.partition("?")[0] + "?<signed>"
    return value


def redact_signed_urls_in_logs() -> None:
    """Install the filter on urllib3's logger. A second call has no effect."""
    logger = logging.getLogger(_LOGGER)
    if not any(isinstance(item, _RedactSignedUrls) for item in logger.filters):
        logger.addFilter(_RedactSignedUrls())
