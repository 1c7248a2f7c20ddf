#!/bin/sh
# All static checks. Each runs whatever the others found; the exit code is 1 if any failed.
# Expects the programs of .venv/bin on the PATH, as `make check` arranges.
cd "$(dirname "$0")/.." || exit 1
export PYTHONPATH="$PWD/clients/python"

state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
failed=""

check() {
    title=$1
    shift
    printf '\n== %s\n' "$title"
    "$@" || failed="$failed\n  - $title"
}

# A portal as it would run in production, with secrets that live as long as this script.
deployed() {
    env -i PATH="$PATH" HOME="$state" PYTHONPATH="$PYTHONPATH" VAR_DIR="$state" \
        SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(64))')" \
        GRANT_SIGNING_KEY="$(python -c 'from hitlportal.environment.environment import new_signing_key; print(new_signing_key())')" \
        LEDGER_SIGNING_KEY="$(python -c 'from hitlportal.environment.environment import new_signing_key; print(new_signing_key())')" \
        ALLOWED_HOSTS=portal.example.com SITE_URL=https://portal.example.com TRUST_X_FORWARDED_PROTO=true \
        DATABASE_URL=postgres://nobody@127.0.0.1:1/nothing \
        python manage.py "$@"
}

# Development mode without a database: whatever asks for one has to fail.
trial() {
    env DEBUG=true VAR_DIR="$state" DATABASE_URL=postgres://nobody@127.0.0.1:1/nothing python "$@"
}

check "ruff: lint" ruff check --quiet .
check "ruff: format" ruff format --check --quiet .
check "mypy: types" trial -m mypy
check "import-linter: the house's walls" lint-imports --no-cache --no-logo
check "migrations: none missing" trial -W "ignore::RuntimeWarning" manage.py makemigrations --check --dry-run
check "check --deploy" deployed check --deploy --fail-level WARNING
check "OpenAPI: valid and without warnings" trial manage.py spectacular --validate --fail-on-warn --file "$state/openapi.yaml"

if [ -n "$failed" ]; then
    printf "\nFailed:$failed\n"
    exit 1
fi
printf '\nAll checks passed.\n'
