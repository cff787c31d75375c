"""What scrubbing costs a record: switched off, nothing found, and with secrets in some records.

    python bench/scrub.py [RECORDS]

Reports of 100 records in one process; the ratio is to validating the same reports, measured right
before each.
"""

import sys
import time
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bodies import records
from service.batch import Batch, decode_batch
from service.scrub import scrub
from service.scrub_rules import RULES
from utils.app_settings import Scrubbing, ScrubRule

SIZE, ROUNDS = 100, 5
BUILT_IN = Scrubbing(builtin=list(RULES))
OWN_FIELD = Scrubbing(builtin=list(RULES), rules=[ScrubRule(fields=["attributes.user.card"])])
OWN_PATTERN = Scrubbing(builtin=list(RULES), rules=[ScrubRule(pattern="MRN-[0-9]+")])


def reports(total: int, every: int) -> list[bytes]:
    """Bodies of the benchmarks' records; one record in `every` names somebody (0: none)."""
    made = (
        record.replace('"message":"', '"message":"ada@example.com ', 1)
        if every and number % every == 0
        else record
        for number, record in enumerate(records(total))
    )
    return [f"[{','.join(islice(made, SIZE))}]".encode() for _ in range(total // SIZE)]


def best(work: Callable[[], object], total: int) -> float:
    """The fewest µs a record of some rounds."""

    def once() -> float:
        begun = time.perf_counter()
        work()
        return time.perf_counter() - begun

    return min(once() for _ in range(ROUNDS)) / total * 1e6


def scrub_all(batches: Iterable[Batch], scrubbing: Scrubbing) -> None:
    """Scrub them as the ingest path does."""
    for batch in batches:
        if scrubbing.is_on:
            scrub(batch, scrubbing)


def main(total: int) -> None:
    """Print a row for each case."""
    print(f"{'':44}validating  scrubbing, µs a record  ratio")
    for name, every, scrubbing in (
        ("off", 0, Scrubbing()),
        ("built-in rules, nothing to find", 0, BUILT_IN),
        ("built-in rules, 1 record in 1000 to mask", 1000, BUILT_IN),
        ("built-in rules, 1 record in 100 to mask", 100, BUILT_IN),
        ("built-in rules, 1 record in 10 to mask", 10, BUILT_IN),
        ("built-in rules, every record to mask", 1, BUILT_IN),
        ("and an own field, which no record has", 0, OWN_FIELD),
        ("and an own pattern for all texts", 0, OWN_PATTERN),
    ):
        bodies = reports(total, every)
        batches = [decode_batch(body, False, SIZE) for body in bodies]
        validating = best(lambda: [decode_batch(body, False, SIZE) for body in bodies], total)  # noqa: B023
        scrubbing_ = best(lambda: scrub_all(batches, scrubbing), total)  # noqa: B023
        ratio = scrubbing_ / validating
        print(f"{name:44}{validating:10.2f}{scrubbing_:24.2f}{ratio:7.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
