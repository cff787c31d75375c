"""The store's queries beside the best hand-written SQL, on the same days in the same process.

    python bench/query.py DATA_DIR --app 1 [--url mysql+pymysql://…] [--json]

No server may run on them. The two take turns, so that both meet the same noise.
"""

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bodies import NEEDLE, USER
from by_hand import Hand, hand_for
from database.engine import open_engine
from database.expression import EVERYTHING, All, Compares, Contains, Node
from database.log_query import COLUMNS, LogFilter
from database.log_store import LogStore
from database.stores import open_store
from utils.clock import DAY, MINUTE
from utils.settings import Database

RUNS = 21
LEAST = 5
SECONDS = 6.0  # about as long is each query run
LIMIT = 100
PATIENCE = 600.0  # nothing is cut short
HOUR = 60 * MINUTE
ERROR = (17, 20)  # the severities of level error
IS_ERROR = All((Compares("severity", ">=", ERROR[0]), Compares("severity", "<=", ERROR[1])))
FATAL = 21  # of no record here
IS_FATAL = Compares("severity", ">=", FATAL)
NEWEST = f"ORDER BY time DESC, id DESC LIMIT {LIMIT}"


class Compared(NamedTuple):
    """Milliseconds: of the store at first, when the SQL has read what it needs, and the medians."""

    first: float
    store: float
    sql: float


@dataclass(frozen=True)
class Asked:
    """Of whom is asked, and the newest record's time."""

    store: LogStore
    hand: Hand
    app: int
    end: int

    def filter(self, where: Node, hours: int) -> LogFilter:
        """All records, or those of the last hours."""
        if not hours:
            return LogFilter((self.app,), where=where)
        return LogFilter((self.app,), self.end - hours * HOUR, self.end, where)


@dataclass(frozen=True)
class Question:
    """One question in both languages; the answers must be equal."""

    by_store: Callable[[Asked], Any]
    by_hand: Callable[[Asked], Any]


def page(where: Node, sql: str = "", *values: Any, hours: int = 0, rare: bool = False) -> Question:
    """The newest hundred. `rare`: by hand, too, no index is worth its while."""
    hint = "NOT INDEXED" if rare else ""
    times = "AND time >= ? AND time < ?" if hours else ""

    def by_store(asked: Asked) -> Any:
        return [row for _, row in asked.store.search(asked.filter(where, hours), LIMIT).rows]

    def by_hand(asked: Asked) -> Any:
        wanted = asked.filter(where, hours)
        bound = (asked.app, *((wanted.start, wanted.end) if hours else ()), *values)
        rows: list[Any] = []
        for day in asked.hand.days_from(wanted.start):
            statement = f"SELECT * FROM log {hint} WHERE app_id = ? {times} {sql} {NEWEST}"
            rows += asked.hand.ask(day, statement, bound)
            if len(rows) >= LIMIT:
                break
        return rows[:LIMIT]

    return Question(by_store, by_hand)


def histogram(hours: int, minutes: int) -> Question:
    """Counts by time and level, of whole minutes."""

    def by_store(asked: Asked) -> Any:
        wanted = asked.filter(EVERYTHING, hours)
        return asked.store.count(wanted, minutes * MINUTE).records

    def by_hand(asked: Asked) -> Any:
        wanted = asked.filter(EVERYTHING, hours)
        assert wanted.start is not None and wanted.end is not None
        bound = (minutes, asked.app, wanted.start // MINUTE, wanted.end // MINUTE)
        sql = (
            f"SELECT minute {asked.hand.divided_by} ? AS bucket, severity, SUM(records) "
            "FROM rollup WHERE app_id = ? AND minute >= ? AND minute < ? GROUP BY bucket, severity"
        )
        return asked.hand.count(wanted.start, sql, bound)

    return Question(by_store, by_hand)


def facets(column: str, hours: int) -> Question:
    """How often there is each value."""

    def by_store(asked: Asked) -> Any:
        return asked.store.count_values(asked.filter(EVERYTHING, hours), column).records

    def by_hand(asked: Asked) -> Any:
        wanted = asked.filter(EVERYTHING, hours)
        return asked.hand.count(
            wanted.start,
            f"SELECT {column}, count(*) FROM log WHERE app_id = ? AND time >= ? AND time < ? "
            f"GROUP BY {column}",
            (asked.app, wanted.start, wanted.end),
        )

    return Question(by_store, by_hand)


def questions(sample: dict[str, Any]) -> dict[str, Question]:
    """All of them; `sample` is a record whose session, device and trace are looked for."""
    asked = {
        "newest": page(EVERYTHING),
        "level": page(IS_ERROR, "AND severity BETWEEN ? AND ?", *ERROR),
        "rare_level": page(IS_FATAL, "AND severity >= ?", FATAL, hours=24),
        "user": page(Compares("user_id", "=", USER), "AND user_id = ?", USER),
    }
    for name in ("device_id", "session_id", "trace_id"):
        value = sample[name]
        if value is not None:
            rare = name != "device_id"
            one = page(Compares(name, "=", value), f"AND {name} = ?", value, rare=rare)
            asked[name.removesuffix("_id")] = one
    never = ("Never there", "AND message LIKE ?", "%Never there%")
    return asked | {
        "substring": page(Contains(NEEDLE), "AND message LIKE ?", f"%{NEEDLE}%", rare=True),
        "never": page(Contains(never[0]), *never[1:], hours=24, rare=True),
        "histogram_day": histogram(24, 10),
        "histogram": histogram(240, 60),
        "facets": facets("user_id", 1),
    }


def compare(data: Path, url: str, app: int) -> dict[str, Compared]:
    """How long each question takes."""
    store = open_store(open_engine(Database(url), data), data, PATIENCE)
    newest = max(partition.max_time for partition in store.catalogue.partitions())
    first = store.search(LogFilter((app,)), 1).rows[0][1]
    middle = LogFilter((app,), end=(first[2] + newest) // 2 - 5 * DAY)
    sample = (store.search(middle, 1).rows or [("", first)])[0][1]
    end = first[2] // MINUTE * MINUTE
    figures = {}
    with hand_for(data, url) as hand:
        asked = Asked(store, hand, app, end)
        for name, question in questions(dict(zip(COLUMNS, sample, strict=True))).items():
            figures[name] = _compare(asked, name, question)
    return figures


def _compare(asked: Asked, name: str, question: Question) -> Compared:
    ours, by_hand = question.by_store(asked), question.by_hand(asked)
    if _plain(ours) != _plain(by_hand):
        raise SystemExit(f"{name}: the store and the SQL do not find the same")
    store, sql = [], []
    until = time.perf_counter() + SECONDS
    while len(sql) < RUNS and (not sql or time.perf_counter() < until):
        store.append(_ms(question.by_store, asked))
        sql.append(_ms(question.by_hand, asked))
    while len(store) < LEAST:  # by hand some take a minute
        store.append(_ms(question.by_store, asked))
    return Compared(store[0], statistics.median(store), statistics.median(sql))


def _plain(answer: Any) -> Any:
    if isinstance(answer, Counter):
        return {kind: int(records) for kind, records in answer.items() if kind != (None,)}
    return [tuple(row) for row in answer]


def _ms(work: Callable[[Asked], Any], asked: Asked) -> float:
    begun = time.perf_counter()
    work(asked)
    return (time.perf_counter() - begun) * 1000


def main() -> None:
    """Compare every query and print milliseconds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="a data directory, no server on it")
    parser.add_argument("--app", type=int, required=True, help="the id of the app")
    parser.add_argument("--url", default="", help="mysql+pymysql://… where the records are")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    figures = compare(options.data, options.url, options.app)
    if options.json:
        print(json.dumps(figures))
        return
    for name, (first, ours, best) in figures.items():
        print(
            f"{name:13} store {ours:9.3f} ms (first {first:9.3f})   SQL {best:9.3f} ms   "
            f"ratio {ours / best:5.2f}"
        )


if __name__ == "__main__":
    main()
