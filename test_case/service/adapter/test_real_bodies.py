"""What real clients sent, as records of ours (test_case/clients/record.py says how it was made)."""

import json
from pathlib import Path

import pytest
from real_bodies import FOLDER, Body, records_of

FILES = sorted(FOLDER.glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_a_real_body_becomes_the_records_that_it_did(file: Path) -> None:
    made = []
    for expected in json.loads(file.read_text("utf-8")):
        records = expected.pop("records")
        assert records_of(Body(**expected)) == records
        made += records
    assert any("almost out of 茶" in record["message"] for record in made)
    assert all("time" in record for record in made)
