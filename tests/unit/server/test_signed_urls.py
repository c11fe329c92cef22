"""Signed links, without a server."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from inductiva_widgets.server.errors import ForbiddenError
from inductiva_widgets.server.signed_urls import UrlSigner


def parts(link):
    address = urlsplit(link)
    query = {name: values[0] for name, values in parse_qs(address.query).items()}
    return unquote(address.path).removeprefix("/signed/"), query["expires"], query["signature"]


@pytest.mark.parametrize("path", ["a/output.zip", "a b/ü?&=#.zip"])
@pytest.mark.parametrize(("made_for", "used_by"), [("GET", "GET"), ("GET", "HEAD"), ("PUT", "PUT")])
def test_link_opens_what_it_was_made_for(path, made_for, used_by):
    signer = UrlSigner(b"secret")
    link = signer.sign(made_for, path)
    assert parts(link)[0] == path
    signer.verify(used_by, *parts(link))


@pytest.mark.parametrize(("made_for", "used_by"), [("GET", "PUT"), ("PUT", "GET"), ("PUT", "HEAD")])
def test_link_opens_nothing_for_another_method(made_for, used_by):
    signer = UrlSigner(b"secret")
    with pytest.raises(ForbiddenError, match="not valid"):
        signer.verify(used_by, *parts(signer.sign(made_for, "a")))


def test_link_of_another_secret_path_or_time_is_refused():
    signer = UrlSigner(b"secret")
    path, expires, signature = parts(signer.sign("GET", "a/b"))
    for changed in (
        ("a/c", expires, signature),
        ("a/b", str(int(expires) + 1), signature),
        ("a/b", expires, signature[:-1]),
        ("a/b", expires, ""),
        ("a/b", "soon", signature),
        ("a/b\n" + expires, "", signature),
    ):
        with pytest.raises(ForbiddenError, match="not valid"):
            signer.verify("GET", *changed)
    with pytest.raises(ForbiddenError, match="not valid"):
        UrlSigner(b"other").verify("GET", path, expires, signature)


def test_link_ends_with_its_time():
    signer = UrlSigner(b"secret", lifetime=-2)
    with pytest.raises(ForbiddenError, match="expired"):
        signer.verify("GET", *parts(signer.sign("GET", "a")))
