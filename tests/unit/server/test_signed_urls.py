"""Signed links, without a server."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from inductiva_widgets.server.errors import ForbiddenError
from inductiva_widgets.server.signed_urls import LinkSigner


def parts(link):
    address = urlsplit(link)
    query = {name: values[0] for name, values in parse_qs(address.query).items()}
    return unquote(address.path).removeprefix("/signed/"), query["expires"], query["signature"]


@pytest.mark.parametrize("path", ["a/output.zip", "a b/ü?&=#.zip"])
@pytest.mark.parametrize(("made_for", "used_by"), [("GET", "GET"), ("GET", "HEAD"), ("PUT", "PUT")])
def test_link_opens_what_it_was_made_for(path, made_for, used_by):
    signer = LinkSigner(b"secret")
    link = signer.link(made_for, path)
    assert parts(link)[0] == path
    signer.check(used_by, *parts(link))


@pytest.mark.parametrize(("made_for", "used_by"), [("GET", "PUT"), ("PUT", "GET"), ("PUT", "HEAD")])
def test_link_opens_nothing_for_another_method(made_for, used_by):
    signer = LinkSigner(b"secret")
    with pytest.raises(ForbiddenError, match="not valid"):
        signer.check(used_by, *parts(signer.link(made_for, "a")))


def test_link_of_another_secret_path_or_time_is_refused():
    signer = LinkSigner(b"secret")
    path, expires, signature = parts(signer.link("GET", "a/b"))
    for changed in (
        ("a/c", expires, signature),
        ("a/b", str(int(expires) + 1), signature),
        ("a/b", expires, signature[:-1]),
        ("a/b", expires, ""),
        ("a/b", "soon", signature),
        ("a/b\n" + expires, "", signature),
    ):
        with pytest.raises(ForbiddenError, match="not valid"):
            signer.check("GET", *changed)
    with pytest.raises(ForbiddenError, match="not valid"):
        LinkSigner(b"other").check("GET", path, expires, signature)


def test_link_ends_with_its_time():
    signer = LinkSigner(b"secret", lifetime=-2)
    with pytest.raises(ForbiddenError, match="expired"):
        signer.check("GET", *parts(signer.link("GET", "a")))
