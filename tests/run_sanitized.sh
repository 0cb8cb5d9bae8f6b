#!/bin/sh
# Build the parsers with bounds checks, AddressSanitizer and UndefinedBehaviorSanitizer in a temporary copy of the
# tree, and run their tests there: `PYTHON=.venv/bin/python tests/run_sanitized.sh [pytest options]`, under two minutes.
# Python's own allocator is switched off, so that every object has a red zone. A finding aborts the run.
set -eu
python=$(command -v "${PYTHON:-python3}")
case $python in /*) ;; *) python=$PWD/$python ;; esac
root=$(cd "$(dirname "$0")/.." && pwd)
beside=$(cd "$root/.." && pwd)/shared
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
trap 'exit 130' INT TERM

cd "$root"
tar --exclude='*.so' --exclude=__pycache__ -cf - setup.py pyproject.toml gateway tests | tar -xf - -C "$copy"
cd "$copy"
touch README.md
parsers='gateway/dataplane/http1.pyx gateway/dataplane/chunks.pyx gateway/dataplane/head_writer.pyx'
find gateway -name '*.pyx' | while read -r source; do
    case " $parsers " in *" $source "*) ;; *) rm "$source" ;; esac
done
GATEWAY_SANITIZE=1 "$python" setup.py -q build_ext --inplace --parallel 2 >build.log 2>&1 || { cat build.log; exit 1; }

export SAFEGUARD_SHARED="${SAFEGUARD_SHARED:-$beside}"
export LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)"
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export PYTHONMALLOC=malloc
"$python" -m pytest -q -p no:cacheprovider -p no:faulthandler --capture=sys "$@" tests/fuzz tests/parity/test_http1.py tests/parity/test_http1_peers.py \
    tests/dataplane/test_http1.py tests/dataplane/test_start_line.py tests/dataplane/test_target.py \
    tests/dataplane/test_framing.py tests/dataplane/test_chunks.py tests/dataplane/test_head_writer.py \
    tests/dataplane/test_http_vectors.py
