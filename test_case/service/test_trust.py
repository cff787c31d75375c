"""Which origins and packages an app trusts."""

import pytest

from exceptions import UntrustedSource
from service.trust import is_untrusted
from utils.app_settings import AppSettings

WEB = ["https://shop.example", "https://*.shop.example"]
PHONE = ["com.example.shop"]


def verdict(
    origins: list[str], packages: list[str], origin: str | None, package: str | None
) -> bool:
    marking = AppSettings(allowed_origins=origins, allowed_packages=packages, untrusted="mark")
    untrusted = is_untrusted(marking, origin, package)
    refusing = AppSettings(allowed_origins=origins, allowed_packages=packages)
    if untrusted:
        with pytest.raises(UntrustedSource):
            is_untrusted(refusing, origin, package)
    else:
        assert not is_untrusted(refusing, origin, package)
    return not untrusted


@pytest.mark.parametrize(
    ("origins", "packages", "origin", "package", "trusted"),
    [
        ([], [], None, None, True),
        ([], [], "https://anywhere.example", "any", True),
        (WEB, [], "https://shop.example", None, True),
        (WEB, [], "https://SHOP.example", None, True),
        (WEB, [], "https://m.shop.example", None, True),
        (WEB, [], "https://a.b.shop.example", None, True),
        (WEB, [], "https://evilshop.example", None, False),
        (WEB, [], "https://.shop.example", None, False),
        (WEB, [], "http://shop.example", None, False),
        (WEB, [], "https://shop.example.evil.example", None, False),
        (WEB, [], "null", None, False),
        (WEB, [], None, None, False),
        (WEB, [], None, "com.example.shop", False),
        ([], PHONE, None, "com.example.shop", True),
        ([], PHONE, None, "com.example.shop2", False),
        ([], PHONE, None, None, False),
        ([], PHONE, "https://shop.example", "com.example.shop", False),  # a page can't be a phone
        (WEB, PHONE, None, "com.example.shop", True),
        (WEB, PHONE, "https://shop.example", None, True),
        (["*"], [], "https://any.example", None, True),
    ],
)
def test_a_report_is_trusted_when_its_origin_or_package_is_allowed(
    origins: list[str], packages: list[str], origin: str | None, package: str | None, trusted: bool
) -> None:
    assert verdict(origins, packages, origin, package) is trusted
