"""A server that finds damaged segments starts, stores what is readable and counts the rest."""

import re
from typing import Any

import pytest
import requests
from conftest import StartServer
from node import frame, raw_frame, segment_name
from started import Server, wait_until

from database.frame import SEGMENT_HEADER
from utils.clock import now_us

pytestmark = [pytest.mark.fault, pytest.mark.server]
NOW = now_us()


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def readiness(server: Server) -> Any:
    return requests.get(f"{server.url}/readyz", timeout=30).json()


def test_a_server_starts_on_damaged_segments(make_server: StartServer) -> None:
    server = make_server()
    app_id = int(server.app["id"])
    good = [frame([f"good-{n}"], at=NOW, app_id=app_id) for n in range(6)]
    segments = {
        "torn last frame": SEGMENT_HEADER + good[0] + good[1] + good[5][:-4],
        "flipped byte": SEGMENT_HEADER + good[2] + flipped(good[5], 40) + good[3],
        "newer format": SEGMENT_HEADER[:6] + b"\x09\x00" + good[5],
        "poison": SEGMENT_HEADER + raw_frame(b"[{", 3, at=NOW, app_id=app_id) + good[4],
        "header only": SEGMENT_HEADER,
        "empty": b"",
    }
    folder = server.data / "journal"
    folder.mkdir()
    for content in segments.values():
        (folder / f"{segment_name(NOW)}.seg").write_bytes(content)
    (folder / "notes.seg").write_bytes(b"not ours")

    server.start()
    wait_until(lambda: len(server.query()) == 5, "the readable records")
    assert sorted(log["message"] for log in server.query()) == [f"good-{n}" for n in range(5)]
    assert server.report({"message": "new"}).status_code == 202
    wait_until(lambda: len(server.query()) == 6, "the new record")

    # Put aside: the flipped piece, the poison frame, the newer segment, and what is none of ours.
    wait_until(lambda: readiness(server)["checks"]["quarantined"] == 4, "the count")
    assert readiness(server)["status"] == "ok"
    metrics = requests.get(f"{server.url}/metrics", timeout=30).text
    assert re.search(r"^redlog_quarantined 4(\.0)?$", metrics, re.MULTILINE)
    reasons = sorted(path.name for path in server.data.glob("quarantine/*.txt"))
    assert sorted(name.split(".")[1] for name in reasons) == ["frame", "piece", "seg", "seg"]
    server.wait_drained()
    told = {"received": 9, "stored": 6, "rejected:quarantined": 3}
    wait_until(lambda: server.totals() == told, "the counters")
