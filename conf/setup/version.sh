# shellcheck shell=bash disable=SC2154
# A version: its files, its configuration and its virtualenv. conf/setup.sh reads this file.

# Copies what git tracks, as it lies there, and builds its virtualenv.
build() {
    local folder=$WEBSITE/$1 git=(git -c "safe.directory=$source" -C "$source")
    as "$DEPLOY_USER" mkdir "$folder"
    "${git[@]}" ls-files -z | tar -C "$source" --null -T - -cf - --owner=0 --group=0 |
        as "$DEPLOY_USER" tar -C "$folder" --no-same-owner -xf -
    "${git[@]}" describe --always --dirty --abbrev=12 --exclude='*' |
        as "$DEPLOY_USER" tee "$folder/src/streaming_system/commit.txt" >/dev/null
    as "$DEPLOY_USER" ln -sfn "$STATE" "$folder/var"
    copy_own "$folder"
    cd "$folder" || exit
    check_with_previous
    if [ -n "$VENV_FROM" ]; then reuse; else install_locked; fi
    [ ! -e "$WEBSITE/requirements.txt" ] || install_own "$folder"
}

# The names of all that is this event's: configuration, themes, catalogues, feeds.
own_names() {
    local path
    for path in "$WEBSITE"/*; do
        case ${path##*/} in
            current | *-????????-??????) ;;
            *) [ ! -e "$path" ] || echo "${path##*/}" ;;
        esac
    done
}

# Copies it into a version, where the configuration names it. So a version has the configuration of its
# deployment, and a rollback brings it back.
copy_own() {
    local folder=$1 name
    while read -r name; do
        case $name in
            config.json | config.private.json | production.ini | brand | plugins) ;;
            # The program's own files stay.
            *) [ ! -e "$folder/$name" ] || grep -qxF "$name" "$folder/.own" 2>/dev/null || continue ;;
        esac
        # A worker sees a file before or after its change, and no half of it.
        rm -rf "${folder:?}/.new"
        cp -aH "$WEBSITE/$name" "$folder/.new"
        [ ! -d "$folder/$name" ] || rm -rf "${folder:?}/$name"
        mv -T "$folder/.new" "$folder/$name"
        grep -qxF "$name" "$folder/.own" 2>/dev/null || echo "$name" >>"$folder/.own"
    done < <(own_names)
}

# The virtualenv of the version in service can check the new configuration before there is a new one, unless
# the new code needs other packages.
check_with_previous() {
    local python=$WEBSITE/$before/.venv/bin/python run=(env "PYTHONPATH=$PWD/src" PYTHONDONTWRITEBYTECODE=1)
    [ -n "$before" ] && [ -x "$python" ] || return 0
    as "$RUN_USER" "${run[@]}" "$python" -c "import streaming_system.cli.config" 2>/dev/null || return 0
    ln -s ../../parsers src/streaming_system/parsers
    as "$RUN_USER" "${run[@]}" "$python" -m streaming_system.cli -c production.ini \
        config check --production "${only[@]}"
    rm src/streaming_system/parsers
}

# Installs the plugins that the event's requirements.txt names. They change no package of ours. Paths
# in it are relative to it.
install_own() {
    local folder=$1
    local pip=("${VENV_FROM:-$folder/.venv}/bin/python" -m pip --disable-pip-version-check --quiet
        --python "$folder/.venv/bin/python")
    as "$DEPLOY_USER" "${pip[@]}" list --format=freeze --exclude-editable |
        as "$DEPLOY_USER" tee "$folder/.constraints" >/dev/null
    cd "$WEBSITE" || exit
    as "$DEPLOY_USER" "${pip[@]}" install --no-cache-dir -r requirements.txt -c "$folder/.constraints"
    cd "$folder" || exit
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
