"""Create ``requests`` sessions that send no credentials."""

from __future__ import annotations

import http.cookiejar

import requests
from requests.adapters import HTTPAdapter

from inductiva_widgets._logging import redact_signed_urls_in_logs
from inductiva_widgets._version import __version__


def create_session(adapter: HTTPAdapter) -> requests.Session:
    """Create a session that sends no credentials and stores no cookies.

    Proxies from the environment are used. A request may still set a key in its own headers.

    Parameters
    ----------
    adapter
        Transport adapter for HTTP and HTTPS.
    """
    redact_signed_urls_in_logs()
    session = requests.Session()
    # Without an auth function, requests adds credentials from ~/.netrc, which signed URLs refuse:
    # https://requests.readthedocs.io/en/latest/user/authentication/#netrc-authentication
    session.auth = _no_credentials
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = f"inductiva-widgets/{__version__}"
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
