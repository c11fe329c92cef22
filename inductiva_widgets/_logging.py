"""Redact signed URLs in the logs of other libraries.

urllib3 logs every request with its query at DEBUG level, and the query of a signed link is as good
as a key for as long as it lives.
"""

from __future__ import annotations

import logging
import re

# The query parameters by which AWS, Google, Azure and the embedded server sign.
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
    """Keep signatures out of urllib3's log; calling again changes nothing."""
    logger = logging.getLogger(_LOGGER)
    if not any(isinstance(item, _RedactSignedUrls) for item in logger.filters):
        logger.addFilter(_RedactSignedUrls())
