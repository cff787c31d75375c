"""Backup while the server runs, and restore: what was acknowledged before is there, once."""

import fcntl
import json
import os
import shlex
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest
from conftest import StartServer
from mariadb import MariaDB
from msgspec.structs import replace
from node import Node, frame
from senders import Senders
from started import ROOT, Server, wait_until

from database.day_file import open_for_reading
from database.snapshot import snapshot
from service.backup import dump_command
from utils.clock import DAY, now_us
from utils.settings import Database, load_settings

pytestmark = [pytest.mark.fault, pytest.mark.server]


def run(server: Server, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env={**server.environment, **settings},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of a command that refuses."""
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    return line


def restored(server: Server, backup: Path, data: Path) -> Server:
    """The same server on another data directory, brought there from a backup."""
    done = run(server, "restore", str(backup), REDLOG_DATA_DIR=str(data))
    assert done.returncode == 0, done.stderr
    server.data = data
    server.environment["REDLOG_DATA_DIR"] = str(data)
    return server.start()


@pytest.mark.slow
@pytest.mark.parametrize("round_", range(3))
def test_a_round_trip_under_load(make_server: StartServer, tmp_path: Path, round_: int) -> None:
    server = make_server(
        REDLOG_JOURNAL__SEGMENT_BYTES="8192",  # segments come and go all the while
        REDLOG_WRITER__BATCH_BYTES="2000",
        REDLOG_WRITER__POLL_MS="5",
    ).start()
    backup = tmp_path / "backup"
    with Senders(server, seed=round_) as load:
        load.wait_for(300)
        before = set(load.acknowledged)
        done = run(server, "backup", str(backup), "--json")
        assert done.returncode == 0, done.stderr
        load.wait_for(100)
    sent = set(load.acknowledged) | {m for thread in load._threads for m in thread.unsure}
    server.kill()
    assert json.loads(done.stdout)["damaged_days"] == []

    restored(server, backup, tmp_path / "restored")
    server.wait_drained()
    found = Counter(log["message"] for log in server.walk())
    assert before - set(found) == set(), "acknowledged before the backup, and not in it"
    assert {message for message, times in found.items() if times > 1} == set()
    assert set(found) <= sent
    check_counters(server, len(found))
    assert server.report({"message": "new", "batch_id": "new"}).status_code == 202


def check_counters(server: Server, stored: int) -> None:
    """received = stored + the others, and stored is what a query finds."""
    assert server.stop() == 0  # which publishes them
    totals = server.totals()
    server.start()
    assert totals["stored"] == stored
    assert totals["received"] == sum(totals.values()) - totals["received"]


def test_everything_is_there_and_for_nobody_else(make_server: StartServer, tmp_path: Path) -> None:
    server = make_server(REDLOG_WRITER__ENABLED="false").start()
    server.report([{"message": "a"}, {"message": "b"}])
    (server.data / "quarantine").mkdir()
    (server.data / "quarantine" / "x-8.frame").write_bytes(b"bad")
    backup = tmp_path / "backup"
    assert run(server, "backup", str(backup)).returncode == 0
    (segment,) = (backup / "journal").iterdir()
    assert segment.read_bytes() == (server.data / "journal" / segment.name).read_bytes()
    assert (backup / "quarantine" / "x-8.frame").read_bytes() == b"bad"
    assert (backup / "secret").read_bytes() == (server.data / "secret").read_bytes()
    assert stat.S_IMODE(backup.stat().st_mode) == 0o700
    modes = {stat.S_IMODE(path.stat().st_mode) for path in backup.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert not list(tmp_path.glob("*.partial"))
    assert refusal(run(server, "backup", str(backup))).endswith("a backup needs a new name")
    with closing(sqlite3.connect(server.data / "redlog.db")) as lasting:
        noted = list(lasting.execute("SELECT actor, target FROM audit WHERE act = 'backup'"))
    assert noted == [("operator", f"folder {backup}")]

    server.kill()
    server.environment["REDLOG_WRITER__ENABLED"] = "true"
    restored(server, backup, tmp_path / "restored")  # with the token and the key of before
    server.wait_drained()
    assert sorted(log["message"] for log in server.walk()) == ["a", "b"]
    admin = server.manage("token", "create", "--scope", "admin", "--json")["token"]
    acts = server.get("/api/v1/audit", token=admin, actor="operator").json()["acts"]
    (act,) = (act for act in acts if act["act"] == "restore")
    assert act["target"] == f"folder {backup}"


def test_restore_refuses_what_it_should(make_server: StartServer, tmp_path: Path) -> None:
    server = make_server().start()
    server.report({"message": "a"})
    server.wait_drained()
    backup, fresh = tmp_path / "backup", str(tmp_path / "fresh")
    assert run(server, "backup", str(backup)).returncode == 0
    assert "a server runs on" in refusal(run(server, "restore", str(backup)))
    assert server.stop() == 0
    assert "is not empty" in refusal(run(server, "restore", str(backup)))

    def spoiled(name: str) -> Path:
        copy = tmp_path / name
        shutil.copytree(backup, copy)
        return copy

    def refused(source: Path) -> str:
        line = refusal(run(server, "restore", str(source), REDLOG_DATA_DIR=fresh))
        assert list(Path(fresh).iterdir()) == []
        return line

    assert "is no backup of RedLog" in refused(tmp_path / "nothing")
    assert "is no backup of RedLog" in refused(ROOT / "docs")
    (day,) = (backup / "logs").iterdir()
    cut = spoiled("cut")
    os.truncate(cut / "logs" / day.name, 5000)
    assert "the backup is damaged" in refused(cut)
    half = spoiled("half")
    (half / "redlog.db").unlink()
    assert "can't be copied" in refused(half)
    unfinished = spoiled("unfinished")
    os.truncate(unfinished / "manifest.json", 50)
    assert "is no backup of RedLog, or not a whole one" in refused(unfinished)
    other = spoiled("other")
    text = (backup / "manifest.json").read_text()
    (other / "manifest.json").write_text(text.replace("secret", "../secret"))
    assert "it lists '../secret'" in refused(other)
    (other / "manifest.json").write_text(text.replace('"redlog_backup": 1', '"redlog_backup": 2'))
    assert "another version" in refused(other)
    assert run(server, "restore", str(backup), REDLOG_DATA_DIR=fresh).returncode == 0


def test_there_must_be_something_to_back_up(make_server: StartServer, tmp_path: Path) -> None:
    server = make_server()
    empty = {"REDLOG_DATA_DIR": str(tmp_path / "empty")}
    assert "nothing to back up" in refusal(run(server, "backup", str(tmp_path / "b"), **empty))
    nowhere = tmp_path / "no" / "where"
    assert "the backup failed" in refusal(run(server, "backup", str(nowhere)))
    assert not (tmp_path / "b").exists()


def test_the_dump_command_of_mysql_names_everything_but_the_password() -> None:
    settings = load_settings(ROOT / "setting.yaml", {})
    assert dump_command(settings) is None
    url = "mysql+pymysql://log:geheim@db.example:3307/redlog"
    command = dump_command(replace(settings, database=Database(url))) or ""
    for part in ("--single-transaction", "db.example", "3307", "--user=log", " redlog"):
        assert part in command
    assert "geheim" not in command


@pytest.mark.slow
@pytest.mark.mariadb
def test_a_round_trip_with_mariadb(
    mariadb: MariaDB, make_server: StartServer, tmp_path: Path
) -> None:
    """The dump is made later: by then what the backup's journal holds is stored and removed."""
    server = make_server(
        REDLOG_DATABASE__URL=mariadb.url(mariadb.new_database()),
        REDLOG_JOURNAL__SEGMENT_BYTES="8192",
        REDLOG_WRITER__BATCH_BYTES="2000",
        REDLOG_WRITER__POLL_MS="5",
    ).start()
    backup = tmp_path / "backup"
    with Senders(server) as load:
        load.wait_for(300)
        before = set(load.acknowledged)
        done = run(server, "backup", str(backup), "--json")
        assert done.returncode == 0, done.stderr
        copied = {path.name for path in (backup / "journal").iterdir()}
        wait_until(
            lambda: copied - {path.name for path in (server.data / "journal").iterdir()},
            "a copied segment to be removed",
        )
        load.wait_for(50)
        dump = dumped(json.loads(done.stdout)["then_copy_the_records_with"])
        load.wait_for(50)
    sent = set(load.acknowledged) | {m for thread in load._threads for m in thread.unsure}
    server.kill()

    name = mariadb.new_database()
    load_dump(mariadb, name, dump)
    server.environment["REDLOG_DATABASE__URL"] = mariadb.url(name)
    restored(server, backup, tmp_path / "restored")
    server.wait_drained()
    found = Counter(log["message"] for log in server.walk())
    assert before - set(found) == set(), "acknowledged before the backup, and not in it"
    assert {message for message, times in found.items() if times > 1} == set()
    assert set(found) <= sent
    check_counters(server, len(found))


def test_what_is_done_stays_done_while_the_audit_log_is_away(
    make_server: StartServer, tmp_path: Path
) -> None:
    server = make_server()
    backup, away = tmp_path / "backup", "mysql+pymysql://root:pa55@127.0.0.1:1/redlog"
    done = run(server, "backup", str(backup), REDLOG_DATABASE__URL=away)
    assert done.returncode == 0 and (backup / "manifest.json").exists()
    assert "redlog: not noted in the audit log: the server can't be reached" in done.stderr
    assert "pa55" not in done.stdout + done.stderr


def dumped(command: str) -> bytes:
    """What the printed command writes; it reads the password, an empty one, from its input."""
    done = subprocess.run(
        shlex.split(command), input=b"\n", capture_output=True, start_new_session=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def load_dump(mariadb: MariaDB, database: str, dump: bytes) -> None:
    """Bring a dump into an empty database."""
    client = ["mariadb", "--no-defaults", "--host=127.0.0.1", f"--port={mariadb.port}"]
    subprocess.run([*client, "--user=root", database], input=dump, check=True)


# The moment.


@pytest.fixture
def node(tmp_path: Path) -> Any:
    node = Node(tmp_path / "data")
    yield node
    node.close()


def test_the_days_agree_however_they_are_written_meanwhile(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Yesterday's and today's frames take turns in one segment: a position covers both files."""

    def open_slowly(path: Path) -> apsw.Connection:
        time.sleep(0.05)
        return open_for_reading(path)

    monkeypatch.setattr("database.snapshot.open_for_reading", open_slowly)
    today = now_us()
    stop = threading.Event()
    path = node.write_segment(at=today - DAY)

    def write() -> None:
        number = 0
        with path.open("ab") as file:
            while not stop.is_set():
                file.write(frame([f"m{number}"], at=today - (number % 2) * DAY))
                file.flush()
                number += 1
                time.sleep(0.01)

    lock = os.open(path, os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    (node.data / "logs").mkdir(exist_ok=True)
    writer = node.writer(batch_bytes=300, poll_ms=1)
    threads = [threading.Thread(target=write)]
    threads[0].start()
    writer.start()
    try:
        for number in range(3):
            time.sleep(0.3)
            copy_and_check(node, tmp_path / f"copy-{number}", path)
    finally:
        stop.set()
        threads[0].join()
        writer.stop(0)
        os.close(lock)


def copy_and_check(node: Node, copy: Path, segment: Path) -> None:
    """All up to the furthest position is in the copied files, once, and nothing after it."""
    for folder in ("logs", "journal"):
        (copy / folder).mkdir(parents=True)
    with snapshot(node.data, node.data / "redlog.db") as taken:
        taken.copy_days(copy / "logs")
        taken.copy_lasting(copy / "redlog.db", copy / "logs")
    shutil.copy(segment, copy / "journal")
    restored = Node(copy)
    try:
        restored.drain()
        numbers = sorted(int(message[1:]) for message in restored.stored())
        assert numbers == list(range(len(numbers)))
        assert len(numbers) > 10
    finally:
        restored.close()


def test_a_damaged_day_is_copied_as_it_is(node: Node, tmp_path: Path) -> None:
    node.write_segment(frame(["old"], at=now_us() - 5 * DAY), at=now_us() - 5 * DAY)
    node.drain()
    (day,) = (node.data / "logs").glob("*.db")
    node.engine.dispose()
    for beside in (node.data / "logs").glob("*.db-*"):
        beside.unlink()
    day.write_bytes(b"no database" * 1000)
    (tmp_path / "logs").mkdir()
    with snapshot(node.data, node.data / "redlog.db") as taken:
        taken.copy_days(tmp_path / "logs")
    assert taken.damaged == [day.stem]
    assert (tmp_path / "logs" / day.name).read_bytes() == day.read_bytes()
