"""Published test vectors lie beside the checkout; without them their tests are skipped, and say so."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "shared" / "vectors"


def folder(name: str) -> Path:
    """Return the folder of published vectors, or skip the test."""
    path = ROOT / name
    if not path.is_dir():
        pytest.skip(f"no published vectors: ../shared/vectors/{name} is absent")
    return path
