#!/usr/bin/env bash
# Starts and stops RedLog; `./start.sh --help` explains.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
. deploy/venv.sh

data=${REDLOG_DATA_DIR:-data}
log=$data/log/redlog.log
welcome=$data/run/welcome

print_help() {
    cat <<'END'
RedLog receives the logs of apps and web pages and lets you search them.

  ./start.sh                start it here; Ctrl-C stops it
  ./start.sh -d             start it in the background
  ./start.sh status         is it running? (exit status 0: yes, 3: no)
  ./start.sh stop           stop it; what it has acknowledged is kept
  ./start.sh restart        replace it by a new one in the background; its port stays open

The first start makes .venv, installs what RedLog needs and creates the data folder. Every start
prints the address; the first one also prints a key to report with and a line to try it.

Options, to be given after -d or restart if there is one:
  --host ADDRESS            where to listen: 127.0.0.1 unless said otherwise, 0.0.0.0 for everybody
  --port NUMBER             5000 unless said otherwise
  --workers NUMBER          how many processes answer
  --profile NAME            a profile of setting.yaml, such as prod
  --accesslog FILE          log every request there
  --errorlog FILE           the server's own log
  -- ...                    whatever follows goes to gunicorn as it is

Settings stand in setting.yaml; the environment overrides them: REDLOG_SERVER__PORT=8000.
  REDLOG_DATA_DIR           where everything is kept: ./data unless said otherwise
  REDLOG_STOP_WAIT          how many seconds `stop` waits: 60 unless said otherwise
  PYTHON                    the Python (3.10 or newer) that .venv is made with

In the background its log is in log/redlog.log in the data folder.
END
}

# Prints the pid of the running server; fails when there is none.
running_pid() {
    local pid
    pid=$(cat "$data/redlog.pid" 2>/dev/null) && is_ours "$pid" && echo "$pid"
}

# Whether this process is a RedLog server: the pid in a file left behind may be anybody's by now.
is_ours() {
    local command
    [[ $1 =~ ^[0-9]+$ ]] || return 1
    command=$({ tr '\0' ' ' <"/proc/$1/cmdline" || ps -p "$1" -o args=; } 2>/dev/null) || return 1
    [[ $command == *manage.py*gunicorn-server* || $command == "gunicorn: master [redlog]"* ]]
}

start_in_background() {
    local pid before i
    umask 077
    { mkdir -p "$data/run" "$data/log" && : >>"$log" && exec 9<"$data"; } 2>/dev/null ||
        fail "the data directory $data can't be written; REDLOG_DATA_DIR names another"
    if command -v flock >/dev/null; then flock 9; fi
    if pid=$(running_pid); then
        echo "already running (pid $pid)"
        return
    fi
    before=$(wc -c <"$log")
    trap 'rm -f "$welcome"' EXIT # it may hold a key
    rm -f "$welcome"
    "$(command -v setsid || command -v nohup)" .venv/bin/python manage.py gunicorn-server "$@" </dev/null >"$welcome" 2>>"$log" 9<&- &
    pid=$!
    for ((i = 0; i < 300; i++)); do
        if ! kill -0 "$pid" 2>/dev/null; then
            tail -c "+$((before + 1))" "$log" | tail -n 20 >&2
            fail "it did not start; the lines above are the end of $log"
        elif [[ -s $welcome && -z $(tail -c 1 "$welcome") ]]; then
            cat "$welcome"
            echo "It runs in the background (pid $pid), its log is $log; ./start.sh stop stops it."
            running_pid >/dev/null || say "its data directory is not $data: give stop and status its REDLOG_DATA_DIR"
            return
        fi
        sleep 0.1
    done
    fail "it is still starting after 30 s (pid $pid); $log tells more"
}

stop() {
    local pid wait=${REDLOG_STOP_WAIT:-60} i
    pid=$(running_pid) || {
        echo "not running"
        return
    }
    kill "$pid"
    for ((i = 0; i < wait * 10; i++)); do
        is_ours "$pid" || {
            echo "stopped (pid $pid)"
            return
        }
        sleep 0.1
    done
    fail "it still runs after $wait s (pid $pid); wait, or end it with: kill -9 $pid"
}

# The new server follows the old one without closing the port, unless it is to listen elsewhere.
restart() {
    local result=3
    if running_pid >/dev/null; then
        .venv/bin/python manage.py gunicorn-server --replace "$@" && return || result=$?
    fi
    ((result == 3)) || exit "$result"
    stop
    start_in_background "$@"
}

status() {
    local pid
    pid=$(running_pid) || {
        echo "not running"
        exit 3
    }
    echo "running (pid $pid)"
}

case ${1:-} in
-h | --help) print_help ;;
status) status ;;
stop) stop ;;
-d)
    prepare_venv requirements.txt
    start_in_background "${@:2}"
    ;;
restart)
    prepare_venv requirements.txt
    restart "${@:2}"
    ;;
*)
    prepare_venv requirements.txt
    exec .venv/bin/python manage.py gunicorn-server "$@"
    ;;
esac
