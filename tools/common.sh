# shellcheck shell=bash
# Functions shared by the scripts of this folder: cache, messages, downloads. Sourced, never run.
# All downloads are wheels from PyPI, which any Python 3 can unpack.

# One cache for all clones of one user.
cache=${REPRISE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/reprise}

say() { printf 'setup: %s\n' "$*" >&2; }

# die PROBLEM HINT: exits with code 4, an error of the environment.
die() {
    printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
    exit 4
}

has() { command -v "$1" >/dev/null 2>&1; }

# Sets `python` to a Python 3 with pip, if necessary in a virtual environment in the cache.
find_python() {
    local candidate
    for candidate in python3 python; do
        python=$(command -v "$candidate") || continue
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 6))' 2>/dev/null || continue
        "$python" -c "import pip" 2>/dev/null && return
        # Fails if Python cannot install pip into the environment.
        if [ -x "$cache/python/bin/python3" ] || "$python" -m venv "$cache/python" >/dev/null 2>&1; then
            python=$cache/python/bin/python3
            "$python" -c "import pip" 2>/dev/null && return
        fi
        die "\`$candidate\` has no pip, and \`$candidate -m venv\` cannot install it" \
            "install pip (Debian: \`apt-get install python3-pip\`; elsewhere: \`$candidate -m ensurepip --user\`)"
    done
    die "found no Python 3; its pip is needed to fetch packages" \
        "install any Python 3 with pip (Debian: \`apt-get install python3-pip\`; macOS: \`brew install python\`)"
}

# download FOLDER [OPTION…] PACKAGE…: downloads exactly these wheels, for this platform and CPython 3.12
# (or the version of an option), independent of the Python that runs pip. Bypasses pip's cache, which would
# keep a second copy.
download() {
    local folder=$1
    shift
    PIP_REQUIRE_VIRTUALENV=false PIP_DISABLE_PIP_VERSION_CHECK=1 "$python" -m pip download --no-input \
        --no-cache-dir --no-deps --only-binary=:all: --implementation cp --python-version 3.12 \
        --dest "$folder" "$@" >&2
}

# unpack FOLDER WANTED UNWANTED WHEEL…: unpacks the members that match WANTED and not UNWANTED; zipfile
# checks their CRCs.
unpack() {
    "$python" - "$@" <<'PYTHON'
import re, sys, zipfile

folder, wanted, unwanted = sys.argv[1:4]
for wheel in sys.argv[4:]:
    with zipfile.ZipFile(wheel) as archive:
        names = [n for n in archive.namelist() if re.match(wanted, n) and not re.match(unwanted, n)]
        archive.extractall(folder, names)
PYTHON
}

# begin_install WHAT TARGET MEGABYTES UNPACKED: checks the free disk space, then sets `temp` to a new folder
# beside TARGET, which is removed again unless finish_install is reached.
begin_install() {
    local what=$1 target=$2 megabytes=$3 unpacked=$4 needed free
    needed=$((megabytes + unpacked + 200))
    free=$(df -Pk "$cache" | awk 'NR == 2 { print int($4 / 1024) }')
    [ "$free" -ge "$needed" ] ||
        die "$what needs $needed MB of disk space during setup, but \`$cache\` has $free MB" \
            "free some space, or set REPRISE_CACHE to a folder on a larger disk"
    find_python
    rm -rf "$target".tmp.* # left by interrupted setups: only the holder of the lock is at work
    temp=$target.tmp.$$
    trap 'rm -rf "$temp"' EXIT
    mkdir -p "$temp/wheels"
    say "fetching $what from PyPI: about $megabytes MB, $unpacked MB once unpacked in $target"
    SECONDS=0
}

# fetch_wheels WHAT HINT WANTED UNWANTED [OPTION…] PACKAGE…: downloads wheels and unpacks them into `temp`.
fetch_wheels() {
    local what=$1 hint=$2 wanted=$3 unwanted=$4
    shift 4
    download "$temp/wheels" "$@" ||
        die "failed to download $what (pip's message is above)" "check the network, then repeat the command; $hint"
    say "downloaded in $SECONDS s; unpacking"
    unpack "$temp" "$wanted" "$unwanted" "$temp"/wheels/*.whl ||
        die "failed to unpack $what into \`$temp\`" "check the disk, then repeat the command"
    rm -rf "$temp/wheels"
}

# finish_install TARGET: renames `temp`, so that TARGET is complete or missing.
finish_install() {
    rm -rf "$1"
    mv "$temp" "$1"
    trap - EXIT
    say "ready after $SECONDS s"
}

# Only one setup at a time works on a cache. Both kinds of lock end with the process that holds them. pip
# inherits the first, so that a pip that outlives a killed setup is waited for.
lock() {
    local holder
    if has flock; then
        exec 9>"$cache/lock"
        flock -n 9 || { say "waiting for another setup to finish" && flock 9; }
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
