"""What a student's process can see: the interpreter, the libraries, and part of `course`.

Left out are the references, the labs' specifications, the solutions, the models' cards and the
recipes that say what is planted in them, the lessons, and everybody's home. One list serves twice:
bubblewrap makes a file system of it for the fork server, and Landlock holds each child to it.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
BESIDE = ("course", "solutions", "exercises", "tests")
SERVER_FILES = (
    "advice.py",
    "frames.py",
    "values.py",
    "withhold.py",
    "sandbox/bootstrap.py",
    "sandbox/server.py",
    "sandbox/preload.py",
    "sandbox/child.py",
    "sandbox/confine.py",
    "sandbox/namespaces.py",
    "sandbox/pages.py",
    "sandbox/privileges.py",
    "sandbox/landlock.py",
    "sandbox/seccomp.py",
    "sandbox/instruments.py",
    "sandbox/shell.py",
)
SYSTEM_TREES = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32", "/usr/local/lib")
SYSTEM_LINKS = ("/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo")
COURSE_SUFFIXES = (".py", ".typed", ".safetensors")
COURSE_UNSEEN = ("lessons", "planted", "site", "__pycache__")
TMP_BYTES = 512 << 20


@dataclass(frozen=True)
class View:
    """Paths by what may be done with them; see `look`.

    Attributes:
        packages: folders to import from.
        trees: folders, and files outside `course`, that may be read.
        files: the files of `course` that may be read.
        listed: folders of which the names may be listed, but not each file read.
        roots: what `trees` was before `hidden` was taken out of it.
        hidden: folders inside `roots` that must not be seen.

    """

    packages: tuple[str, ...]
    trees: tuple[str, ...]
    files: tuple[str, ...]
    listed: tuple[str, ...]
    roots: tuple[str, ...]
    hidden: tuple[str, ...]

    @property
    def course_home(self) -> str:
        """The folder that `course` lies in."""
        return str(_course().parent)


def look() -> View:
    """Return the view that this installation gives."""
    home = _course()
    hidden = {PACKAGE, *(PACKAGE.parent / name for name in BESIDE), home}
    packages = [path for path in _package_folders() if path != home.parent]
    if home.parent.name in ("site-packages", "dist-packages"):
        packages.append(home.parent)
    libraries = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")]
    shared = [Path(sys.base_prefix, name) for name in ("lib", "lib64")]
    trees: list[Path] = []
    listed: list[Path] = []
    wanted = [*packages, *libraries, *shared, *map(Path, (*SYSTEM_TREES, *SYSTEM_FILES))]
    roots = _outermost(path for path in wanted if path.exists())
    links = [Path(link) for link in SYSTEM_LINKS if Path(link).exists()]
    for root in roots:
        seen, folders = subtract(root, hidden)
        trees += seen
        listed += folders
    files = [path for path in sorted(home.rglob("*")) if _is_seen(path, home)]
    listed += sorted({home, *(path.parent for path in files)})
    inside = [path for path in hidden if path.exists() and set(path.parents) & set(roots)]
    return View(
        packages=tuple(map(str, packages)),
        trees=tuple(map(str, [*trees, *links])),
        files=tuple(map(str, files)),
        listed=tuple(map(str, listed)),
        roots=tuple(map(str, [*roots, *links])),
        hidden=tuple(map(str, sorted(inside))),
    )


def subtract(tree: Path, hidden: set[Path]) -> tuple[list[Path], list[Path]]:
    """Return what is left of `tree` without `hidden`, and the folders opened up for it."""
    if tree in hidden:
        return [], []
    if not any(tree in path.parents for path in hidden):
        return [tree], []
    seen: list[Path] = []
    opened = [tree]
    for entry in sorted(tree.iterdir()):
        inner, folders = subtract(entry, hidden)
        seen += inner
        opened += folders
    return seen, opened


def interpreter() -> str:
    """Return the interpreter itself; behind a virtual environment's link lies more than that."""
    if sys.platform == "win32":  # there it is no link, but a program that starts another
        return getattr(sys, "_base_executable", sys.executable)
    return os.path.realpath(sys.executable)


def unreadable_to_others(path: str) -> str | None:
    """Return the first folder above `path` that an ordinary user cannot pass, if there is one."""
    for folder in reversed(Path(path).parents):
        if not folder.stat().st_mode & 0o001:
            return str(folder)
    return None


def bubblewrap(view: View, *, as_root: bool, level: str = "landlock") -> list[str] | None:
    """Return the command that runs what follows in this view, or None without bubblewrap."""
    program = shutil.which("bwrap", path="/usr/bin:/bin:/usr/local/bin")
    if program is None:
        return None
    command = [program, "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    command += ["--unshare-cgroup-try", "--hostname", "sandbox"]
    if as_root:  # what is needed to become an ordinary user, and no more
        command += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        if level == "namespaces":  # to mount a /proc that is not covered
            command += ["--cap-add", "CAP_SYS_ADMIN"]
    else:
        command += ["--unshare-user"]
    command += ["--proc", "/proc", "--dev", "/dev"]
    command += ["--perms", "1777", "--size", str(TMP_BYTES), "--tmpfs", "/tmp"]
    roots = _outermost(map(Path, [*view.roots, interpreter()]))
    hidden = [Path(path) for path in view.hidden]
    files = [Path(path) for path in view.files] + [PACKAGE / name for name in SERVER_FILES]
    steps = [(path, _bind(path)) for path in roots]
    steps += [(path, ["--perms", "0755", "--tmpfs", str(path)]) for path in hidden]
    steps += [(path, _bind(path)) for path in files]
    for path, step in steps:
        # Left to itself bubblewrap makes folders that only their owner can enter.
        for folder in reversed(path.parents[:-1]):
            if _is_within(folder, hidden) or not _is_within(folder, roots):
                command += ["--perms", "0755", "--dir", str(folder)]
        command += step
    for path in (*view.hidden, "/"):
        command += ["--remount-ro", path]
    return [*command, "--chdir", "/", "--"]


def _bind(path: Path) -> list[str]:
    if str(path) in SYSTEM_LINKS and path.is_symlink():
        return ["--symlink", str(path.readlink()), str(path)]
    return ["--ro-bind", str(path), str(path)]


def _is_within(path: Path, folders: Iterable[Path]) -> bool:
    return bool({path, *path.parents} & set(folders))


def _course() -> Path:
    spec = find_spec("course")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the package `course` is not installed beside `autograder`")
    return Path(spec.origin).resolve().parent


def _package_folders() -> list[Path]:
    """Return the folders of installed packages, and where torch is if it is elsewhere."""
    found = [Path(entry) for entry in sys.path if Path(entry).name.endswith("-packages")]
    torch = find_spec("torch")
    if torch and torch.origin:
        found.append(Path(torch.origin).parents[1])
    return list(dict.fromkeys(path for path in found if path.is_dir()))


def _is_seen(path: Path, home: Path) -> bool:
    inside = path.relative_to(home).parts
    return path.is_file() and path.suffix in COURSE_SUFFIXES and not set(inside) & {*COURSE_UNSEEN}


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """Return the paths that lie in none of the others."""
    unique = sorted(set(paths))
    return [path for path in unique if not any(parent in unique for parent in path.parents)]
