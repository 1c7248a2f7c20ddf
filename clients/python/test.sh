#!/bin/sh
# The adapters' tests, each in an environment of its own that holds its framework: sh clients/python/test.sh [NAME …]
set -eu
cd "$(dirname "$0")"
PYTHON=${PYTHON:-python3}
ENVIRONMENTS=${ENVIRONMENTS:-$PWD/../../.venv/clients}

test "$#" -gt 0 || set -- $(cd locks && ls *.txt | sed 's/\.txt$//')
for name in "$@"; do
    printf '\n== %s\n' "$name"
    folder=$ENVIRONMENTS/$name
    if ! cmp -s "locks/$name.txt" "$folder/installed.txt"; then
        "$PYTHON" -m venv --clear "$folder"
        "$folder/bin/python" -m pip --disable-pip-version-check install --quiet --require-hashes -r "locks/$name.txt"
        cp "locks/$name.txt" "$folder/installed.txt"
    fi
    if test -f "../../tests/clients/with_$name.py"; then # it needs a portal, and so the portal's own environment
        (cd ../.. && CLIENT_PYTHON="$folder/bin/python" "$PYTHON" -m pytest -q -n 0 "tests/clients/with_$name.py")
    else
        PYTHONPATH=. "$folder/bin/python" -m pytest -q -p no:cacheprovider --rootdir . "tests/test_$name.py"
    fi
done
