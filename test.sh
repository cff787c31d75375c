#!/usr/bin/env bash
# Sets up everything that the tests need and runs them; `./test.sh --help` explains.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
. deploy/venv.sh

print_help() {
    cat <<'END'
Runs all checks and tests of RedLog.

  ./test.sh                        everything
  ./test.sh test_case/database     one folder; all arguments go to pytest
  ./test.sh -k journal -x          tests named so, up to the first failure

Makes .venv and installs requirements.txt and requirements-dev.txt, then runs ruff, mypy and
pytest. Some tests use real servers and a browser: as root on Debian the missing ones are
installed, elsewhere their tests are skipped. The exit status is 0 when all of it went well.
END
}

# Programs that some tests use, each with the Debian package that brings it.
programs="mariadbd:mariadb-server redis-server:redis-server chromium:chromium chromedriver:chromium-driver wrk:wrk nginx:nginx-light"

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

# Everything runs, whatever fails, and pytest's summary comes last.
failed=0
.venv/bin/python -m ruff check || failed=1
.venv/bin/python -m ruff format --check || failed=1
.venv/bin/python -m mypy || failed=1
SE_OFFLINE=true .venv/bin/python -m pytest "$@" || failed=1
exit $failed
