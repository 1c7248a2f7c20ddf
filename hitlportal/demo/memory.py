"""State a demo keeps from one run to the next and shares with its programs: one private file."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Memory:
    """People of the demo and how they sign in; where the portal and the executor are."""

    portal: str = ""
    executor_port: int = 0
    executor_secret: str = ""
    audience: str = ""
    """The connector's slug: whom the grants are for."""
    is_rehearsal: bool = False
    passwords: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Folder:
    """The demo's state folder."""

    path: Path

    @property
    def memory(self) -> Path:
        """Logins and keys; for its owner's eyes only."""
        return self.path / "demo.json"

    @property
    def journal(self) -> Path:
        """What the executor has executed, one JSON object a line."""
        return self.path / "executed.jsonl"

    @property
    def deliveries(self) -> Path:
        """What the executor remembers of the messages it has seen."""
        return self.path / "deliveries.sqlite3"

    @property
    def mail(self) -> Path:
        """The e-mails that the portal has sent, whole, one file each."""
        return self.path / "mail"

    @property
    def log(self) -> Path:
        """What web, worker and beat have to say."""
        return self.path / "portal.log"

    def load(self) -> Memory:
        """Return what the last run left; an empty memory where there was none or it is damaged."""
        try:
            return Memory(**json.loads(self.memory.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return Memory()

    def save(self, memory: Memory) -> None:
        """Write the memory for its owner alone, whole or not at all."""
        self.path.mkdir(parents=True, exist_ok=True)
        draft = self.memory.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(memory), indent=2) + "\n", encoding="utf-8")
        draft.replace(self.memory)
