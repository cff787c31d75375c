"""The counters for Prometheus, where the disk is full."""

import subprocess
import sys
from pathlib import Path

import pytest
from disk import fill, small_disk
from started import ROOT

FULL = """
import os, sys
from pathlib import Path
from utils.metrics import Metrics

disk = Path(sys.argv[1])
metrics = Metrics(disk)
metrics.count_answer("/lost", 202)
if os.fork() == 0:  # as a worker
    metrics.count_answer("/lost", 202)
    (disk / "ballast").unlink()
    metrics.count_answer("/kept", 202)
    metrics.count_records({(1, 0, "stored"): 5})
    with (disk / "ballast").open("ab", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    for number in range(1000):
        metrics.count_answer(f"/{number}", 202)
    print(metrics.render({}))
    sys.exit(0)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def test_counting_on_a_full_disk_ends_no_process(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4) as missing:
        if missing:
            pytest.skip(missing)
        disk = tmp_path / "disk"
        (disk / "run" / "metrics").mkdir(parents=True)
        fill(disk / "ballast", 0)
        done = subprocess.run(
            [sys.executable, "-c", FULL, str(disk)],
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    assert "/lost" not in done.stdout
    assert 'redlog_records_total{app="1",outcome="stored"} 5.0' in told
    assert sum(line.startswith("redlog_http_requests_total{") for line in told) == 1 + 1000
