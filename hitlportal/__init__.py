"""The program around the apps: settings, accounts, processes. Makes the checkout's client package importable."""

import sys
from pathlib import Path

_CLIENT = str(Path(__file__).resolve().parent.parent / "clients" / "python")

# At the end: a client package that somebody has installed comes first.
if _CLIENT not in sys.path:
    sys.path.append(_CLIENT)
