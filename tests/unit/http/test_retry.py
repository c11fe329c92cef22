"""``Retry-After`` as seconds and as a date."""

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from inductiva_widgets.downloads import _signed_url
from inductiva_widgets.http import responses
from inductiva_widgets.http.retry import parse_retry_after


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 0.5 ", 0.5),
        ("Thu, 01 Feb 2024 17:16:17 GMT", 0.0),
        ("Thu, 01 Feb 2024 17:16:17 -0000", 0.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("²", None),
        ("nan", None),
        ("inf", None),
        ("1e9", None),
        ("9" * 400, None),
        ("Thu, 99 Feb 2024 17:16:17 GMT", None),
    ],
)
def test_parse_retry_after_returns_seconds_or_none(value, seconds):
    assert parse_retry_after(value) == seconds


class Response:
    """A response that asks for a pause until a date."""

    def __init__(self):
        due = datetime.now(timezone.utc) + timedelta(seconds=90)
        self.headers = {"Retry-After": format_datetime(due, usegmt=True)}


@pytest.mark.parametrize("read", [responses.retry_after, _signed_url.retry_after])
def test_client_and_downloads_wait_until_a_date(read):
    assert 60 < read(Response()) <= 90


@pytest.mark.parametrize("read", [responses.retry_after, _signed_url.retry_after])
def test_retry_after_date_counts_from_the_date_of_the_response(read):
    """The clock of the server is a year behind: by the local clock, the date has passed."""
    response = Response()
    server_time = datetime.now(timezone.utc) - timedelta(days=365)
    response.headers = {
        "Date": format_datetime(server_time, usegmt=True),
        "Retry-After": format_datetime(server_time + timedelta(seconds=20), usegmt=True),
    }
    assert read(response) == 20.0
