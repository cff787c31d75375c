"""One server follows another."""

from pathlib import Path

import pytest

from utils.succession import tell_ready


def test_a_worker_serves_even_if_it_cannot_be_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker that fails to boot ends the server; on a full disk that would be the first one."""
    tell_ready(tmp_path / "gone", 1, "127.0.0.1:5000")
    assert "can't be told" in caplog.text
