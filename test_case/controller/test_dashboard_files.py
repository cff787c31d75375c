"""The dashboard's files: what is sent, how, and that what others wrote is as they wrote it."""

import gzip
import json
import re
from hashlib import sha256
from pathlib import Path

import pytest
import requests
from started import ROOT, Server

FOLDER = ROOT / "resource" / "dashboard"
VENDORED = FOLDER / "vendor" / "vendored.txt"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def vendored() -> list[list[str]]:
    lines = VENDORED.read_text("utf-8").splitlines()
    return [line.split() for line in lines if not line.startswith("#")]


def test_what_others_wrote_is_as_it_was_fetched() -> None:
    files = {file: digest for file, _, _, _, digest in vendored()}
    assert files == {file: sha256((ROOT / file).read_bytes()).hexdigest() for file in files}, (
        "change deploy/vendor.sh and run it, rather than a file that it fetches"
    )
    own = {"LICENSES.txt", "vendored.txt"}
    there = {path.name for path in VENDORED.parent.iterdir()} - own
    assert there == {Path(file).name for file in files if "/vendor/" in file}


def test_the_script_that_fetches_names_the_same_versions() -> None:
    script = (ROOT / "deploy" / "vendor.sh").read_text("utf-8")
    table = re.findall(r"^(\S+) +([\d.]+) +\S+ +(\S+)$", script, re.MULTILINE)
    where = {target.replace("$vendor", "resource/dashboard/vendor") for _, _, target in table}
    assert where == {line[0] for line in vendored()}
    assert {(name, version) for name, version, _ in table} == {
        (line[1], line[2]) for line in vendored()
    }
    licences = (VENDORED.parent / "LICENSES.txt").read_text("utf-8")
    assert [name for name, version, _ in table if f"{name} {version}\n" not in licences] == []


def test_every_module_is_small_and_fetched_at_once_but_for_the_pages() -> None:
    own = [path for path in FOLDER.rglob("*.*") if not {"vendor", "text"} & {*path.parts}]
    long = [path for path in own if len(path.read_text("utf-8").splitlines()) > 250]
    assert long == []
    page = (FOLDER / "index.html").read_text("utf-8")
    first = [path for path in FOLDER.rglob("*") if FOLDER / "page" not in path.parents]
    scripts = {path.relative_to(FOLDER).as_posix() for path in first if path.suffix == ".js"}
    assert set(re.findall(r'(?:modulepreload" href|src)="\./(.+?)"', page)) == scripts
    sheets = {path.relative_to(FOLDER).as_posix() for path in first if path.suffix == ".css"}
    assert set(re.findall(r'stylesheet" href="\./(.+?)"', page)) == sheets
    assert not re.search(r"<script>|<style|\son\w+=|style=", page)


def test_what_a_module_imports_is_there() -> None:
    """A browser that misses one name shows nothing at all."""
    own = {path: path.read_text("utf-8") for path in FOLDER.rglob("*.js")}
    missing, seen = [], 0
    for path, code in own.items():
        if "vendor" in path.parts:
            continue
        for names, target in re.findall(r'^import \{([^}]*)\} from "(\..*?)";', code, re.MULTILINE):
            given = own[(path.parent / target).resolve()]
            for name in re.findall(r"(\w+)(?: as \w+)?,?", names):
                seen += 1
                exported = rf"^export (async )?(function|const|let|class) \[?([^=\]]*\b)?{name}\b"
                if "vendor" not in target and not re.search(exported, given, re.MULTILINE):
                    missing.append((path.name, name, target))
    assert seen > 200 and missing == []


def transferred(path: Path) -> int:
    """The bytes of a file as it is sent."""
    content = path.read_bytes()
    return len(content if path.suffix == ".woff2" else gzip.compress(content, 9, mtime=0))


def test_all_of_it_is_150_kb_at_most() -> None:
    kinds = (".html", ".js", ".css", ".svg", ".woff2")
    sent = [transferred(path) for path in FOLDER.rglob("*") if path.suffix in kinds]
    assert len(sent) > 80
    assert sum(sent) <= 150_000


def texts_of(language: str) -> dict[str, str]:
    """The texts of the first screen and of the pages; none has two."""
    files = [FOLDER / "text" / f"{language}.js", FOLDER / "page" / "text" / f"{language}.js"]
    pattern = re.compile(r'^  "([\w.-]+)": ("(?:\\.|[^"])*"),$', re.MULTILINE)
    found = [pair for file in files for pair in pattern.findall(file.read_text("utf-8"))]
    assert len(found) == len(dict(found))
    return dict(found)


def test_both_languages_say_the_same_things() -> None:
    english, chinese = texts_of("en"), texts_of("zh")
    assert list(english) == list(chinese)
    blanks = re.compile(r"\{\w+\}")
    for key, text in english.items():
        assert set(blanks.findall(text)) == set(blanks.findall(chinese[key])), key
        assert json.loads(text) and json.loads(chinese[key])
    code = "".join(
        path.read_text("utf-8")
        for part in ("view", "page")
        for path in (FOLDER / part).glob("*.js")
    )
    assert "innerHTML" not in code
    named = set(re.findall(r'\bt\("([\w.-]+)"', code))
    assert named <= set(english)


@pytest.mark.server
def test_the_page_and_its_files_are_sent_with_a_strict_policy(server: Server) -> None:
    page = requests.get(f"{server.url}/", timeout=60)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    names = re.findall(r'(?:href|src)="(.+?)"', page.text)
    assert len(names) > 30
    types = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    for name in names:
        answer = server.http.get(f"{server.url}/{name}", timeout=60)
        assert answer.status_code == 200, name
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Content-Type"].startswith(types[name.rpartition(".")[2]])
        path = FOLDER / name.removeprefix("dashboard/")
        assert answer.content == path.read_bytes()


@pytest.mark.server
def test_a_browser_that_has_a_file_gets_it_no_second_time(server: Server) -> None:
    for path in ("/", "/dashboard/start.js", "/dashboard/icon.svg"):
        for encoding in ("gzip", "identity"):
            headers = {"Accept-Encoding": encoding}
            first = requests.get(server.url + path, headers=headers, timeout=60)
            assert first.headers["Cache-Control"] == "no-cache"
            assert "Accept-Encoding" in first.headers["Vary"]
            headers["If-None-Match"] = first.headers["ETag"]
            again = requests.get(server.url + path, headers=headers, timeout=60)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["ETag"] == first.headers["ETag"]


@pytest.mark.server
@pytest.mark.parametrize(
    "name",
    [
        *("../levels.yaml", "..%2flevels.yaml", "vendor/../../docs.html", "%2e%2e/docs.html"),
        *("/etc/passwd", "%2fetc/passwd", "vendor", "vendor/", "", "no.js", "start.js%00"),
    ],
)
def test_nothing_else_is_sent(server: Server, name: str) -> None:
    request = requests.Request("GET", server.url).prepare()
    request.url = f"{server.url}/dashboard/{name}"  # as it is: nothing resolved beforehand
    answer = requests.Session().send(request, timeout=60)
    assert answer.status_code in (404, 308), answer.text
    assert answer.status_code == 308 or answer.json()["code"] == "not_found"
