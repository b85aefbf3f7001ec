"""The start of the program, in processes of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from paintdiff.app import read_arguments
from paintdiff.generation.errors import UserError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the folders of the user are moved by XDG variables")

ROOT = Path(__file__).parent.parent


def run_python(code: str, data_home: Path) -> str:
    environment = {**os.environ, "XDG_DATA_HOME": str(data_home), "XDG_CONFIG_HOME": str(data_home)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_program_shows_its_window_with_the_sample_writes_a_log_and_ends(tmp_path: Path) -> None:
    code = """
from paintdiff import app
app.WARM_UP_AFTER_MS = 10_000_000
opened = app._open_first
def open_first(window, path):
    print(window.isVisible(), window.canvas.isVisible())
    opened(window, path)
    print(window.editor.name, window.canvas.isVisible())
    window.close()
app._open_first = open_first
print(app.main([]))
"""
    assert run_python(code, tmp_path).splitlines() == ["True False", "Sample True", "0"]
    (log,) = tmp_path.rglob("paintdiff.log")
    assert "PaintDiff" in log.read_text(encoding="utf-8")


def test_a_long_log_makes_room_for_a_new_one(tmp_path: Path) -> None:
    code = """
import sys
from paintdiff import app
application = app.start_application([])
print(app._start_log())
"""
    file = Path(run_python(code, tmp_path).strip())
    file.write_text("x" * 600_000, encoding="utf-8")
    assert Path(run_python(code, tmp_path).strip()) == file
    assert file.stat().st_size < 1000
    assert file.with_name("paintdiff.log.1").stat().st_size == 600_000


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--bogus"], {"QT_QPA_PLATFORM": "offscreen"}), (["--model", "absent"], {"QT_QPA_PLATFORM": "offscreen"}),
        ([], {"QT_QPA_PLATFORM": "xcb"}), ([], {}),
    ],
)
def test_a_start_that_cannot_work_is_one_sentence_and_exit_2(arguments: list[str], environment: dict[str, str]) -> None:
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    clean = {name: value for name, value in os.environ.items() if name not in screens}
    done = subprocess.run(
        [sys.executable, "-m", "paintdiff", *arguments], env=clean | environment, capture_output=True, text=True,
        cwd=ROOT, timeout=60,
    )
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], (None, "")),
        (["a.png"], (Path("a.png"), "")),
        (["--model", "tests"], (None, "tests")),
        (["--model=tests", "a.png"], (Path("a.png"), "tests")),
        (["a.png", "--model", "first-light"], (Path("a.png"), "first-light")),
    ],
)
def test_a_picture_and_a_model_may_be_named(arguments, expected, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    assert read_arguments(arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a.png", "b.png"], "one picture"), (["--model"], "--model takes"), (["--model", "absent"], "'absent'"),
        (["--model="], "--model takes"), (["--prompt", "x"], "--model MODEL"), (["-x"], "one picture"),
    ],
)  # fmt: skip
def test_other_arguments_are_refused_with_a_sentence(arguments, words) -> None:
    with pytest.raises(UserError, match=words):
        read_arguments(arguments)
