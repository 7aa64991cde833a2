# Every recipe works with an installed `just` as well as with `./just`, which fetches it.
# All of them build in the release profile, so that sweeps, tests and lints share their dependencies.

set positional-arguments := true

# list what there is
default:
    @'{{ just_executable() }}' --justfile '{{ justfile() }}' --list --unsorted

# Each verb passes on all its arguments and its exit code; `just VERB --help` explains it.

# train, record and report: just sweep NAME|FILE [--preset P] [--set K=V]… [--dry-run]
[group('the program')]
[no-exit-message]
sweep *ARGS:
    @tools/reprise sweep "$@"

# what a sweep has done and has still to do
[group('the program')]
[no-exit-message]
status *ARGS:
    @tools/reprise status "$@"

# rebuild a report from its records
[group('the program')]
[no-exit-message]
report *ARGS:
    @tools/reprise report "$@"

# list, show and compare recorded runs
[group('the program')]
[no-exit-message]
runs *ARGS:
    @tools/reprise runs "$@"

# list, check, pack and import data sets
[group('the program')]
[no-exit-message]
data *ARGS:
    @tools/reprise data "$@"

# write a run's weights under the original's names
[group('the program')]
[no-exit-message]
export *ARGS:
    @tools/reprise export "$@"

# predict keypoints of Kaggle's test pictures with a run's weights
[group('the program')]
[no-exit-message]
predict *ARGS:
    @tools/reprise predict "$@"

# take weights into the store, to begin runs with
[group('the program')]
[no-exit-message]
import *ARGS:
    @tools/reprise import "$@"

# a training step, exact and fast, beside PyTorch eager: just bench cvae [--width N] [--threads N]
[group('the program')]
[no-exit-message]
bench *ARGS:
    @tools/bench "$@"

# what this machine offers: libtorch, CUDA, threads, disk
[group('the program')]
[no-exit-message]
doctor *ARGS:
    @tools/reprise doctor "$@"

# the program itself, any verb
[group('the program')]
[no-exit-message]
reprise *ARGS:
    @tools/reprise "$@"

# fetch libtorch into the cache (--cuda: with all CUDA libraries) and print the environment it needs
[group('building')]
[no-exit-message]
setup *ARGS:
    @tools/setup "$@"

# build the program and the tests
[group('building')]
[no-exit-message]
build:
    @tools/setup -- cargo build --release --locked --all-targets

# all tests; arguments select some
[group('tests')]
[no-exit-message]
test *ARGS:
    @tools/setup -- tools/test "$@"

# tests of the layers that need no libtorch
[group('tests')]
[no-exit-message]
test-fast *ARGS:
    @tools/test --no-default-features --lib "$@"

# hold the ports to the reference cases: just golden [--system S] [--case GLOB] [--f64]
[group('tests')]
[no-exit-message]
golden *ARGS:
    @tools/reprise golden check "$@"

# our training steps and live PyTorch's beside each other, bit for bit: just parity cvae
[group('tests')]
[no-exit-message]
parity SYSTEM *ARGS:
    @tools/parity "$@"

# known ways to be wrong, each put into a copy of the sources: does a reference case catch it?
[group('tests')]
[no-exit-message]
power *ARGS:
    @tools/setup -- cargo test --release --locked --test power -- --test-threads 1 --nocapture "$@"

# change inputs of one reader until something breaks: just fuzz tfrecord|jpeg|npy|npz [-- -max_total_time=600]
[group('tests')]
[no-exit-message]
fuzz TARGET *ARGS:
    mkdir -p fuzz/corpus/{{ TARGET }}
    cp -n golden/data/*/data/* tests/fixtures/jpeg/*.* tests/fixtures/npz/*.npz fuzz/corpus/{{ TARGET }}
    ASAN_OPTIONS=detect_odr_violation=0 cargo +nightly fuzz run "$@" # libgit2 has two tables of one name

# review changed snapshots one by one
[group('tests')]
[no-exit-message]
snap:
    @tools/setup -- cargo insta review

# everything that CI checks besides the tests
[group('checks')]
check: format spelling snapshots scripts deny lint doc

# formatting of the Rust sources
[group('checks')]
[no-exit-message]
format:
    @tools/step format cargo fmt --check

# spelling of everything
[group('checks')]
[no-exit-message]
spelling:
    @tools/step spelling "$(tools/fetch typos)"

# no snapshot is left to be reviewed
[group('checks')]
[no-exit-message]
snapshots:
    @! find . -path ./target -prune -o \( -name '*.snap.new' -o -name '*.pending-snap' \) -print | grep . || \
        { echo 'error: the snapshots above wait for `just snap`' >&2; exit 1; }

# the scripts: lint, and what set-up does on fresh, broken and odd machines
[group('checks')]
[no-exit-message]
scripts:
    @tools/step shellcheck "$(tools/fetch shellcheck)" --external-sources $(grep -lE '^#(!/usr/bin/env bash| shellcheck shell=bash)' just .ci/run tools/*)
    @tools/step test-setup tools/test-setup

# licences and sources of the dependencies, and known advisories where the list can be had
[group('checks')]
[no-exit-message]
deny:
    @tools/step deny tools/deny

# clippy with all layers and with the pure ones alone
[group('checks')]
[no-exit-message]
lint:
    @tools/step 'clippy, no libtorch' cargo clippy --release --locked --all-targets --no-default-features --quiet -- -D warnings
    @tools/step clippy tools/setup -- cargo clippy --release --locked --all-targets --quiet -- -D warnings

# documentation builds without a warning
[group('checks')]
[no-exit-message]
doc:
    @RUSTDOCFLAGS='-D warnings' tools/step doc tools/setup -- cargo doc --release --locked --no-deps --quiet
