"""What the issuer of single sign-on says of itself."""

from collections.abc import Iterator

import pytest
from issuer import CLIENT, SECRET, TestIssuer

from database.oidc_logins import Begun
from exceptions.accounts import IssuerAway
from service.issuer import Issuer
from utils.settings import Oidc

BEGUN = Begun("nonce", "verifier")
BACK = "https://redlog.example.org/api/v1/oidc/callback"


@pytest.fixture
def issuer() -> Iterator[TestIssuer]:
    made = TestIssuer()
    yield made
    made.stop()


def client(url: str) -> Issuer:
    return Issuer(Oidc(url, CLIENT, SECRET, "openid", "viewer", "name", ""))


def test_it_is_asked_once_in_a_while(issuer: TestIssuer) -> None:
    asking = client(issuer.url)
    urls = [asking.authorization_url(BACK, state, BEGUN) for state in ("a", "b")]
    assert all(url.startswith(f"{issuer.url}/authorize?") for url in urls)
    assert issuer.asked == ["/.well-known/openid-configuration", "/jwks"]


@pytest.mark.parametrize(
    "says",
    [
        {"issuer": "https://another.example.org"},
        {"issuer": None},
        {"token_endpoint": "ftp://127.0.0.1/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": None},
        {"jwks_uri": "http://127.0.0.1:9/jwks"},
    ],
    ids=str,
)
def test_a_configuration_that_is_not_taken(issuer: TestIssuer, says: dict[str, str | None]) -> None:
    asking = client(issuer.url)
    issuer.says = says
    with pytest.raises(IssuerAway):
        asking.authorization_url(BACK, "state", BEGUN)
    issuer.says = {}
    assert asking.authorization_url(BACK, "state", BEGUN)


def test_one_that_does_not_answer_is_away() -> None:
    with pytest.raises(IssuerAway):
        client("http://127.0.0.1:9").authorization_url(BACK, "state", BEGUN)


def test_a_redirect_is_not_followed(issuer: TestIssuer) -> None:
    issuer.says = {"jwks_uri": f"{issuer.url}/elsewhere"}
    with pytest.raises(IssuerAway, match="302"):
        client(issuer.url).authorization_url(BACK, "state", BEGUN)
    assert "/jwks" not in issuer.asked
