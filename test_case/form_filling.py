"""Filling in the forms of the dashboard, and pressing its buttons."""

from dashboard_page import Page
from started import wait_until


def write(page: Page, name: str, text: str) -> None:
    """Write a text into a field, in place of what is there."""
    field = page.one(f'[name="{name}"]')
    field.clear()
    field.send_keys(text)


def click(page: Page, text: str, css: str = "button") -> None:
    """Click the first button or link with this text, as soon as there is one."""

    def found() -> list[object]:
        elements = page.chrome.find_elements("css selector", css)
        return [each for each in elements if each.text == text]

    wait_until(found, f"{css} {text}")[0].click()


def says(page: Page, text: str, css: str = ".complaint") -> None:
    """Wait until one of these elements says so."""
    wait_until(lambda: any(text in each for each in page.texts(css)), f"{css}: {text}")
