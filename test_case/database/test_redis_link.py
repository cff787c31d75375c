"""The link to Redis: its breaker, its messages, and what is wrong with a URL."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from redis_server import RedisServer
from started import free_port, wait_until

from database.redis_bus import RedisBus
from database.redis_check import check_redis
from database.redis_link import TIMEOUT_SECONDS, RedisAway, RedisLink
from exceptions import StartError

MakeLink = Callable[..., RedisLink]
pytestmark = pytest.mark.redis
SECRET = "s3cr3t-Passw0rd"


def ping(link: RedisLink) -> bool:
    return link.call(lambda client: bool(client.ping()))


def seconds_of(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    with pytest.raises(RedisAway):
        work()
    return time.perf_counter() - started


def test_without_a_url_there_is_no_redis_and_nothing_to_complain_of(make_link: MakeLink) -> None:
    link = make_link("")
    with pytest.raises(RedisAway, match="none is set up"):
        ping(link)
    assert (link.is_configured, link.probe(), link.complaint, link.gauges()) == (
        False,
        False,
        None,
        {},
    )


def test_a_dead_redis_is_asked_once_and_then_left_alone_until_a_probe(
    redis_server: RedisServer, make_link: MakeLink
) -> None:
    link = make_link(redis_server.url)
    assert ping(link) and link.complaint is None
    assert link.gauges()["redlog_redis_up"][1] == 1.0
    redis_server.kill()
    with pytest.raises(RedisAway, match="away since 20"):
        ping(link)
    assert link.complaint is not None and link.complaint.startswith("redis: away since ")
    assert link.gauges()["redlog_redis_up"][1] == 0.0
    redis_server.start()
    with pytest.raises(RedisAway):  # calls don't try
        ping(link)
    assert link.probe() and ping(link) and link.complaint is None


def test_a_stalled_redis_costs_one_short_timeout(
    redis_server: RedisServer, make_link: MakeLink
) -> None:
    link = make_link(redis_server.url)
    assert ping(link)
    redis_server.pause()
    assert TIMEOUT_SECONDS * 0.9 < seconds_of(lambda: ping(link)) < 1.0
    assert seconds_of(lambda: [ping(link) for _ in range(1000)]) < TIMEOUT_SECONDS / 2
    assert not link.probe()
    redis_server.resume()
    wait_until(link.probe, "the stalled Redis to come back")
    assert ping(link)


def test_a_full_redis_is_away_until_it_can_be_written(
    redis_server: RedisServer, make_link: MakeLink
) -> None:
    link = make_link(redis_server.url)
    redis_server.client.config_set("maxmemory", "1")
    assert not link.probe()
    assert "out of memory" in str(link.complaint)
    redis_server.client.config_set("maxmemory", "0")
    assert link.probe()


def test_a_message_reaches_others_of_the_same_installation_only(
    redis_server: RedisServer, make_link: MakeLink
) -> None:
    heard: list[tuple[str, str | None]] = []
    buses = []
    for name, secret in (("ours", "one"), ("theirs", "two")):
        bus = RedisBus(make_link(redis_server.url, secret))
        bus.on("news", lambda message, name=name: heard.append((name, message)))
        bus.start()
        buses.append(bus)
    wait_until(lambda: len(heard) == 2, "both to listen")  # None: they may have missed some
    assert RedisBus(make_link(redis_server.url, "one")).publish("news", "短信")
    wait_until(lambda: ("ours", "短信") in heard, "the message")
    for bus in buses:
        bus.stop()
    assert sorted(heard, key=str) == [("ours", "短信"), ("ours", None), ("theirs", None)]


def test_a_listener_hears_again_after_redis_was_killed(
    redis_server: RedisServer, make_link: MakeLink
) -> None:
    heard: list[str | None] = []
    bus = RedisBus(make_link(redis_server.url))
    bus.on("news", heard.append)
    bus.start()
    wait_until(lambda: heard == [None], "the listener")
    redis_server.kill()
    wait_until(lambda: bus.link.complaint, "the loss to be seen")
    assert not bus.publish("news", "lost")
    redis_server.start()
    wait_until(lambda: heard == [None, None], "the listener to come back")
    assert bus.publish("news", "again")
    wait_until(lambda: heard == [None, None, "again"], "the message")
    bus.stop()


# What is wrong with the setting.


@contextmanager
def answering(first: bytes, reply: bytes) -> Iterator[int]:
    """A server of another kind: it says `first` at once, and `reply` to whatever it is sent."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve() -> None:
            while True:
                try:
                    link, _ = listener.accept()
                except OSError:
                    return
                with link:
                    link.settimeout(5)
                    link.sendall(first)
                    try:
                        while reply and link.recv(4096):
                            link.sendall(reply)
                        link.recv(1)
                    except OSError:
                        pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


@pytest.mark.parametrize(
    "url",
    [
        f"http://:{SECRET}@localhost",
        f"localhost:{SECRET}",
        f"redis://:{SECRET}/x@localhost",
        f"redis://localhost:{SECRET}",
        f"redis://localhost/{SECRET}",
        f"redis://:{SECRET}@localhost?colour=red",
        f"redis://:{SECRET}@localhost:99999999",
    ],
)
def test_what_is_no_url_of_redis_is_refused_without_saying_the_password(
    url: str, make_link: MakeLink
) -> None:
    with pytest.raises(StartError, match="is not of the form") as refusal:
        make_link(url)
    assert SECRET not in str(refusal.value)


def test_a_good_redis_tells_its_version(redis_server: RedisServer) -> None:
    assert check_redis(redis_server.url) == redis_server.client.info("server")["redis_version"]
    assert check_redis("") == "none"


def test_a_wrong_password_is_told_and_never_shown(make_redis: Callable[..., RedisServer]) -> None:
    redis = make_redis(password="right")
    for url in (
        redis.url.replace("right", SECRET),
        redis.url.replace(":right", f"someone:{SECRET}"),
        redis.url.replace(":right@", ""),
    ):
        with pytest.raises(StartError, match="refuses this user or password") as refusal:
            check_redis(url)
        assert SECRET not in str(refusal.value) and "\n" not in str(refusal.value)
    assert check_redis(redis.url)


@pytest.mark.parametrize(
    ("first", "reply"),
    [
        (b"", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
        (b"I\x00\x00\x00\x0a10.11.4-MariaDB\x00", b""),
        (b"SSH-2.0-OpenSSH_9.2\r\n", b""),
    ],
    ids=["http", "mysql", "ssh"],
)
def test_another_kind_of_server_on_the_port_is_told(first: bytes, reply: bytes) -> None:
    with answering(first, reply) as port, pytest.raises(StartError, match="there is no Redis"):
        check_redis(f"redis://:{SECRET}@127.0.0.1:{port}")


def test_a_redis_that_is_too_old_is_told() -> None:
    info = b"# Server\r\nredis_version:2.8.24\r\n"
    reply = b"$%d\r\n%s\r\n" % (len(info), info)
    with answering(b"", reply) as port, pytest.raises(StartError, match=r"is 2\.8\.24, and 6\.0"):
        check_redis(f"redis://127.0.0.1:{port}")


def test_a_redis_that_is_away_is_no_wrong_setting() -> None:
    with pytest.raises(RedisAway, match="Connection refused"):
        check_redis(f"redis://:{SECRET}@127.0.0.1:{free_port()}")
