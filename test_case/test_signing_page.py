"""docs/signing.md: its vectors are right, and its code makes the first one's header."""

import json
import re
import subprocess
import sys
from shutil import which

import pytest
from started import ROOT

from service.signature import check_signature, sign

PAGE = (ROOT / "docs" / "signing.md").read_text("utf-8")
CODE = dict(re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL))
VECTORS = json.loads(CODE["json"])
RUNNERS = {
    "sh": ["bash", "-euc"],
    "js": ["node", "-e"],
    "python": [sys.executable, "-c"],
}


@pytest.mark.parametrize("vector", VECTORS, ids=["plain", "beyond ASCII", "empty"])
def test_the_vectors_are_right(vector: dict[str, object]) -> None:
    secret, body = str(vector["secret"]), str(vector["body"]).encode()
    assert sign(secret, str(vector["t"]), body) == vector["v1"]
    sent = f"t={vector['t']},v1={vector['v1']}"
    assert check_signature(sent, secret, body, float(str(vector["t"]))).value == vector["v1"]


@pytest.mark.parametrize("language", list(RUNNERS))
def test_the_code_makes_the_header_of_the_first_vector(language: str) -> None:
    program = RUNNERS[language][0]
    needed = [program, "openssl"] if language == "sh" else [program]
    if missing := [name for name in needed if which(name) is None]:
        pytest.skip(f"no {missing[0]} here")
    done = subprocess.run(
        [*RUNNERS[language], CODE[language]], capture_output=True, text=True, timeout=30
    )
    assert done.stdout.strip() == expected_header(), done.stderr


def expected_header() -> str:
    return f"X-Redlog-Signature: t={VECTORS[0]['t']},v1={VECTORS[0]['v1']}"


@pytest.mark.parametrize("language", ["kotlin", "swift"])
def test_what_is_not_run_here_signs_the_same_values(language: str) -> None:
    code = CODE[language]
    for value in (VECTORS[0]["secret"], str(VECTORS[0]["t"]), VECTORS[0]["body"]):
        assert value in code
