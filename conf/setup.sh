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
install -m 644 conf/streaming-*.service conf/streaming-*.timer /etc/systemd/system/
systemctl daemon-reload
systemctl enable --now streaming-frontend streaming-tracker streaming-schedule streaming-watch \
    streaming-prune.timer
systemctl restart streaming-frontend streaming-tracker streaming-schedule streaming-watch

say "Left to do"
echo "* nginx: copy conf/nginx.conf to /etc/nginx/sites-available, change the name, enable it"
echo "* an account: runuser -u streaming -- .venv/bin/streaming-system -c production.ini admin create NAME"
