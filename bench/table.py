"""One table of all figures, on the terminal and in the docs."""

import os
import platform
import sqlite3
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import apsw

Samples = dict[str, dict[str, list[float]]]  # column → figure → one value for each round


@dataclass(frozen=True)
class Row:
    """A line of the table: the text, the figures in it (by name) and the goal."""

    text: str
    form: str
    names: tuple[str, ...]
    goal: str = ""
    spread: bool = False  # show the lowest and highest round too

    def cell(self, samples: dict[str, list[float]]) -> str:
        """The medians in this row's form; a dash when one was not measured."""
        if any(name not in samples for name in self.names):
            return "–"
        values = [samples[name] for name in self.names]
        cell = self.form.format(*(statistics.median(value) for value in values))
        if self.spread and len(values[0]) > 1:
            low, high = (self.form.format(pick(values[0])) for pick in (min, max))
            cell += f" ({low}–{high})"
        return cell


def ratio(text: str, name: str, goal: str = "") -> Row:
    """A line for what matters: one figure by another."""
    return Row(f"**{text}**", "{:.2f}", (name,), goal, spread=True)


def _acknowledged(size: int) -> list[Row]:
    records = "1 record" if size == 1 else f"{size:,} records"
    goals = {100: "≥ 848,000 (meinheld)"}
    rows = []
    for name, how in (("ack", "while draining"), ("paused", "drain paused")):
        key = f"{name}_{size}"
        goal = goals.get(size, "") if name == "paused" else ""
        text = f"{records} a request, {how}:"
        rates, latencies = (key, f"{key}_records"), (f"{key}_p50", f"{key}_p99")
        rows += [
            Row(f"{text} requests/s · records/s", "{:,.0f} · {:,.0f}", rates, goal),
            Row(f"{text} p50 · p99 ms", "{:.1f} · {:.1f}", latencies),
        ]
    return rows


def _bulk(way: str, text: str, goal: str = "") -> list[Row]:
    return [
        Row(f"Bulk load, {text}, rows/s", "{:,.0f}", (f"bulk_{way}",)),
        ratio(f"Queryable / bulk load, {text}", f"queryable/bulk_{way}", goal),
        ratio("… 1,000 records a request", f"queryable_1000/bulk_{way}", goal),
    ]


def _queried(name: str, text: str, goal: str = "") -> list[Row]:
    beside = (f"store_{name}", f"sql_{name}")
    return [
        Row(f"{text}, over HTTP, p50 ms", "{:.1f}", (f"http_{name}",)),
        Row(f"{text}, store · plain SQL, p50 ms", "{:.2f} · {:.2f}", beside),
        ratio(f"{text}: store / plain SQL", f"store/sql_{name}", goal),
    ]


ROWS = [
    Row("Empty Flask route, requests/s", "{:,.0f}", ("empty",)),
    *_acknowledged(1),
    ratio("1 record, while draining / empty route", "ack_1/empty", "≥ 0.6"),
    ratio("1 record, drain paused / empty route", "paused_1/empty"),
    *_acknowledged(100),
    *_acknowledged(1000),
    Row("Requests failed, all of these", "{:.0f}", ("failed",), "0"),
    Row("The ancestor's way: stored records/s", "{:,.0f}", ("ancestor",)),
    Row(
        "… not yet stored at the last answer · never stored",
        "{:.0%} · {:.1%}",
        ("ancestor_unsafe", "ancestor_lost"),
    ),
    ratio("100 records, while draining / the ancestor's way", "ack_100/ancestor", "≥ 20"),
    Row("Distinct records sent once: acknowledged/s", "{:,.0f}", ("acknowledged",)),
    Row("… **queryable/s**, first request to last record", "{:,.0f}", ("queryable",), "≥ 324,000"),
    Row(
        "… 1,000 records a request: acknowledged · queryable/s",
        "{:,.0f} · {:,.0f}",
        ("acknowledged_1000", "queryable_1000"),
    ),
    Row("… drained/s once nothing is sent", "{:,.0f}", ("drained_only",)),
    *_bulk("sqlite3", "sqlite3, 5,000 rows a transaction"),
    *_bulk("apsw", "apsw, 5,000 rows a transaction", "≥ 0.7"),
    *_bulk("apsw_20000", "apsw, 20,000 rows a transaction", "≥ 0.7"),
    *_bulk("apsw_many", "apsw, 20,000, 50 rows a statement"),
    Row("Memory idle, MB", "{:.0f}", ("idle",), "≤ 180"),
    Row("Memory, peak under that load · after, MB", "{:.0f} · {:.0f}", ("peak", "after"), "≤ 400"),
    Row("Memory, peak at 1,000 records a request, MB", "{:.0f}", ("ack_1000_peak",), "≤ 400"),
    Row("Disk, bytes a record", "{:.0f}", ("bytes_a_record",)),
    *_queried("newest", "Newest 100"),
    *_queried("level", "Newest 100 errors", "≤ 1.5"),
    *_queried("user", "Newest 100 of one user"),
    *_queried("substring", "A rare substring"),
    Row("Histogram by minute and level, over HTTP, p50 ms", "{:.1f}", ("http_histogram",)),
]


def table(samples: Samples, rows: Sequence[Row] = ROWS) -> str:
    """The Markdown table; rows of which nothing was measured are left out."""
    columns = list(samples)
    lines = [f"| | {' | '.join(columns)} | goal |", f"|---|{'---:|' * len(columns)}---|"]
    for row in rows:
        cells = [row.cell(samples[name]) for name in columns]
        if set(cells) != {"–"}:
            lines.append(f"| {row.text} | {' | '.join(cells)} | {row.goal} |")
    return "\n".join(lines)


def circumstances(command: str, *others: str) -> str:
    """Where, when and how the figures were taken; `others` are versions of what else took part."""
    now = datetime.now(UTC)
    sqlite = f"SQLite {apsw.sqlite_lib_version()} (apsw) and {sqlite3.sqlite_version} (sqlite3)"
    versions = ", ".join([f"Python {platform.python_version()}", sqlite, *others])
    return (
        f"`{command}` on {now:%Y-%m-%d %H:%M} UTC, commit {_commit()}. "
        f"Machine: {os.cpu_count()} cores, {_processor()}, {_memory_gb():.0f} GB, "
        f"{platform.system()} {platform.release()}; {versions}."
    )


def save(file: Path, text: str, name: str = "bench") -> None:
    """Put the text between the file's markers of that name; what stands around them stays."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    old = file.read_text("utf-8") if file.exists() else f"# Benchmarks\n\n{begin}\n{end}\n"
    if begin not in old or end not in old:
        raise SystemExit(f"{file.name} has no lines {begin} and {end}")
    before, after = old.split(begin)[0], old.split(end)[-1]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{before}{begin}\n{text}\n{end}{after}", "utf-8")


def _commit() -> str:
    commit = _git("rev-parse", "--short", "HEAD") or "none yet"
    changed = _git("status", "--porcelain", "--", ".", ":!docs")
    return f"{commit} with changes" if changed else commit


def _git(*arguments: str) -> str:
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
