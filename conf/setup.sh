#!/usr/bin/env bash
# Puts the checkout that it lies in into service on a Debian machine, as root: docs/how-to/deploying.md.
#   conf/setup.sh            deploys it into a folder of its own, without dropping a request
#   conf/setup.sh rollback   goes back to the version that ran before
#   conf/setup.sh reload     puts changes of the configuration into service
#   conf/setup.sh restart    restarts all workers, one after the other
#   conf/setup.sh versions   lists the versions
#   conf/setup.sh activate VERSION   puts a finished version into service
#   conf/setup.sh nginx NAME   prints the configuration of nginx for a host name
#   conf/setup.sh uninstall  removes units and versions, and no data
# A version whose workers do not get ready is taken back by itself.
set -euo pipefail

# All of these can be set from outside.
: "${WEBSITE:=/srv/website}"                 # versions, "current", config.private.json
: "${STATE:=/var/lib/streaming-system}"      # what the programs write
: "${BACKUPS:=/var/backups/streaming}"      # nightly backups
: "${LOGS:=/var/log/streaming-system}"       # setup.log: what has been done here
: "${ETC:=/etc}"                             # of systemd, tmpfiles and logrotate
: "${DEPLOY_USER:=website}"                  # owns the code, runs nothing for viewers
: "${RUN_USER:=streaming}"                   # runs all, owns nothing but STATE
: "${FRONTENDS=8101 8102}"                   # one worker a port, as conf/nginx.conf lists them;
: "${TRACKERS=8201 8202}"                    # "" for none of them on this machine
: "${KEEP:=5}"                               # how many versions stay
: "${HEALTH_SECONDS:=60}"                    # how long a worker may take to get ready
: "${SETTLE:=4}"                              # seconds until nginx asks a worker again that was away:
                                             # its fail_timeout, and two because it counts whole ones
: "${MIN_FREE_MB:=500}"                      # without so much space, no version is built
: "${PYTHON:=python3}"
: "${PACKAGES=git curl python3 python3-venv nginx logrotate${TRACKERS:+ postgresql}}"
: "${SYSTEMCTL:=systemctl}"                  # whatever takes restart NAME and is-active NAME
: "${EXTRAS:=}"                               # "yes": the packages for Sentry and OpenTelemetry, too
: "${VENV_FROM:=}"                           # take packages from this virtualenv, install none

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
me=$(id -un)

die() { echo "conf/setup.sh: $*" >&2; exit 1; }
# A full disk of logs stops neither a deployment nor a rollback.
say() {
    printf '%(%H:%M:%S)T %s\n' -1 "$*" 2>/dev/null || true
    { printf '%(%FT%T%z)T %s\n' -1 "$*" >>"$LOGS/setup.log"; } 2>/dev/null || true
}
# The lock is for this script; what it starts must not keep it.
as() { if [ "$1" = "$me" ]; then "${@:2}"; else runuser -u "$1" -- "${@:2}"; fi 9>&-; }
service() { $SYSTEMCTL "$@" 9>&-; }
current() { basename "$(readlink "$WEBSITE/current")"; }
switch() { ln -sfn "$1" "$WEBSITE/.current" && mv -T "$WEBSITE/.current" "$WEBSITE/current"; }

# shellcheck source=conf/setup/checks.sh
. "$source/conf/setup/checks.sh"
# shellcheck source=conf/setup/version.sh
. "$source/conf/setup/version.sh"
# shellcheck source=conf/setup/service.sh
. "$source/conf/setup/service.sh"

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
    install -d "$LOGS" || true
    install -d -o "$DEPLOY_USER" -g "$(id -gn "$DEPLOY_USER")" "$WEBSITE"
    install -d -m 750 -o "$RUN_USER" -g "$(id -gn "$RUN_USER")" \
        "$STATE" "$STATE"/{previews,endpoint-logs,workers,crew}
    [ "$me" != root ] || install -d -m 700 -o "$RUN_USER" -g "$(id -gn "$RUN_USER")" "$BACKUPS"
}

private() {
    # The secret is for the services, not for everybody who has an account here.
    [ "$me" != root ] || chown "root:$(id -gn "$RUN_USER")" "$WEBSITE/config.private.json"
    chmod 640 "$WEBSITE/config.private.json"
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

# -- commands ---------------------------------------------------------------------------------

put_into_service() {
    switched=$1
    activate "$1"
    switched=
    say "$1 is in service"
}

deploy() {
    local version
    version=$(git -c "safe.directory=$source" -C "$source" describe --tags --always --dirty) ||
        die "$source is no git checkout; clone the repository and run it from there"
    version=$version-$(date +%Y%m%d-%H%M%S)
    [ ! -e "$WEBSITE/$version" ] || die "$WEBSITE/$version is there already; run it again in a second"
    check_first
    machine
    private
    say "Deploying $version"
    building=$version
    local only=()
    [ -n "$FRONTENDS" ] || only=(--only tracker)
    [ -n "$TRACKERS" ] || only=(--only frontend)
    build "$version"
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
    as "$DEPLOY_USER" touch .finished
    building=''
    put_into_service "$version"
    prune "$version"
    [ -n "$before" ] || left_to_do
}

rollback() {
    local version
    [ -n "$before" ] || die "nothing has been deployed in $WEBSITE"
    version=$(line "$before" | sed -n 2p)
    [ -n "$version" ] || die "there is no version before $before in $WEBSITE"
    say "Going back from $before to $version"
    put_into_service "$version"
}

activate_version() {
    local version=${1:-}
    [ -n "$version" ] && grep -qxF "$version" < <(versions) ||
        die "which version? conf/setup.sh versions lists them"
    [ -e "$WEBSITE/$version/.finished" ] || die "$version is not finished; deploy it again"
    [ "$version" != "$before" ] || die "$version is in service already; conf/setup.sh restart restarts it"
    put_into_service "$version"
}

list_versions() {
    local version
    while read -r version; do
        if [ "$version" = "$before" ]; then echo "$version (in service)"; else echo "$version"; fi
    # Names of versions do not sort by time, their ends do.
    done < <(versions | sed 's/.*\(.\{15\}\)$/\1 &/' | sort | cut -d " " -f 2)
}

# Puts changes of the configuration into service; workers notice them.
reload() {
    local folder=$WEBSITE/.check name only=()
    [ -n "$before" ] || die "nothing has been deployed in $WEBSITE"
    check_configuration
    private
    [ -n "$FRONTENDS" ] || only=(--only tracker)
    [ -n "$TRACKERS" ] || only=(--only frontend)
    # The version with the new files: what it would read.
    rm -rf "$folder"
    as "$DEPLOY_USER" mkdir "$folder"
    for name in "$WEBSITE/$before"/*; do
        as "$DEPLOY_USER" ln -s "../$before/${name##*/}" "$folder/${name##*/}"
    done
    while read -r name; do
        if [ ! -e "$folder/$name" ] || grep -qxF "$name" "$WEBSITE/$before/.own"; then
            as "$DEPLOY_USER" ln -sfn "../$name" "$folder/$name"
        fi
    done < <(own_names)
    cd "$folder" || exit
    as "$RUN_USER" "$WEBSITE/$before/.venv/bin/streaming-system" -c production.ini \
        config check --production "${only[@]}" || { rm -rf "$folder"; exit 1; }
    rm -rf "$folder"
    copy_own "$WEBSITE/$before"
    say "$before has the new configuration"
}

restart_workers() {
    local worker last=
    [ -n "$before" ] || die "nothing has been deployed in $WEBSITE"
    for worker in $(workers); do
        settle "$last" "$worker"
        last=$worker
        restart "$worker" "$before" || { lost=1; die "$worker is not ready: $reason"; }
    done
    for worker in $(others "$before"); do service restart "$worker"; done
    say "All workers of $before have been restarted"
}

# Prints conf/nginx.conf with the host name and the ports of this machine.
nginx_site() {
    [[ ${1:-} =~ ^[A-Za-z0-9.-]+$ ]] || die "which host name? For example: conf/setup.sh nginx live.example.org"
    awk -v name="$1" -v frontend="$FRONTENDS" -v tracker="$TRACKERS" '
        /^upstream streaming_/ { ports = /frontend/ ? frontend : tracker; listed = 0 }
        ports != "" && /^    server 127/ {
            if (!listed++) {
                count = split(ports, list, " ")
                for (i = 1; i <= count; i++) print "    server 127.0.0.1:" list[i] " max_fails=3 fail_timeout=2s;"
            }
            next
        }
        /^}/ { ports = "" }
        { gsub(/live\.example\.org/, name); print }' "$source/conf/nginx.conf"
}

uninstall() {
    local unit
    for unit in $(workers) $(others "${before:-none}" 2>/dev/null) streaming-{follow,preview}.service \
        streaming-{prune,backup}.timer; do
        service stop "$unit" >/dev/null 2>&1 || true
        service disable "$unit" >/dev/null 2>&1 || true
    done
    for unit in $UNITS; do rm -f "$ETC/systemd/system/$unit"; done
    rm -f "$ETC/tmpfiles.d/streaming-system.conf" "$ETC/logrotate.d/streaming-system"
    service daemon-reload
    for unit in $(versions); do rm -rf "${WEBSITE:?}/$unit"; done
    rm -f "$WEBSITE/current"
    say "Removed the services and all versions"
    echo "Left are your files in $WEBSITE, data in $STATE, backups in $BACKUPS, logs in $LOGS, the database," \
        "the users $DEPLOY_USER and $RUN_USER, and nginx's site"
}

left_to_do() {
    echo "Left to do:"
    echo "* nginx: conf/setup.sh nginx NAME > /etc/nginx/sites-available/NAME; enable it;" \
        "docs/how-to/nginx.md describes its marks, and docs/how-to/https.md https"
    [ -z "$TRACKERS" ] || echo "* an account: cd $WEBSITE/current &&" \
        "runuser -u $RUN_USER -- .venv/bin/streaming-system -c production.ini admin create NAME"
}

# -- here we go -------------------------------------------------------------------------------

command=${1:-deploy}
case $command in
    deploy | rollback | reload | restart | versions | activate | nginx | uninstall) ;;
    *) die "unknown: $1; allowed: deploy, rollback, reload, restart, versions, activate, nginx, uninstall" ;;
esac
[ "$command" != nginx ] || { nginx_site "${2:-}"; exit; }
check_systemd
[ "$me" = root ] || [ "$me $me" = "$DEPLOY_USER $RUN_USER" ] || die "run this as root"
[ -n "$FRONTENDS$TRACKERS" ] || die "FRONTENDS and TRACKERS are both empty; name a port"
mkdir -p "$WEBSITE"
building='' switched='' touched=() before='' reason='' lost=0
[ ! -L "$WEBSITE/current" ] || before=$(current)
[ "$command" != versions ] || { list_versions; exit; }
exec 9>"$WEBSITE/.lock"
chmod 600 "$WEBSITE/.lock"
flock --nonblock 9 || die "another run is at work in $WEBSITE; wait for it to end"
umask 022
trap at_end EXIT
trap 'exit 130' INT TERM HUP
case $command in
    activate) activate_version "${2:-}" ;;
    restart) restart_workers ;;
    *) "$command" ;;
esac
