"""The store's search beside the best hand-written SQL, on the same file in the same process.

    python bench/query.py DATA_DIR --app 1 [--day YYYYMMDD] [--json]

No server may run on the directory. The two take turns, so that both meet the same noise.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bodies import NEEDLE, USER
from database.engine import open_engine
from database.expression import EVERYTHING, All, Compares, Contains, Node
from database.log_query import LogFilter
from database.stores import open_store
from utils.settings import Database

RUNS = 51
LIMIT = 100
ERROR = (17, 20)  # the severities of level error
IS_ERROR = All((Compares("severity", ">=", ERROR[0]), Compares("severity", "<=", ERROR[1])))
NEWEST = f"ORDER BY time DESC, id DESC LIMIT {LIMIT}"


@dataclass(frozen=True)
class Query:
    """One question in both languages; `where` holds a placeholder for each of `values`."""

    asked: Node
    where: str = ""
    values: tuple[Any, ...] = ()


QUERIES = {
    "newest": Query(EVERYTHING),
    "level": Query(IS_ERROR, "AND severity BETWEEN ? AND ?", ERROR),
    "user": Query(Compares("user_id", "=", USER), "AND user_id = ?", (USER,)),
    "substring": Query(Contains(NEEDLE), "AND message LIKE ?", (f"%{NEEDLE}%",)),
}


def compare(data: Path, day_file: Path, app: int, query: Query) -> tuple[float, float]:
    """Median milliseconds of the store's search and of the SQL, which must find the same rows."""
    store = open_store(open_engine(Database(url=""), data), data)
    file = apsw.Connection(str(day_file), flags=apsw.SQLITE_OPEN_READWRITE)
    sql = f"SELECT * FROM log WHERE app_id = ? {query.where} {NEWEST}"
    wanted = LogFilter(apps=(app,), where=query.asked)

    def by_store() -> list[Any]:
        return [values for _, values in store.search(wanted, LIMIT).rows]

    def by_hand() -> list[Any]:
        return file.execute(sql, (app, *query.values)).fetchall()

    if by_store() != by_hand():
        raise SystemExit("the store and the SQL do not find the same rows")
    pairs = [(_milliseconds(by_store), _milliseconds(by_hand)) for _ in range(RUNS)]
    ours, best = zip(*pairs, strict=True)
    return statistics.median(ours), statistics.median(best)


def _milliseconds(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def main() -> None:
    """Compare every query and print milliseconds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="a data directory, no server on it")
    parser.add_argument("--app", type=int, required=True, help="the id of the app")
    parser.add_argument("--day", help="the only day in the store (default: the newest)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    day_file = options.data / "logs" / f"{options.day}.db"
    if options.day is None:
        day_file = max((options.data / "logs").glob("*.db"))
    figures = {
        name: compare(options.data, day_file, options.app, query) for name, query in QUERIES.items()
    }
    if options.json:
        print(json.dumps(figures))
        return
    for name, (ours, best) in figures.items():
        print(f"{name:10} store {ours:9.3f} ms   SQL {best:9.3f} ms   ratio {ours / best:5.2f}")


if __name__ == "__main__":
    main()
