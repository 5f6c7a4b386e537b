#!/usr/bin/env bash
# Puts the checkout that it lies in into service on a Debian machine, as root: docs/deploying.md.
#   conf/setup.sh            deploys it into a folder of its own, without dropping a request
#   conf/setup.sh rollback   goes back to the version that ran before
# A version whose workers do not get ready is taken back by itself.
set -euo pipefail

# All of these can be set from outside.
: "${WEBSITE:=/srv/website}"                 # versions, "current", config.private.json
: "${STATE:=/var/lib/streaming-system}"      # what the programs write
: "${LOGS:=/var/log/streaming-system}"       # setup.log: what has been done here
: "${ETC:=/etc}"                             # of systemd, tmpfiles, logrotate and nginx
: "${DEPLOY_USER:=website}"                  # owns the code, runs nothing for viewers
: "${RUN_USER:=streaming}"                   # runs all, owns nothing but STATE
: "${FRONTENDS=8101 8102}"                   # one worker a port, as conf/nginx.conf lists them;
: "${TRACKERS=8201 8202}"                    # "" for none of them on this machine
: "${KEEP:=5}"                               # how many versions stay
: "${HEALTH_SECONDS:=60}"                    # how long a worker may take to get ready
: "${SETTLE:=4}"                              # seconds until nginx asks a worker again that was away:
                                             # its fail_timeout, and two because it counts whole ones
: "${PYTHON:=python3}"
: "${PACKAGES=git curl python3 python3-venv nginx logrotate${TRACKERS:+ postgresql}}"
: "${SYSTEMCTL:=systemctl}"                  # whatever takes restart NAME and is-active NAME
: "${EXTRAS:=}"                               # "yes": the packages for Sentry and OpenTelemetry, too
: "${VENV_FROM:=}"                           # take packages from this virtualenv, install none

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
me=$(id -un)

die() { echo "conf/setup.sh: $*" >&2; exit 1; }
say() { printf '%(%H:%M:%S)T %s\n' -1 "$*"; printf '%(%FT%T%z)T %s\n' -1 "$*" >>"$LOGS/setup.log"; }
# The lock is for this script; what it starts must not keep it.
as() { if [ "$1" = "$me" ]; then "${@:2}"; else runuser -u "$1" -- "${@:2}"; fi 9>&-; }
service() { $SYSTEMCTL "$@" 9>&-; }
current() { basename "$(readlink "$WEBSITE/current")"; }
switch() { ln -sfn "$1" "$WEBSITE/.current" && mv -T "$WEBSITE/.current" "$WEBSITE/current"; }

# -- the machine ------------------------------------------------------------------------------

machine() {
    if [ -n "$PACKAGES" ] && ! dpkg-query -W $PACKAGES >/dev/null 2>&1; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $PACKAGES
    fi
    local user
    for user in "$DEPLOY_USER" "$RUN_USER"; do
        id "$user" >/dev/null 2>&1 ||
            useradd --system --home-dir "$WEBSITE" --shell /usr/sbin/nologin "$user"
    done
    install -d "$LOGS"
    install -d -o "$DEPLOY_USER" -g "$(id -gn "$DEPLOY_USER")" "$WEBSITE"
    install -d -m 750 -o "$RUN_USER" -g "$(id -gn "$RUN_USER")" \
        "$STATE" "$STATE"/{previews,endpoint-logs}
}

private() {
    local file=$WEBSITE/config.private.json
    [ -f "$file" ] ||
        die "$file is missing; copy config.private.json.example there and make it yours"
    # The secret is for the services, not for everybody who has an account here.
    [ "$me" != root ] || chown "root:$(id -gn "$RUN_USER")" "$file"
    chmod 640 "$file"
}

# -- a version --------------------------------------------------------------------------------

# Copies what git tracks, as it lies there, and builds its virtualenv.
build() {
    local folder=$WEBSITE/$1 git=(git -c "safe.directory=$source" -C "$source")
    as "$DEPLOY_USER" mkdir "$folder"
    "${git[@]}" ls-files -z | tar -C "$source" --null -T - -cf - --owner=0 --group=0 |
        as "$DEPLOY_USER" tar -C "$folder" --no-same-owner -xf -
    "${git[@]}" describe --always --dirty --abbrev=12 --exclude='*' |
        as "$DEPLOY_USER" tee "$folder/src/streaming_system/commit.txt" >/dev/null
    as "$DEPLOY_USER" ln -sfn "$STATE" "$folder/var"
    link_own "$folder"
    cd "$folder"
    if [ -n "$VENV_FROM" ]; then reuse; else install_locked; fi
    [ ! -e "$WEBSITE/requirements.txt" ] || install_own "$folder"
}

# Links all that is this event's: themes, catalogues and feeds lie where the configuration names them.
link_own() {
    local folder=$1 path name
    for path in "$WEBSITE"/*; do
        name=${path##*/}
        case $name in
            config.json | config.private.json | production.ini | brand | plugins)
                as "$DEPLOY_USER" rm -rf "${folder:?}/$name" ;;
            current | *-????????-??????) continue ;;
            # The program's own files stay.
            *) [ ! -e "$folder/$name" ] || continue ;;
        esac
        as "$DEPLOY_USER" ln -sfn "../$name" "$folder/$name"
    done
}

# Installs the plugins that the event's requirements.txt names. They change no package of ours. Paths
# in it are relative to it.
install_own() {
    local folder=$1
    local pip=("${VENV_FROM:-$folder/.venv}/bin/python" -m pip --disable-pip-version-check --quiet
        --python "$folder/.venv/bin/python")
    as "$DEPLOY_USER" "${pip[@]}" list --format=freeze --exclude-editable |
        as "$DEPLOY_USER" tee "$folder/.constraints" >/dev/null
    cd "$WEBSITE"
    as "$DEPLOY_USER" "${pip[@]}" install --no-cache-dir -r requirements.txt -c "$folder/.constraints"
    cd "$folder"
}

install_locked() {
    local pip=(.venv/bin/python -m pip --disable-pip-version-check --quiet --no-cache-dir)
    as "$DEPLOY_USER" "$PYTHON" -m venv .venv
    as "$DEPLOY_USER" "${pip[@]}" install --require-hashes -r requirements.txt
    [ -z "$EXTRAS" ] ||
        as "$DEPLOY_USER" "${pip[@]}" install --require-hashes -r requirements-extras.txt
    as "$DEPLOY_USER" "${pip[@]}" install --no-deps --no-build-isolation .
}

# A virtualenv that has this version's code before all that another one has.
reuse() {
    local script site
    site=$("$VENV_FROM/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    "$VENV_FROM/bin/python" -m venv --without-pip .venv
    printf '%s\n' "$PWD/src" "$site" >"$(echo .venv/lib/python*/site-packages)/reused.pth"
    ln -s ../../parsers src/streaming_system/parsers
    for script in pserve streaming-system alembic; do
        sed "1s|.*|#!$PWD/.venv/bin/python|" "$VENV_FROM/bin/$script" >".venv/bin/$script"
        chmod 755 ".venv/bin/$script"
    done
}

# A database of this machine, for our own user, is made if it is not there.
database() {
    local url name=
    url=$(as "$RUN_USER" .venv/bin/python -c '
from pathlib import Path
from streaming_system.config.ini import load_app_settings
print(load_app_settings(Path("production.ini"), "tracker")["sqlalchemy.url"])')
    [[ $url =~ ^postgresql[+a-z0-9]*:///([a-z0-9_]+)$ ]] && name=${BASH_REMATCH[1]}
    if [ -n "$name" ]; then
        cd /
        as postgres psql -tAc "SELECT 1 FROM pg_roles WHERE rolname = '$RUN_USER'" | grep -q 1 ||
            as postgres createuser "$RUN_USER"
        as postgres psql -tAc "SELECT 1 FROM pg_database WHERE datname = '$name'" | grep -q 1 ||
            as postgres createdb --owner "$RUN_USER" "$name"
        cd "$OLDPWD"
    fi
}

# Units, temporary files, log rotation of a version.
configure() {
    local conf=$WEBSITE/$1/conf
    install -d "$ETC"/{systemd/system,tmpfiles.d,logrotate.d}
    install -m 644 "$conf"/streaming-{frontend@,tracker@,schedule,follow,watch,prune,preview,backup}.service \
        "$conf"/streaming-{prune,backup}.timer "$ETC/systemd/system"
    install -m 644 "$conf/tmpfiles.conf" "$ETC/tmpfiles.d/streaming-system.conf"
    install -m 644 "$conf/logrotate.conf" "$ETC/logrotate.d/streaming-system"
    service daemon-reload
}

# -- into service -----------------------------------------------------------------------------

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

get() { curl --silent --max-time 5 --output "$1" --write-out '%{http_code}' \
    "http://127.0.0.1:$2$3" || true; }

# Whether a worker can do its work: it is ready, and answers what it is there for. A database that a later
# version has brought on is known here, and not to a version that we go back to: it bears both.
healthy() {
    local worker=$1 version=$2 port=${1#*@} ready=/readyz page=/ body status
    [[ $worker != *tracker* ]] || { ready=/tracker/readyz page=/tracker/streams.json; }
    body=$(mktemp)
    status=$(get "$body" "$port" "$ready")
    reason=$(head -c 300 "$body")
    if [ "$status" = 503 ] && newer "$version" "$reason"; then status=200; fi
    if [ "$status" = 200 ]; then
        status=$(get "$body" "$port" "$page")
        reason="$page is answered with $status"
    fi
    rm "$body"
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

# Whatever ended a run: a build that is not whole is removed, and of a version that has not got
# ready after "current" was switched nothing stays in service.
at_end() {
    local status=$? worker other last= bad=$switched failed=0
    trap - EXIT INT TERM HUP
    [ -z "$building" ] || rm -rf "${WEBSITE:?}/$building"
    if [ -n "$bad" ]; then
        if [ -z "$before" ]; then
            rm -f "$WEBSITE/current"
            say "$bad has failed, and there is no version to go back to"
            exit 1
        fi
        say "$bad has failed: going back to $before"
        configure "$before"
        switch "$before"
        for worker in "${touched[@]}"; do
            settle "$last" "$worker"
            last=$worker
            if [ "$worker" = others ]; then
                for other in $(others "$before"); do service restart "$other" || true; done
            elif ! restart "$worker" "$before"; then
                failed=1
                say "$worker is not ready with $before either: $reason"
            fi
        done
        [ "$failed" = 1 ] || say "$before is in service as before; $WEBSITE/$bad is left to be looked at"
        exit 1
    fi
    exit "$status"
}

# -- versions ---------------------------------------------------------------------------------

versions() { find "$WEBSITE" -mindepth 1 -maxdepth 1 -type d -name '*-????????-??????' -printf '%f\n'; }

# What ran before the version that runs, and before that one.
line() {
    local version=$1
    while [ -n "$version" ] && [ -d "$WEBSITE/$version" ]; do
        echo "$version"
        version=$(cat "$WEBSITE/$version/.before" 2>/dev/null || true)
    done
}

prune() {
    local version kept
    kept=$(line "$1" | head -n "$KEEP" || true)
    for version in $(versions); do
        grep -qxF "$version" <<<"$kept" || { rm -rf "${WEBSITE:?}/$version"; say "$version is removed"; }
    done
}

deploy() {
    local version
    version=$(git -c "safe.directory=$source" -C "$source" describe --tags --always --dirty) ||
        die "$source is no git checkout; clone the repository and run it from there"
    version=$version-$(date +%Y%m%d-%H%M%S)
    [ ! -e "$WEBSITE/$version" ] || die "$WEBSITE/$version is there already; run it again in a second"
    private
    say "Deploying $version"
    building=$version
    build "$version"
    local only=()
    [ -n "$FRONTENDS" ] || only=(--only tracker)
    [ -n "$TRACKERS" ] || only=(--only frontend)
    as "$RUN_USER" .venv/bin/streaming-system -c production.ini config check --production "${only[@]}"
    # With a plugin that does not load, no import would succeed.
    as "$RUN_USER" .venv/bin/streaming-system -c production.ini plugins >/dev/null
    if [ -n "$TRACKERS" ]; then
        database
        as "$RUN_USER" .venv/bin/streaming-system -c production.ini tracker migrate >/dev/null
    fi
    # Without a programme no page is ready; later ones are brought by a service.
    local first=()
    case $(importer "$version") in
        streaming-schedule) first=(import) ;;
        streaming-follow) first=(follow --count 1) ;;
    esac
    [ -z "${first[*]}" ] || [ -e "$STATE/schedule.json" ] ||
        as "$RUN_USER" .venv/bin/streaming-system -c production.ini schedule "${first[@]}"
    if [ -n "$before" ]; then as "$DEPLOY_USER" tee .before <<<"$before" >/dev/null; fi
    building='' switched=$version
    activate "$version"
    switched=
    prune "$version"
    say "$version is in service"
    [ -n "$before" ] || left_to_do
}

rollback() {
    local version
    [ -n "$before" ] || die "nothing has been deployed in $WEBSITE"
    version=$(line "$before" | sed -n 2p)
    [ -n "$version" ] || die "there is no version before $before in $WEBSITE"
    say "Going back from $before to $version"
    switched=$version
    activate "$version"
    switched=
    say "$version is in service"
}

left_to_do() {
    echo "Left to do:"
    echo "* nginx: copy conf/nginx.conf to /etc/nginx/sites-available, change the name, enable it;" \
        "docs/running.md tells of its marks"
    [ -z "$TRACKERS" ] || echo "* an account: cd $WEBSITE/current &&" \
        "runuser -u $RUN_USER -- .venv/bin/streaming-system -c production.ini admin create NAME"
}

# -- here we go -------------------------------------------------------------------------------

case "${1:-deploy}" in deploy | rollback) ;; *) die "unknown: $1; allowed: deploy, rollback" ;; esac
[ "$me" = root ] || [ "$me $me" = "$DEPLOY_USER $RUN_USER" ] || die "run this as root"
[ -n "$FRONTENDS$TRACKERS" ] || die "FRONTENDS and TRACKERS are both empty; name a port"
mkdir -p "$WEBSITE"
exec 9>"$WEBSITE/.lock"
chmod 600 "$WEBSITE/.lock"
flock --nonblock 9 || die "another run is at work in $WEBSITE; wait for it to end"
umask 022
building='' switched='' touched=() before='' reason=''
machine
[ ! -L "$WEBSITE/current" ] || before=$(current)
trap at_end EXIT
trap 'exit 130' INT TERM HUP
"${1:-deploy}"
