"""Logan's client for pages in a real Chromium: what is stored, and what a refusal does to it."""

from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from javascript import Pages
from recorded.logan import PEM, PRIVATE
from refusals import Refusing
from relay import Lost, Relay
from selenium.webdriver import Chrome
from started import Server

pytestmark = [pytest.mark.server, pytest.mark.browser]

PUBLIC = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture(scope="module")
def logan(server: Server) -> Server:
    """The server, whose app knows the private key."""
    server.run("app", "set", str(server.app["id"]), f"logan_private_key={PEM}")
    return server


def report(
    pages: Pages, chrome: Chrome, url: str, server: Server, device: str, *messages: str
) -> Any:
    told = {"deviceId": device, "messages": messages, "publicKey": PUBLIC.decode()}
    to = f"{url}/k/{server.key}/logan/web/upload.json"
    return pages.run(chrome, "logan-web", reportUrl=to, **told)


def test_logan_web(logan: Server, pages: Pages, chrome: Chrome) -> None:
    device = uuid4().hex
    told = report(pages, chrome, logan.url, logan, device, "almost out of 茶", "next")
    assert told == ["Report succ"] * 2
    said, secret, *more = logan.found(4, device_id=device)
    assert [said["message"], secret["message"]] == [
        "almost out of 茶",
        "almost out of 茶, in secret",
    ]
    assert [each["message"] for each in more] == ["next", "next, in secret"]
    assert (said["level"], said["environment"], said["platform"]) == ("info", "prod", "web")
    own = {"web_source": "shop", "custom_info": '{"order":7}'}
    assert said["attributes"] == {**own, "type": 2}
    assert secret["attributes"] == {**own, "type": 3}
    assert said["time"] < said["received_at"]


def test_what_was_refused_is_in_the_next_report(
    logan: Server, refusing: Refusing, pages: Pages, chrome: Chrome
) -> None:
    for refuses, message, status in refusing.each():
        device = uuid4().hex
        with Relay(refuses, logan) as relay:
            told = report(pages, chrome, relay.url, logan, device, message, "next")
        assert (relay.statuses, told) == ([status, 200], ["Report fail", "Report succ"])
        messages = [record["message"] for record in logan.found(4, device_id=device)]
        assert messages == [message, f"{message}, in secret", "next", "next, in secret"]


def test_what_was_not_answered_is_stored_once(logan: Server, pages: Pages, chrome: Chrome) -> None:
    """Chromium itself sends it again, or the next report does: unchanged, as nothing was logged."""
    device = uuid4().hex
    with Relay(Lost(logan), logan) as relay:
        told = report(pages, chrome, relay.url, logan, device, "m", "")
    assert (relay.statuses, told[1]) == ([200, 200], "Report succ")
    logan.found(2, device_id=device)
