import logging

import pytest

from inductiva_widgets._logging import redact_signed_urls_in_logs


@pytest.mark.parametrize(
    "query",
    [
        "X-Goog-Credential=a&X-Goog-Signature=SECRET",
        "expires=1&signature=SECRET",
        "sv=1&sig=SECRET",
        "X-Amz-Signature=SECRET",
    ],
)
def test_signed_query_is_left_out_of_urllib3s_log(caplog, query):
    redact_signed_urls_in_logs()
    redact_signed_urls_in_logs()
    logger = logging.getLogger("urllib3.connectionpool")
    with caplog.at_level(logging.DEBUG):
        logger.debug('%s "%s %s" %s', "https://host", "GET", f"/a/output.zip?{query}", 200)
    assert "SECRET" not in caplog.text
    assert "/a/output.zip?<signed>" in caplog.text


def test_other_queries_stay_readable(caplog):
    redact_signed_urls_in_logs()
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("urllib3.connectionpool").debug("%s", "/tasks?page=2")
    assert "/tasks?page=2" in caplog.text
