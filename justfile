# Every recipe works with an installed `just` (1.39 or later) and with `./just`, which fetches one if needed.
# All recipes build in the release profile, so that sweeps, tests and lints share their dependencies.

set positional-arguments := true
set no-exit-message := true

# list the recipes
default:
    @'{{ just_executable() }}' --justfile '{{ justfile() }}' --list --unsorted

# `just COMMAND` builds reprise, runs `reprise COMMAND` with all arguments, and returns its exit code.
# `just COMMAND --help` prints its help.

# train, record and report: just sweep NAME|FILE [--preset P] [--set K=V]… [--dry-run]
[group('the program')]
sweep *ARGS:
    @tools/reprise sweep "$@"

# show the progress of sweeps
[group('the program')]
status *ARGS:
    @tools/reprise status "$@"

# what the sources claim, and what the runs say of it
[group('the program')]
claims *ARGS:
    @tools/reprise claims "$@"

# rebuild the report of a sweep
[group('the program')]
report *ARGS:
    @tools/reprise report "$@"

# list, show and compare recorded runs
[group('the program')]
runs *ARGS:
    @tools/reprise runs "$@"

# list, check, pack and import data sets
[group('the program')]
data *ARGS:
    @tools/reprise data "$@"

# check every file of a store against its digests: just store verify
[group('the program')]
store *ARGS:
    @tools/reprise store "$@"

# write the weights of a run to a file, with the original's names
[group('the program')]
export *ARGS:
    @tools/reprise export "$@"

# train a finished run for more epochs: just extend RUN --epochs N
[group('the program')]
extend *ARGS:
    @tools/reprise extend "$@"

# score finished runs again, by another protocol
[group('the program')]
evaluate *ARGS:
    @tools/reprise evaluate "$@"

# make roll-outs, videos or keypoints with the weights of a run
[group('the program')]
generate *ARGS:
    @tools/reprise generate "$@"

# import weights to initialise runs
[group('the program')]
import *ARGS:
    @tools/reprise import "$@"

# time a training step and compare it with PyTorch eager: just bench cvae [--width N] [--threads N]
[group('the program')]
bench *ARGS:
    @tools/bench "$@"

# show what this machine supports: libtorch, CUDA, threads, disk
[group('the program')]
doctor *ARGS:
    @tools/reprise doctor "$@"

# check a machine with a GPU: train, kill, resume, compare, time; writes gpu-check.md and gpu-check.json
[group('the program')]
gpu-check *ARGS:
    @tools/gpu-check --reprise tools/reprise "$@"

# run any other command of reprise
[group('the program')]
reprise *ARGS:
    @tools/reprise "$@"

# fetch libtorch into the cache (--cuda: with CUDA libraries) and print the environment variables for a build
[group('building')]
setup *ARGS:
    @tools/setup "$@"

# build the program and the tests
[group('building')]
build:
    @tools/setup -- cargo build --release --locked --all-targets

# run all tests, or those that the arguments select
[group('tests')]
test *ARGS:
    @tools/setup -- tools/test "$@"

# run the tests of the layers that do not need libtorch
[group('tests')]
test-fast *ARGS:
    @tools/test -p reprise-base -p reprise-data -p reprise-store -p reprise-golden --lib "$@"

# check ports against their reference cases: just golden [--system S] [--case GLOB] [--f64]
[group('tests')]
golden *ARGS:
    @tools/reprise golden check "$@"

# compare our training steps with PyTorch's, bit for bit: just parity cvae
[group('tests')]
parity SYSTEM *ARGS:
    @tools/parity "$@"

# inject known faults into a copy of the sources, one by one, and check that a reference case fails for each
[group('tests')]
power *ARGS:
    @tools/setup -- cargo test --release --locked --test power -- --test-threads 1 --nocapture "$@"

# derive every state that a power cut may leave, fail every operation on files, and recover from each
[group('tests')]
crash *ARGS:
    @tools/setup -- cargo test --release --locked --test crash -- --include-ignored --nocapture "$@"

# fuzz a reader: just fuzz tfrecord|jpeg|npy|npz|image|video|table [-- -max_total_time=600]
[group('tests')]
fuzz TARGET *ARGS:
    mkdir -p fuzz/corpus/{{ TARGET }}
    cp -n golden/data/*/data/* tests/fixtures/jpeg/*.* tests/fixtures/npz/*.npz fuzz/corpus/{{ TARGET }}
    cargo +nightly fuzz run "$@"

# train the preset `smoke` of every sweep, or of the named ones: checks that everything runs, in minutes
[group('tests')]
smoke *NAMES:
    @tools/smoke "$@"

# review changed snapshots one by one
[group('tests')]
snap:
    @tools/setup -- cargo insta review --workspace

# all checks of CI except the tests
[group('checks')]
check: format spelling snapshots scripts deny lint doc

# check the formatting of the Rust sources
[group('checks')]
format:
    @tools/step format cargo fmt --all --check

# check the spelling of all files
[group('checks')]
spelling:
    @tools/step spelling "$(tools/fetch typos)"

# check that no snapshot waits for review
[group('checks')]
snapshots:
    @! find . -path ./target -prune -o \( -name '*.snap.new' -o -name '*.pending-snap' \) -print | grep . || \
        { echo 'error: review the snapshots above with `just snap`' >&2; exit 1; }

# lint the scripts, and test `tools/setup` on fresh, broken and unusual machines
[group('checks')]
scripts:
    @tools/step shellcheck "$(tools/fetch shellcheck)" --external-sources $(grep -lE '^#(!/usr/bin/env bash| shellcheck shell=bash)' just .ci/run tools/*)
    @tools/step test-setup tools/test-setup

# check licences, sources and known advisories of the dependencies
[group('checks')]
deny:
    @tools/step deny tools/deny

# run clippy with and without libtorch
[group('checks')]
lint:
    @tools/step clippy tools/setup -- cargo clippy --release --locked --all-targets --quiet -- -D warnings

# build the documentation; warnings are errors
[group('checks')]
doc:
    @RUSTDOCFLAGS='-D warnings' tools/step doc tools/setup -- cargo doc --release --locked --no-deps --quiet
