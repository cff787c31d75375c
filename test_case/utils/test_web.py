"""The application's class: what it leaves out changes no answer."""

import pytest
from flask.testing import FlaskClient

from utils.web import REPORT_PATH, App


@pytest.fixture
def client() -> FlaskClient:
    app = App("test")
    app.add_url_rule(REPORT_PATH, "report", lambda: "taken", methods=["POST"])
    app.add_url_rule("/other", "other", lambda: "other")
    return app.test_client()


@pytest.mark.parametrize("host", ["logs.example", "logs.example:5000", "a..b", "no host"])
def test_a_report_is_taken_whatever_host_it_names(client: FlaskClient, host: str) -> None:
    reply = client.post(REPORT_PATH, headers={"Host": host}, query_string="key=x")
    assert (reply.status_code, reply.text) == (200, "taken")


def test_another_method_is_told_what_is_allowed(client: FlaskClient) -> None:
    reply = client.delete(REPORT_PATH)
    assert reply.status_code == 405
    assert set(reply.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}


def test_a_redirect_names_the_host(client: FlaskClient) -> None:
    reply = client.post("/api//v1/logs", base_url="http://logs.example")
    assert (reply.status_code, reply.location) == (308, f"http://logs.example{REPORT_PATH}")


def test_other_paths_are_as_ever(client: FlaskClient) -> None:
    assert client.get("/other").text == "other"
    assert client.get("/nowhere").status_code == 404
