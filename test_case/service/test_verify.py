"""`manage.py journal verify`: what it finds in segments, and that it changes nothing."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from node import Node, frame
from started import ROOT

from database.frame import SEGMENT_HEADER
from exceptions import StartError
from service.verify import verify
from utils.record import Form


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    node = Node(tmp_path / "data")
    yield node
    node.close()


def only(node: Node) -> dict[str, Any]:
    (found,) = verify([node.folder])
    return found


ONE, TWO = frame(["a"]), frame(["b", "c"])
HEADER = len(SEGMENT_HEADER)


def test_a_sound_segment(node: Node) -> None:
    path = node.write_segment(ONE, TWO)
    assert verify([path]) == [
        {
            "segment": str(path),
            "state": "sound",
            "frames": 2,
            "records": 3,
            "damage": [],
            "torn_bytes": 0,
            "in_use": False,
        }
    ]


def test_damage_is_found_with_its_place(node: Node) -> None:
    flipped = bytearray(TWO)
    flipped[-3] ^= 1
    node.write_segment(ONE, bytes(flipped), ONE)
    found = only(node)
    start = HEADER + len(ONE)
    assert (found["state"], found["frames"], found["records"]) == ("damaged", 2, 2)
    assert found["damage"] == [[start, start + len(TWO)]]


def test_damage_at_the_end_is_damage(node: Node) -> None:
    flipped = bytearray(ONE)
    flipped[-3] ^= 1
    node.write_segment(TWO, bytes(flipped))
    found = only(node)
    assert found["damage"] == [[HEADER + len(TWO), HEADER + len(TWO) + len(ONE)]]
    assert found["torn_bytes"] == 0


@pytest.mark.parametrize("kept", [1, 20, len(TWO) - 1])
def test_a_torn_tail_is_no_damage(node: Node, kept: int) -> None:
    node.write_segment(ONE, TWO[:kept])
    found = only(node)
    assert (found["state"], found["frames"], found["torn_bytes"]) == ("sound", 1, kept)


def test_a_torn_header_is_no_damage(node: Node) -> None:
    path = node.write_segment()
    path.write_bytes(SEGMENT_HEADER[:3])
    assert (only(node)["state"], only(node)["torn_bytes"]) == ("sound", 3)


@pytest.mark.parametrize(
    ("header", "state"),
    [(b"REDLOG\x02\x00", "newer"), (b"REDLOG\x00\x00", "foreign"), (b"SQLite f", "foreign")],
)
def test_what_it_cannot_read_is_told_apart(node: Node, header: bytes, state: str) -> None:
    path = node.write_segment(ONE)
    path.write_bytes(header + ONE)
    assert (only(node)["state"], only(node)["frames"]) == (state, 0)


def test_a_segment_longer_than_a_reading(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.verify.CHUNK_BYTES", 100)
    node.write_segment(*[ONE] * 50, frame(["." * 5000]), b"." * 50, ONE, TWO[:9])
    found = only(node)
    assert (found["frames"], found["state"], found["torn_bytes"]) == (52, "damaged", 9)
    ((start, end),) = found["damage"]
    assert end - start == 50


def test_a_segment_that_is_being_written_has_no_torn_tail(node: Node) -> None:
    journal = node.journal()
    journal.append(1, 1, Form.RECORD, "", b'{"message": "a"}')
    found = only(node)
    assert (found["in_use"], found["frames"], found["torn_bytes"]) == (True, 1, 0)
    with next(node.folder.glob("*.seg")).open("ab") as file:
        file.write(TWO[:9])  # half way through a frame
    found = only(node)
    assert (found["state"], found["frames"], found["torn_bytes"]) == ("sound", 1, 0)
    journal.stop()
    assert only(node)["torn_bytes"] == 9


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"there is no .*nothing\.seg"):
        verify([tmp_path / "nothing.seg"])


def test_the_command_and_its_exit_code(node: Node) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), "journal", "verify", *arguments],
            env={"REDLOG_DATA_DIR": str(node.data)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    sound = node.write_segment(ONE)
    done = run("--json")
    assert (done.returncode, json.loads(done.stdout)[0]["records"]) == (0, 1)
    damaged = node.write_segment(b"." * 9, ONE)
    before = [path.read_bytes() for path in (sound, damaged)]
    assert run().returncode == 1
    assert run(str(sound)).returncode == 0
    assert run(str(sound), str(damaged)).returncode == 1
    assert [path.read_bytes() for path in (sound, damaged)] == before
    missing = run("/nonesuch.seg")
    assert (missing.returncode, missing.stderr) == (1, "redlog: there is no /nonesuch.seg\n")
