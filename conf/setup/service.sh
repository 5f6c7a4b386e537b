# shellcheck shell=bash disable=SC2154
# Units and workers of a version, and their health. conf/setup.sh reads this file.

# Writes a file of a version with the names and paths of this machine.
render() {
    local group
    group=$(id -gn "$RUN_USER")
    sed -e "s|/srv/website|$WEBSITE|g" -e "s|/var/lib/streaming-system|$STATE|g" \
        -e "s|/var/backups/streaming|$BACKUPS|g" -e "s|/var/log/streaming-system|$LOGS|g" \
        -e "s|^User=streaming\$|User=$RUN_USER|" -e "s|^Group=streaming\$|Group=$group|" \
        -e "s| streaming streaming | $RUN_USER $group |" "$1" >"$2"
    chmod 644 "$2"
}

UNITS="streaming-frontend@.service streaming-tracker@.service streaming-schedule.service
    streaming-follow.service streaming-watch.service streaming-prune.service streaming-preview.service
    streaming-backup.service streaming-prune.timer streaming-backup.timer"

# Units, temporary files, log rotation of a version.
configure() {
    local conf=$WEBSITE/$1/conf unit
    install -d "$ETC"/{systemd/system,tmpfiles.d,logrotate.d}
    for unit in $UNITS; do render "$conf/$unit" "$ETC/systemd/system/$unit"; done
    render "$conf/tmpfiles.conf" "$ETC/tmpfiles.d/streaming-system.conf"
    render "$conf/logrotate.conf" "$ETC/logrotate.d/streaming-system"
    service daemon-reload
}

workers() {
    local port
    for port in $FRONTENDS; do echo "streaming-frontend@$port"; done
    for port in $TRACKERS; do echo "streaming-tracker@$port"; done
}

# A host whose ini says schedule.follow keeps the schedule of another one. Without pages, none is needed.
importer() {
    if grep -qE '^schedule\.follow *=' "$WEBSITE/$1/production.ini"; then
        echo streaming-follow
    elif [ -n "$FRONTENDS" ]; then
        echo streaming-schedule
    fi
}

# What runs beside the workers.
others() { importer "$1"; [ -z "$TRACKERS" ] || echo streaming-watch; }
timers() { [ -z "$TRACKERS" ] || echo streaming-prune.timer; }

# Which revision of the database a version asks for.
revision() {
    sed -n 's/^REVISION = "\(.*\)"/\1/p' "$WEBSITE/$1/src/streaming_system/tracker/db/readiness.py"
}

# Prints the body of a response, and its status in the last line: a full disk has no place for a file.
get() { curl --silent --max-time 5 --write-out '\n%{http_code}' "http://127.0.0.1:$1$2" || true; }

# Whether a worker can do its work: it is ready, and answers what it is there for. A database that a later
# version has brought on is known here, and not to a version that we go back to: it bears both.
healthy() {
    local worker=$1 version=$2 port=${1#*@} ready=/readyz page=/ response status
    [[ $worker != *tracker* ]] || { ready=/tracker/readyz page=/tracker/streams.json; }
    response=$(get "$port" "$ready")
    status=${response##*$'\n'}
    reason=${response%$'\n'*}
    reason=${reason:0:300}
    if [ "$status" = 503 ] && newer "$version" "$reason"; then status=200; fi
    if [ "$status" = 200 ]; then
        response=$(get "$port" "$page" | tail -n 1)
        status=$response
        reason="$page is answered with $status"
    fi
    [ "$status" = 200 ]
}

newer() {
    local found other
    [[ $2 =~ the\ database\ is\ at\ revision\ ([0-9a-f]+), ]] || return 1
    found=${BASH_REMATCH[1]}
    for other in $(versions); do
        # Names of versions do not sort by time, their ends do.
        if [[ ${other: -15} > ${1: -15} ]] && [ "$(revision "$other")" = "$found" ]; then return; fi
    done
    return 1
}

# Restarts one worker and waits until it is ready, or says why not.
restart() {
    local worker=$1 version=$2 end=$((SECONDS + HEALTH_SECONDS))
    reason="it does not answer"
    service enable "$worker" >/dev/null 2>&1 || true
    service restart "$worker" || { reason="it cannot be started"; return 1; }
    until healthy "$worker" "$version"; do
        # A fault of the program does not go away.
        [[ $reason != *"is answered with 500" ]] || return 1
        if ! service is-active "$worker" >/dev/null; then
            reason="it has ended; journalctl -u $worker says why"
            return 1
        fi
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.3
    done
    say "$worker is ready with $version"
}

# Until nginx asks the worker again that was away, the next one of the same app is its only one.
settle() { if [ -n "$before" ] && [ "${1%@*}" = "${2%@*}" ]; then sleep "$SETTLE"; fi; }

# Puts a version before viewers, worker by worker: nginx always has another one to ask.
activate() {
    local version=$1 worker other last=
    configure "$version"
    switch "$version"
    for worker in $(workers); do
        settle "$last" "$worker"
        last=$worker
        touched+=("$worker")
        restart "$worker" "$version" || { say "$worker is not ready with $version: $reason"; return 1; }
    done
    touched+=(others)
    for other in $(others "$version") $(timers); do service enable --now "$other" >/dev/null 2>&1; done
    for other in $(others "$version"); do service restart "$other"; done
}

# What runs at the end of each run, however it ends: a build that is not whole is removed, and of a version
# that has not got ready after "current" was switched nothing stays in service. The last line of a failure
# says what is in service.
at_end() {
    local status=$?
    trap - EXIT INT TERM HUP
    set +e
    [ -z "$building" ] || rm -rf "${WEBSITE:?}/$building"
    if [ -n "$switched" ]; then take_back; status=1; fi
    [ "$status" = 0 ] || in_service
    exit "$status"
}

in_service() {
    if [ ! -L "$WEBSITE/current" ]; then
        say "Failed: nothing is in service in $WEBSITE"
    elif [ "$lost" = 1 ]; then
        say "Failed: $(current) is current, and some of its workers are not ready: see above"
    else
        say "Failed: $(current) stays in service"
    fi
}

take_back() {
    local worker other last=
    if [ -z "$before" ]; then
        rm -f "$WEBSITE/current"
        say "$switched has failed, and there is no version to go back to"
        return
    fi
    say "$switched has failed: going back to $before; $WEBSITE/$switched is left to be looked at"
    configure "$before"
    switch "$before"
    for worker in "${touched[@]}"; do
        settle "$last" "$worker"
        last=$worker
        if [ "$worker" = others ]; then
            for other in $(others "$before"); do service restart "$other"; done
        elif ! restart "$worker" "$before"; then
            lost=1
            say "$worker is not ready with $before either: $reason"
        fi
    done
}
