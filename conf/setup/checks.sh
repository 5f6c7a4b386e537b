# shellcheck shell=bash disable=SC2154
# What can be checked in a second, before packages and a virtualenv. conf/setup.sh reads this file.

check_systemd() {
    [ "$SYSTEMCTL" != systemctl ] || [ -d /run/systemd/system ] ||
        die "this machine does not run systemd. Run the site by \"streaming-system serve\", in a container" \
            "or by a supervisor of your own (docs/how-to/deploying.md, Without systemd), or set SYSTEMCTL"
}

# The file of an event, or else the one of the checkout.
own_file() { if [ -f "$WEBSITE/$1" ]; then echo "$WEBSITE/$1"; else echo "$source/$1"; fi; }

check_configuration() {
    local file=$WEBSITE/config.private.json
    [ -f "$file" ] ||
        die "$file is missing; copy config.private.json.example there and make it yours"
    [ -z "$TRACKERS" ] || ! grep -qF '"move me to config.private.json"' "$file" ||
        die "$file: 'secret': is the example's, which everybody knows; write a long one of your own"
}

# The folders may be missing yet.
check_space() {
    local folder free
    for folder in "$WEBSITE" "$STATE"; do
        while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
        free=$(df --output=avail --block-size=1M "$folder" | tail -n 1)
        [ "$free" -ge "$MIN_FREE_MB" ] ||
            die "$folder has ${free// /} MB left; a version needs $MIN_FREE_MB (MIN_FREE_MB)"
    done
}

listens() { timeout 5 bash -c ': 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>/dev/null; }

check_ports() {
    local worker port
    for worker in $(workers); do
        port=${worker#*@}
        [[ $port =~ ^[1-9][0-9]{0,4}$ ]] || die "FRONTENDS or TRACKERS: $port is not a port"
        ! listens 127.0.0.1 "$port" || service is-active "$worker" >/dev/null 2>&1 ||
            die "port $port is in use by another program; stop it, or name another port for $worker"
    done
}

check_database() {
    local file url
    file=$(own_file production.ini)
    url=$(sed -n 's/^database *= *//p' "$file" | tail -n 1)
    [ -n "$TRACKERS" ] || return 0
    [[ $url != sqlite* ]] ||
        die "$file: database: is an SQLite database, which is for trials; name one of PostgreSQL"
    if [[ $url =~ @([A-Za-z0-9.-]+)(:([0-9]+))?/ ]]; then
        listens "${BASH_REMATCH[1]}" "${BASH_REMATCH[3]:-5432}" ||
            die "$file: the database at ${BASH_REMATCH[1]}:${BASH_REMATCH[3]:-5432} does not respond"
    fi
}

check_first() { check_configuration; check_space; check_ports; check_database; }
