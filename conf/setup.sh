#!/usr/bin/env bash
# Installs the site on a Debian machine, as root, from a checkout in /srv/streaming-system:
# packages, a user, the database, the services. It may be run again after every update.
set -euo pipefail
home=/srv/streaming-system
cd "$home"

say() { printf '\n== %s\n' "$*"; }

[ "$(id -u)" = 0 ] || { echo "conf/setup.sh: run this as root" >&2; exit 1; }
[ -f config.private.json ] || {
    echo "conf/setup.sh: $home/config.private.json is missing;" \
        "copy config.private.json.example and make it yours" >&2
    exit 1
}

say "Packages"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
    git make python3 python3-venv postgresql nginx

say "User and folders"
id streaming >/dev/null 2>&1 || useradd --system --home-dir "$home" --shell /usr/sbin/nologin streaming
install -d -o streaming -g streaming "$home/var"
# The secret is for the services, not for everybody who has an account here.
chown root:streaming config.private.json
chmod 640 config.private.json

say "Program"
make install
.venv/bin/streaming-system -c production.ini config check

say "Database"
sudo_postgres() { runuser -u postgres -- "$@"; }
sudo_postgres psql -tAc "SELECT 1 FROM pg_roles WHERE rolname = 'streaming'" | grep -q 1 ||
    sudo_postgres createuser streaming
sudo_postgres psql -tAc "SELECT 1 FROM pg_database WHERE datname = 'streaming_system'" | grep -q 1 ||
    sudo_postgres createdb --owner streaming streaming_system
runuser -u streaming -- .venv/bin/alembic -c production.ini upgrade head

say "Services"
# One worker a port, as conf/nginx.conf lists them.
frontends=(8101 8102)
trackers=(8201 8202)
install -m 644 conf/streaming-*.service conf/streaming-*.timer /etc/systemd/system/
systemctl daemon-reload
# One after the other, so that nginx always has one to ask.
worker() {
    systemctl enable "$1@$2"
    systemctl restart "$1@$2"
    for _ in $(seq 150); do
        # It listens once it is ready.
        if (: <"/dev/tcp/127.0.0.1/$2") 2>/dev/null; then return; fi
        sleep 0.2
    done
    echo "conf/setup.sh: $1@$2 does not listen; journalctl -u $1@$2 says why" >&2
    exit 1
}
for port in "${frontends[@]}"; do worker streaming-frontend "$port"; done
for port in "${trackers[@]}"; do worker streaming-tracker "$port"; done
# Before there were workers, each app had one service; it stays for as long as nginx asks it.
asked_at_old_ports() { grep -rqsE '127\.0\.0\.1:800[12]\b' /etc/nginx/sites-enabled/; }
for old in streaming-frontend streaming-tracker; do
    [ -f "/etc/systemd/system/$old.service" ] || continue
    if asked_at_old_ports; then
        systemctl restart "$old"
    else
        systemctl disable --now "$old"
        rm "/etc/systemd/system/$old.service"
    fi
done
systemctl enable --now streaming-schedule streaming-watch streaming-prune.timer
systemctl restart streaming-schedule streaming-watch

say "nginx"
install -d /etc/nginx/streaming.d
if [ -e /usr/lib/nginx/modules/ngx_http_brotli_filter_module.so ]; then
    install -m 644 conf/nginx-brotli.conf /etc/nginx/streaming.d/
fi

say "Left to do"
echo "* nginx: copy conf/nginx.conf to /etc/nginx/sites-available, change the name, enable it;" \
    "docs/running.md tells of its marks"
if asked_at_old_ports; then
    echo "* nginx still asks ports 8001 and 8002, where old services run: bring its site up to date," \
        "then run this again"
fi
echo "* an account: runuser -u streaming -- .venv/bin/streaming-system -c production.ini admin create NAME"
