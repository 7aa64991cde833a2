# shellcheck shell=bash
# What the scripts of this directory share: where things are cached, how they speak, how they fetch.
# Sourced, never run. Everything fetched comes from PyPI: a wheel is a zip file, and any Python 3 reads it.

# One cache for all clones of one user.
cache=${REPRISE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/reprise}

say() { printf 'setup: %s\n' "$*" >&2; }

# die PROBLEM HINT: the exit code 4 says that the environment is at fault.
die() {
    printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
    exit 4
}

has() { command -v "$1" >/dev/null 2>&1; }

# Sets `python` to a Python 3 that has pip, if need be in an environment of our own.
find_python() {
    local candidate
    for candidate in python3 python; do
        python=$(command -v "$candidate") || continue
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 6))' 2>/dev/null || continue
        "$python" -c "import pip" 2>/dev/null && return
        # Asking for pip only makes the environment fail where Python has no pip to give it.
        if [ -x "$cache/python/bin/python3" ] || "$python" -m venv "$cache/python" >/dev/null 2>&1; then
            python=$cache/python/bin/python3
            "$python" -c "import pip" 2>/dev/null && return
        fi
        die "\`$candidate\` has no pip, and none can be set up with \`$candidate -m venv\`" \
            "install it (Debian: \`apt-get install python3-pip\`; elsewhere: \`$candidate -m ensurepip --user\`)"
    done
    die "found no Python 3, whose pip fetches prebuilt packages" \
        "install any Python 3 with pip (Debian: \`apt-get install python3-pip\`; macOS: \`brew install python\`)"
}

# download DIRECTORY [OPTION…] PACKAGE…: these wheels and no others, for this platform and CPython 3.12
# (unless an option says another), whatever Python runs pip. They stay out of pip's own cache, where they
# would lie a second time.
download() {
    local directory=$1
    shift
    PIP_REQUIRE_VIRTUALENV=false PIP_DISABLE_PIP_VERSION_CHECK=1 "$python" -m pip download --no-input \
        --no-cache-dir --no-deps --only-binary=:all: --implementation cp --python-version 3.12 \
        --dest "$directory" "$@" >&2
}

# unpack DIRECTORY WANTED UNWANTED WHEEL…: the members that match the one and not the other
# expression; reading them checks their sums.
unpack() {
    "$python" - "$@" <<'PYTHON'
import re, sys, zipfile

directory, wanted, unwanted = sys.argv[1:4]
for wheel in sys.argv[4:]:
    with zipfile.ZipFile(wheel) as archive:
        names = [n for n in archive.namelist() if re.match(wanted, n) and not re.match(unwanted, n)]
        archive.extractall(directory, names)
PYTHON
}

# Only one set-up at a time works on a cache. Both kinds of lock end with the process that holds them;
# the first is held by pip as well, so that a pip that outlives a killed set-up is waited for.
lock() {
    local holder
    if has flock; then
        exec 9>"$cache/lock"
        flock -n 9 || { say "waiting for another set-up to end" && flock 9; }
    else # macOS
        until ln -s "$$" "$cache/lock.pid" 2>/dev/null; do
            holder=$(readlink "$cache/lock.pid" || true)
            if kill -0 "${holder:-$$}" 2>/dev/null; then sleep 1; else rm -f "$cache/lock.pid"; fi
        done
    fi
}

unlock() {
    if has flock; then exec 9>&-; else rm -f "$cache/lock.pid"; fi
}
