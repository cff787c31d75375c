"""What the measurements share: how much is measured, and with which prepared bodies."""

from dataclasses import dataclass
from pathlib import Path

from bodies import Bodies, write_bodies

Figures = dict[str, float]
PATH = "/api/v1/logs"
SIZES = (1, 100, 1000)  # records a request
ROTATED = 200_000  # distinct records in a rotation


@dataclass(frozen=True)
class Plan:
    """Lengths, numbers and bodies of a run."""

    seconds: int
    rotated: dict[int, Bodies]  # by records a request
    distinct: dict[int, Bodies]  # for what is sent exactly once
    query_records: int


def prepare(directory: Path, seconds: int, records: int, query_records: int, slices: int) -> Plan:
    """Write all bodies that the measurements need."""
    rotated = {
        size: write_bodies(directory / f"rotated-{size}", size, ROTATED // size, slices)
        for size in SIZES
    }
    distinct = {
        size: write_bodies(directory / f"distinct-{size}", size, count // size, slices)
        for size, count in ((100, max(records, query_records)), (1000, records))
    }
    return Plan(seconds, rotated, distinct, query_records)
