"""Card kinds a surface can choose from; `approvals` registers them when the portal starts."""

from collections.abc import Callable, Iterable
from typing import Final

Offered = Callable[[], Iterable[tuple[str, str]]]

_OFFERED: Final[list[Offered]] = []


def offer(kinds: Offered) -> None:
    """Let people choose among `kinds`: pairs of a slug and a name for people."""
    if kinds not in _OFFERED:
        _OFFERED.append(kinds)


def cards() -> list[tuple[str, str]]:
    """Return all kinds that were offered."""
    return [kind for kinds in _OFFERED for kind in kinds()]
