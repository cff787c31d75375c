#!/usr/bin/env bash
# Sets up everything that the tests need and runs them; `./test.sh --help` explains.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
. deploy/venv.sh

print_help() {
    cat <<'END'
Runs all checks and tests of RedLog.

  ./test.sh                        everything, but for the last two
  ./test.sh test_case/database     one folder; all arguments go to pytest
  ./test.sh -k journal -x          tests named so, up to the first failure
  ./test.sh --clients              instead: the clients of others for JavaScript, from npm, and
                                   syslog-ng, against real servers; arguments go to pytest
  ./test.sh --security             instead: known holes in the packages (pip-audit), careless code
                                   (bandit), the API asked far more than by the tests
                                   (schemathesis), damaged bodies for FUZZ_SECONDS [180] (atheris)

Makes .venv and installs requirements.txt and requirements-dev.txt, then runs ruff, mypy and
pytest. Some tests use real servers and a browser: as root on Debian the missing ones are
installed, elsewhere their tests are skipped. The exit status is 0 when all of it went well, and 2
when --security found nothing but could not check everything: its last line then says what.
END
}

# Programs that some tests use, each with the Debian package that brings it.
programs="mariadbd:mariadb-server redis-server:redis-server chromium:chromium chromedriver:chromium-driver wrk:wrk nginx:nginx-light node:nodejs"
if [[ ${1:-} == --clients ]]; then programs+=" npm:npm syslog-ng:syslog-ng-mod-http"; fi

missing_programs() {
    local program
    for program in $programs; do
        PATH=$PATH:/usr/sbin command -v "${program%:*}" >/dev/null || echo "$program"
    done
}

# Installs what is missing, without starting the services that come with it.
install_programs() (
    policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod +x $policy
    fi
    apt-get update -qq </dev/null >/dev/null || true # an old list may do
    for program in $(missing_programs); do
        say "installing ${program#*:}"
        DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "${program#*:}" </dev/null >/dev/null || true
    done
)

# Packages of npm: just those that package-lock.json names, without running any script of theirs.
install_clients() (
    log=$PWD/.venv/npm.log
    cd test_case/clients
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        return # said already
    fi
    if ! cmp -s package-lock.json node_modules/lock; then
        say "installing the clients for JavaScript (only when they have changed; this may take a minute)"
        npm ci --ignore-scripts --no-audit --no-fund </dev/null >"$log" 2>&1 ||
            fail "npm can't install them: $(tail -n 1 "$log") ($log says more)"
        cp package-lock.json node_modules/lock
    fi
)

unchecked=""

# Fails for a known hole. What PyPI tells nothing about (it does not answer, or is a mirror without
# the list of holes) is not clean but unchecked.
audit_packages() {
    local report=.venv/pip-audit.json known unknown
    rm -f $report
    .venv/bin/python -m pip_audit --progress-spinner off --format json --output $report >.venv/pip-audit.log 2>&1 || true
    known=$(grep -os '"vulns"' $report | wc -l) unknown=$(grep -os '"skip_reason"' $report | wc -l)
    if ((known == 0 || unknown > 0)); then
        unchecked="the packages: PyPI tells of $known and not of ${unknown/#0/any} (.venv/pip-audit.json, pip-audit.log)"
    fi
    if grep -qs '"vulns": \[{' $report; then
        .venv/bin/python -m pip_audit --progress-spinner off
    elif ((known > 0)); then
        say "pip-audit: no known hole in $known packages"
    fi
}

fuzz() {
    if ! pip_install 'atheris>=3,<4'; then
        unchecked+="${unchecked:+; }damaged bodies: atheris can't be installed here (.venv/pip.log says why)"
        return
    fi
    .venv/bin/python fuzz/body.py "${FUZZ_SECONDS:-180}"
}

check_security() {
    local failed=0
    audit_packages || failed=1
    .venv/bin/python -m bandit --quiet --recursive --configfile pyproject.toml . && say "bandit: nothing" || failed=1
    API_EXAMPLES=500 .venv/bin/python -m pytest test_case/controller/test_api.py || failed=1
    fuzz || failed=1
    if [[ $unchecked ]]; then
        say "NOT CHECKED: $unchecked"
        if ((failed == 0)); then failed=2; fi
    fi
    return $failed
}

if [[ ${1:-} == -h || ${1:-} == --help ]]; then
    print_help
    exit
fi

if [[ $EUID == 0 && -n $(missing_programs) ]] && command -v apt-get >/dev/null; then install_programs; fi
for program in $(missing_programs); do
    say "no ${program%:*} here, so its tests are skipped (Debian, Ubuntu: sudo apt install ${program#*:})"
done

prepare_venv requirements.txt
prepare_venv requirements-dev.txt

if [[ ${1:-} == --security ]]; then
    check_security
    exit
fi

# Tests wait for their servers more than they compute, so a few modules run side by side.
run_tests() { SE_OFFLINE=true .venv/bin/python -m pytest "$@"; }
side_by_side=(--numprocesses 3 --dist loadscope)

if [[ ${1:-} == --clients ]]; then
    shift
    install_clients
    run_tests test_case/clients "${side_by_side[@]}" "$@"
    exit
fi

# Everything runs, whatever fails, and pytest's summary comes last.
failed=0
.venv/bin/python -m ruff check || failed=1
.venv/bin/python -m ruff format --check || failed=1
.venv/bin/python -m mypy || failed=1
if [[ $# == 0 ]]; then set -- "${side_by_side[@]}"; fi
run_tests "$@" || failed=1
exit $failed
