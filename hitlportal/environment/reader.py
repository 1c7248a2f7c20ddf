"""Reads single settings from the environment and collects every problem on the way."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

import environ

# Each of these may also be given as NAME_FILE, the path of a file that holds the value.
SECRET_NAMES = (
    "COMMAND_CODE",
    "COMMAND_PASSWORD",
    "DATABASE_URL",
    "EMAIL_URL",
    "GRANT_RETIRED_KEYS",
    "GRANT_SIGNING_KEY",
    "LEDGER_RETIRED_KEYS",
    "LEDGER_SIGNING_KEY",
    "LLM_API_KEY",
    "METRICS_TOKEN",
    "OIDC_CLIENT_SECRET",
    "REDIS_URL",
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "SLACK_BOT_TOKEN",
    "SLACK_SIGNING_SECRET",
)


class Reader:
    """Reads values and collects every problem, so that all are told at once."""

    def __init__(self, source: Mapping[str, str], var: Path) -> None:
        self.problems: list[str] = []
        self._var = var
        self.env = environ.Env()
        self.env.ENVIRON = self._with_secret_files(dict(source))

    def _with_secret_files(self, values: dict[str, str]) -> dict[str, str]:
        for name in SECRET_NAMES:
            path = values.pop(f"{name}_FILE", "")
            if not path:
                continue
            if values.get(name):
                self.problems.append(f"{name} and {name}_FILE are both set: keep one of them.")
                continue
            values[name] = self._read_secret_file(name, Path(path))
        return values

    def _read_secret_file(self, name: str, path: Path) -> str:
        try:
            content = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            self.problems.append(f"{name}_FILE: cannot read {path} ({error}).")
            return ""
        if not content:
            self.problems.append(f"{name}_FILE: {path} is empty.")
        return content

    def text(self, name: str, default: str = "") -> str:
        """Return the text of a setting; an empty one counts as not set."""
        return str(self.env.str(name, default=default)).strip() or default

    def words(self, name: str) -> list[str]:
        """Return the parts of a comma-separated setting."""
        return [part.strip() for part in self.text(name).split(",") if part.strip()]

    def flag(self, name: str) -> bool:
        """Return a yes/no setting, no unless it says yes. What is neither is a problem."""
        value = self.text(name).lower()
        if value in {"1", "true", "yes", "on"}:
            return True
        if value not in {"", "0", "false", "no", "off"}:
            self.problems.append(f"{name}: say true or false, not {value!r}.")
        return False

    def whole(self, name: str, default: int, lowest: int, highest: int) -> int:
        """Return a whole number between `lowest` and `highest`."""
        value = self.text(name, str(default))
        if value.isascii() and value.isdigit() and lowest <= int(value) <= highest:
            return int(value)
        self.problems.append(f"{name}: say a whole number from {lowest} to {highest}, not {value!r}.")
        return default

    def file(self, name: str) -> Path | None:
        """Return the path of a file that must exist when it is set."""
        value = self.text(name)
        if not value:
            return None
        path = Path(value).absolute()
        if not path.is_file():
            self.problems.append(f"{name}: there is no file {path}.")
        return path

    def networks(self, name: str) -> list[IPv4Network | IPv6Network]:
        """Return a list of networks in CIDR notation."""
        networks: list[IPv4Network | IPv6Network] = []
        for part in self.words(name):
            try:
                networks.append(ip_network(part))
            except ValueError as error:
                self.problems.append(f"{name}: {error}.")
        return networks

    def generated(self, name: str, debug: bool, make: Callable[[], str], advice: str) -> str:
        """Return a secret; in debug mode one is made once and kept in the state folder."""
        value = self.text(name)
        if value:
            return value
        if debug:
            return _kept(self._var / f"{name.lower()}", make)
        if not any(problem.startswith(name) for problem in self.problems):
            self.problems.append(f"{name} is missing. {advice}")
        return ""


def _kept(path: Path, make: Callable[[], str]) -> str:
    """Return the content of `path`, which `make` fills if no process has done so yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(make())
        try:
            os.link(draft, path)  # unlike a rename it never replaces what another process wrote
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="utf-8").strip()


def private_folder(path: Path) -> Path:
    """Return `path`, made if need be, so that only its owner looks into it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
