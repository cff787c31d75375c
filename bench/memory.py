"""Does memory stay flat? Minutes of load, and the memory of all processes every ten seconds."""

import shutil
import tempfile
from pathlib import Path

import click

from bodies import write_bodies
from load import CONNECTIONS, press, require_wrk
from server import WORKER_CLASSES, PeakMemory, redlog

EVERY_SECONDS = 10
WRK_THREADS = 2
DISTINCT = 200_000
MAX_BACKLOG = 2**30  # the default: beyond it requests are refused, and the load goes on


@click.command(help=__doc__)
@click.option("--minutes", default=10.0, show_default=True)
@click.option("--worker-class", default="gthread", type=click.Choice(list(WORKER_CLASSES)))
@click.option("--size", default=100, show_default=True, help="Records in a request.")
@click.option("--rate", default=0, help="At most about so many records a second; 0: full speed.")
@click.option("--min-free-gb", default=15, show_default=True, help="End when less disk is free.")
def main(minutes: float, worker_class: str, size: int, rate: int, min_free_gb: int) -> None:
    """Load a server; print its memory as it goes, then at the start, in the middle, at the end."""
    require_wrk()
    delay_ms = CONNECTIONS * size * 1000 // rate if rate else 0
    peaks: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="redlog-bench-") as directory,
        redlog(worker_class, JOURNAL__MAX_BYTES=str(MAX_BACKLOG)) as server,
    ):
        bodies = write_bodies(Path(directory) / "bodies", size, DISTINCT // size, WRK_THREADS)
        print(f"{worker_class}, idle: {server.memory():.0f} MB")
        for n in range(round(minutes * 60 / EVERY_SECONDS)):
            if shutil.disk_usage(server.data).free < min_free_gb * 1e9:
                print(f"less than {min_free_gb} GB of disk are free: ended early")
                break
            with PeakMemory(server) as peak:
                load = press(
                    server.report_url,
                    bodies,
                    EVERY_SECONDS,
                    server.report_headers,
                    delay_ms=delay_ms,
                )
            peaks.append(peak.value)
            print(
                f"{(n + 1) * EVERY_SECONDS:5} s  {peak.value:6.0f} MB  "
                f"{load.rate * size:9,.0f} acknowledged/s  {load.failed:6} refused  "
                f"{server.stored():12,} stored",
                flush=True,
            )
    if peaks:
        middle = peaks[len(peaks) // 2]
        print(f"start {peaks[0]:.0f} MB, middle {middle:.0f} MB, end {peaks[-1]:.0f} MB")


if __name__ == "__main__":
    main()
