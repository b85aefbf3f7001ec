"""Take single files out of Debian packages and Python wheels, and out of the archives that games pack into them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

_WHEELS = ("scikit-image", "scikit-learn")  # all others are packages of Debian
_PICTURES = (".png", ".jpg", ".webp")


def copy_files(package: str, files: list[str], folder: Path) -> None:
    """Copy the package's `files` (ends of their paths in it) to `folder`, each below its own name.

    Says so on stderr where that fails, since the rest can go on without.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        unpacked = Path(name)
        try:
            (_unpack_wheel if package in _WHEELS else _unpack_deb)(package, unpacked)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"{package} cannot be fetched here, its pictures are left out: {error}", file=sys.stderr)
        paths = [path for path in unpacked.rglob("*") if path.is_file()]
        for file in files:
            for path in paths:
                if path.as_posix().endswith(f"/{file}"):
                    (folder / file).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, folder / file)


def unpack_archives(folder: Path) -> None:
    """Unpack the pictures of every archive below `folder` (zip files named .pk3, Qt resources .rcc) into it."""
    for path in list(folder.rglob("*.pk3")):
        _unzip(path, folder)
    for path in list(folder.rglob("*.rcc")):
        _unpack_resources(path, folder)


def _unpack_deb(package: str, folder: Path) -> None:
    _run(["apt-get", "download", package], folder)
    for path in folder.glob(f"{package}_*.deb"):
        _run(["dpkg-deb", "-x", path.name, "."], folder)
    unpack_archives(folder)


def _unpack_wheel(package: str, folder: Path) -> None:
    _run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", package], folder)
    for path in folder.glob(f"{package.replace('-', '_')}-*.whl"):
        _unzip(path, folder)


def _unzip(path: Path, folder: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if Path(name).suffix in _PICTURES])


def _unpack_resources(path: Path, folder: Path) -> None:
    """The pictures of a Qt resource file, which Qt shows as a folder tree of its own."""
    from PySide6.QtCore import QDir, QDirIterator, QFile, QResource

    QResource.registerResource(str(path), "/unpacked")
    walk = QDirIterator(":/unpacked", QDir.Filter.Files, QDirIterator.IteratorFlag.Subdirectories)
    while walk.hasNext():
        inside = walk.next()
        if Path(inside).suffix in _PICTURES:
            target = folder / inside.lstrip(":/")
            target.parent.mkdir(parents=True, exist_ok=True)
            QFile.copy(inside, str(target))
    QResource.unregisterResource(str(path), "/unpacked")


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
