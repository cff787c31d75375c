# shellcheck shell=bash
# Sourced by start.sh and test.sh in the project's folder: makes .venv and keeps its packages in
# step with the requirement files. Everything it says goes to stderr.

say() { echo "redlog: $*" >&2; }

fail() {
    say "$@"
    exit 1
}

# Brings .venv in step with one requirement file. Of two at once, the second waits for the first.
prepare_venv() {
    up_to_date "$1" || (
        if command -v flock >/dev/null; then flock 9; fi
        up_to_date "$1" || update "$1"
    ) 9<requirements.txt
}

up_to_date() {
    [[ ! -e .venv/unfinished && -e .venv/$1.stamp ]] &&
        [[ $(<".venv/$1.stamp") == "$(fingerprint "$1" 2>/dev/null)" ]] &&
        ! { [[ -e .venv/no-compiler ]] && has_compiler; }
}

# What the installed packages follow from: the Python and the requirements.
fingerprint() {
    .venv/bin/python --version
    sha256sum "$1" 2>/dev/null || shasum -a 256 "$1"
}

# `unfinished` stands while packages are being written: what an interruption leaves is not mended
# (pip takes a half-written package for an installed one) but made anew.
update() {
    usable || make_venv
    touch .venv/unfinished 2>/dev/null || fail "$PWD/.venv can't be written"
    say "installing $1 into .venv (only when it has changed; this may take a minute)"
    if ! pip_install -r "$1"; then
        grep -q "^Installing collected" .venv/pip.log || rm .venv/unfinished
        tail -n 10 .venv/pip.log >&2
        fail "$1 could not be installed; pip's words are above and in $PWD/.venv/pip.log"
    fi
    if [[ $1 == requirements.txt ]]; then add_meinheld; fi
    fingerprint "$1" >".venv/$1.stamp"
    rm .venv/unfinished
}

usable() { [[ ! -e .venv/unfinished ]] && new_enough .venv/bin/python && .venv/bin/python -c 'import pip'; } 2>/dev/null

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; } 2>/dev/null

make_venv() {
    local python
    if [[ -e .venv ]]; then # one step takes it away, so that no half of it is ever taken for a whole
        rm -rf .venv.old
        mv .venv .venv.old
        rm -rf .venv.old
    fi
    python=$(find_python) || exit 1
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python lacks its venv module; install it (Debian, Ubuntu: apt install python3-venv)"
    { mkdir .venv && touch .venv/unfinished; } 2>/dev/null || fail "$PWD can't be written, so .venv can't be made"
    say "making .venv with $("$python" --version)"
    "$python" -m venv .venv >.venv/pip.log 2>&1 ||
        fail "$python -m venv failed: $(tail -n 1 .venv/pip.log) (venv missing? Debian, Ubuntu: apt install python3-venv)"
}

# Prints the name of a Python that is new enough: $PYTHON, or the first one found.
find_python() {
    local name names=(python3 python3.14 python3.13 python3.12 python3.11 python3.10) found
    if [[ -n ${PYTHON:-} ]]; then names=("$PYTHON"); fi
    for name in "${names[@]}"; do
        if new_enough "$name"; then
            echo "$name"
            return
        fi
    done
    found=$("${names[0]}" --version 2>/dev/null) || found="not there"
    fail "Python 3.10 or newer is needed (${names[0]} is $found); install one (Debian, Ubuntu:" \
        "apt install python3 python3-venv) or name one: PYTHON=/path/to/python3"
}

pip_install() {
    .venv/bin/python -m pip install --no-input --disable-pip-version-check "$@" >.venv/pip.log 2>&1
}

has_compiler() { command -v cc || command -v gcc; } >/dev/null

# The optional worker class. Its pin on a greenlet of 2017 is why --no-deps: ours does,
# as utils/paced.py keeps meinheld from switching greenlets.
# Tried again only when requirements.txt changes or a compiler has appeared.
add_meinheld() {
    local why="the gthread worker does everything"
    rm -f .venv/no-compiler
    if ! has_compiler; then
        touch .venv/no-compiler
        say "meinheld is left out: no C compiler (Debian, Ubuntu: apt install gcc python3-dev); $why"
    elif ! build_meinheld || ! .venv/bin/python -c 'import meinheld' 2>/dev/null; then
        say "meinheld is left out: it can't be built here (.venv/pip.log says why); $why"
    fi
}

# Built from its sources, which deploy/mend_meinheld.py mends first.
build_meinheld() {
    local source=.venv/meinheld
    rm -rf $source
    .venv/bin/python -m pip download --no-input --disable-pip-version-check --no-deps \
        --no-binary meinheld --dest $source meinheld==1.0.2 >.venv/pip.log 2>&1 &&
        tar -xzf $source/meinheld-1.0.2.tar.gz -C $source --strip-components 1 &&
        .venv/bin/python deploy/mend_meinheld.py $source >>.venv/pip.log 2>&1 &&
        pip_install --no-deps --force-reinstall ./$source &&
        rm -rf $source
}
