"""What this machine is said to have free, asked of programs and files that stand in for a driver's."""

import os
import stat
import sys
from pathlib import Path

import pytest

from paintdiff.models import machine
from paintdiff.models.machine import MIB, measure_machine

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the drivers' programs and files are those of Linux")


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any graphics card; the folder is all of its PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(machine, "DRM", tmp_path / "drm")
    write_program(tmp_path, "exit 9")
    return tmp_path


def write_program(folder: Path, body: str) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def test_without_a_graphics_card_there_is_main_memory_alone(bare) -> None:
    found = measure_machine()
    assert found.main > 0
    assert (found.card, found.graphics, found.shared) == ("", 0, False)


def test_what_this_process_holds_of_a_card_counts_as_free(bare) -> None:
    write_program(bare, f"""
case "$1" in
  *gpu=*) echo 'NVIDIA RTX 4070, 3000'; echo 'NVIDIA RTX 4090, 20000';;
  *) echo '{os.getpid()}, 2000'; echo '1, 5000';;
esac""")
    found = measure_machine()
    assert (found.card, found.graphics) == ("NVIDIA RTX 4070", 5000 * MIB)


@pytest.mark.parametrize("answer", ["", "No devices were found", "RTX, [N/A]", "a, b, c"])
def test_an_answer_that_makes_no_sense_is_no_card(bare, answer) -> None:
    write_program(bare, f"echo '{answer}'")
    assert measure_machine().graphics == 0


def test_of_several_amd_cards_the_one_with_the_most_memory_counts(bare) -> None:
    for card, total, used in (("card0", 500, 100), ("card1", 16_000, 1000)):
        device = bare / "drm" / card / "device"
        device.mkdir(parents=True)
        (device / "mem_info_vram_total").write_text(f"{total * MIB}\n")
        (device / "mem_info_vram_used").write_text(f"{used * MIB}\n")
    found = measure_machine()
    assert (found.card, found.graphics) == ("AMD GPU", 15_000 * MIB)
