"""The model browser by keyboard and mouse: search, walk, use, star, folders, and models from a hub on this machine."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from paintdiff.generation.model_card import Family, ModelCard, Place
from paintdiff.models.hub import Fetching, Offer
from paintdiff.models.preferences import add_folder, hub_token, model_folders
from paintdiff.ui.models.browser import ModelBrowser
from paintdiff.ui.models.card_delegate import pill_rect, star_rect
from paintdiff.ui.models.card_list import SHOWN
from paintdiff.ui.models.download_row import DownloadRow, progress_of
from paintdiff.ui.window import Window
from tests.hub_server import running_hub
from tests.models.repositories import pipeline_repository
from tests.own_hub import go_to

GB = 10**9
CARDS = [
    ModelCard("first-light", "First Light", Family.BUNDLED, Place.BUNDLED, 80_000_000, 128, True),
    ModelCard("/m/dream.safetensors", "Dream", Family.SD1, Place.FOLDER, 2 * GB, 512, licence="openrail"),
    ModelCard("/m/" + "long" * 60 + ".safetensors", "long" * 60, Family.SDXL, Place.FOLDER, 7 * GB, 1024),
    ModelCard("owner/turbo", "owner/turbo", Family.SDXL, Place.CACHE, 7 * GB, 512, few_steps="Turbo"),
    ModelCard("/m/old.ckpt", "old", Family.UNKNOWN, Place.FOLDER, problem="old.ckpt is a pickle: convert it first."),
]


@pytest.fixture
def window(make_window) -> Window:
    return make_window(scan=lambda folders: iter(CARDS))


@pytest.fixture
def browser(window, qtbot) -> ModelBrowser:
    """Open, with every card there; what is used is written down in place of being opened."""
    window.models.browse()
    browser = window.models.browser
    assert browser is not None
    qtbot.waitUntil(lambda: browser.view.model().rowCount() == len(CARDS) and not window.models.library.looking)
    qtbot.waitUntil(lambda: browser.isActiveWindow())
    browser.used = []
    browser.use_asked.disconnect()
    browser.use_asked.connect(browser.used.append)
    return browser


def shown(browser: ModelBrowser) -> list[str]:
    rows = browser.view.model()
    return [rows.index(row).data() for row in range(rows.rowCount())]


def press(key: Qt.Key) -> None:
    QTest.keyClick(QApplication.focusWidget(), key)


def click(browser: ModelBrowser, place: QPoint) -> None:
    QTest.mouseClick(browser.view.viewport(), Qt.MouseButton.LeftButton, pos=place)


def cell(browser: ModelBrowser, source: str):
    rows = browser.view.model()
    return browser.view.visualRect(rows.index(rows.row_of(source)))


def test_typing_searches_at_once_and_enter_uses_what_is_found(browser) -> None:
    QTest.keyClicks(browser.search, "turbo")
    assert shown(browser) == ["owner/turbo"]
    press(Qt.Key.Key_Return)
    assert browser.used == ["owner/turbo"]


def test_the_arrows_walk_from_the_search_into_the_cards_and_letters_go_back(browser) -> None:
    assert QApplication.focusWidget() is browser.search
    browser.view.choose("first-light")
    press(Qt.Key.Key_Down)
    assert QApplication.focusWidget() is browser.view
    first = browser.view.source
    assert first != "first-light"
    press(Qt.Key.Key_Left)
    press(Qt.Key.Key_Up)
    QTest.keyClicks(browser.view, "dr")
    assert browser.search.text() == "dr"
    assert QApplication.focusWidget() is browser.search
    assert browser.view.source == "/m/dream.safetensors"


def test_escape_clears_the_search_first_and_then_closes(browser) -> None:
    QTest.keyClicks(browser.search, "no such model")
    assert shown(browser) == []
    assert not browser.use.isEnabled()
    press(Qt.Key.Key_Escape)
    assert len(shown(browser)) == len(CARDS)
    assert browser.isVisible()
    press(Qt.Key.Key_Escape)
    assert not browser.isVisible()


def test_families_that_are_there_can_be_filtered(browser) -> None:
    offered = [browser.family.itemText(row) for row in range(browser.family.count())]
    assert offered == ["All families", "First Light", "Stable Diffusion 1", "Stable Diffusion XL", "Unknown kind"]
    browser.family.setCurrentText("Stable Diffusion XL")
    assert sorted(shown(browser)) == sorted([CARDS[2].name, "owner/turbo"])


def test_one_click_on_a_cards_button_uses_it_and_a_click_beside_only_chooses_it(browser) -> None:
    place = cell(browser, "owner/turbo")
    click(browser, place.center())
    assert browser.used == []
    assert browser.view.source == "owner/turbo"
    click(browser, pill_rect(place, browser.view.fontMetrics(), "Use").center())
    assert browser.used == ["owner/turbo"]


def test_a_double_click_and_the_button_below_use_it_too(browser) -> None:
    click(browser, cell(browser, "owner/turbo").center())
    QTest.mouseDClick(browser.view.viewport(), Qt.MouseButton.LeftButton, pos=cell(browser, "owner/turbo").center())
    browser.use.click()
    assert browser.used == ["owner/turbo", "owner/turbo"]


def test_a_star_is_set_by_mouse_or_space_kept_and_sorts_first(browser, window) -> None:
    click(browser, star_rect(cell(browser, "owner/turbo")).center())
    assert shown(browser)[0] == "owner/turbo"
    assert window.settings.models.favourites == ["owner/turbo"]
    assert browser.used == []
    browser.view.setFocus()
    browser.view.choose("/m/dream.safetensors")
    press(Qt.Key.Key_Space)
    assert shown(browser)[:2] == ["Dream", "owner/turbo"]
    press(Qt.Key.Key_Space)
    assert window.settings.models.favourites == ["owner/turbo"]


def test_a_faulty_model_says_in_red_why_and_cannot_be_used(browser) -> None:
    browser.view.choose("/m/old.ckpt")
    assert browser.said.text() == CARDS[-1].problem
    assert browser.said.property("bad")
    assert not browser.use.isEnabled()
    click(browser, pill_rect(cell(browser, "/m/old.ckpt"), browser.view.fontMetrics(), "Use").center())
    assert browser.used == []


def test_the_model_that_paints_is_marked_and_not_offered_again(make_window, model_folder, qtbot) -> None:
    own = ModelCard(str(model_folder), "Tiny", Family.BUNDLED, Place.FOLDER, 10**6, 16)
    window = make_window(scan=lambda folders: iter([*CARDS, own]))
    window.models.browse()
    browser = window.models.browser
    rows = browser.view.model()
    qtbot.waitUntil(lambda: browser.view.choose(str(model_folder)))
    assert rows.index(rows.row_of(str(model_folder))).data(SHOWN).opening
    with qtbot.waitSignal(window.jobs.model_loaded, timeout=60_000):
        window.generating.warm_up()
    assert browser.use.text() == "In use"
    assert not browser.use.isEnabled()


def test_how_it_fits_is_said_before_it_is_loaded(browser, qtbot) -> None:
    browser.view.choose("/m/dream.safetensors")
    qtbot.waitUntil(lambda: "needs about" in browser.said.text(), timeout=15_000)


def test_with_only_the_bundled_model_the_room_says_what_to_do(make_window, qtbot) -> None:
    window = make_window(scan=lambda folders: iter(CARDS[:1]))
    window.models.browse()
    browser = window.models.browser
    qtbot.waitUntil(lambda: not window.models.library.looking)
    assert "Add a folder" in browser._hint()
    QTest.keyClicks(browser.search, "xyz")
    assert "Esc" in browser._hint()


def test_folders_are_added_looked_through_again_and_taken_out(make_window, tmp_path, qtbot) -> None:
    looks = []
    window = make_window(scan=lambda folders: looks.append(tuple(folders)) or iter(CARDS))
    window.models.browse()
    browser = window.models.browser
    folder = tmp_path / "my & models"
    folder.mkdir()
    browser.folders.add(folder)
    assert model_folders() == (folder,)
    qtbot.waitUntil(lambda: looks[-1] == (folder,))
    browser.folders.add(tmp_path / "gone")
    assert "gone" in browser.said.text()
    browser.folders.fill()
    entry = browser.folders.actions()[-1].menu()
    assert entry.title().endswith("my && models")
    entry.actions()[0].trigger()
    assert model_folders() == ()
    qtbot.waitUntil(lambda: looks[-1] == ())


def test_models_that_are_gone_leave_the_list_after_the_next_look(browser, window, qtbot) -> None:
    window.models.library._scanning._scan = lambda folders: iter(CARDS[:2])
    window.models.library.refresh()
    qtbot.waitUntil(lambda: len(shown(browser)) == 2)


def test_five_hundred_models_are_searched_and_walked_without_a_hitch(make_window, qtbot) -> None:
    many = [ModelCard(f"/m/{i}", f"model {i}", Family.SD1, Place.FOLDER, GB, 512) for i in range(500)]
    window = make_window(scan=lambda folders: iter(many))
    window.models.browse()
    browser = window.models.browser
    qtbot.waitUntil(lambda: browser.view.model().rowCount() == 500, timeout=15_000)
    QTest.keyClicks(browser.search, "model 49")
    assert len(shown(browser)) == 15
    browser.search.clear()
    browser.view.setFocus()
    press(Qt.Key.Key_End)
    assert browser.view.source == "/m/99"
    assert browser.view.viewport().rect().intersects(cell(browser, "/m/99")), "it is scrolled to"


def test_a_file_dropped_on_the_browser_is_opened(browser, window, tmp_path) -> None:
    file = tmp_path / "rubbish.safetensors"
    file.write_bytes(b"\xff" * 50)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(file))])
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    browser.dropEvent(QDropEvent(QPointF(5, 5), action, data, button, Qt.KeyboardModifier.NoModifier))
    assert "rubbish" in browser.said.text()


@pytest.mark.parametrize("name", ["", "just-a-name", "a/../b", "https://example.org/a/b"])
def test_what_is_no_name_on_the_hub_is_said_and_asks_nobody(browser, window, name) -> None:
    browser.hub.name.setText(name)
    browser.hub.get.click()
    assert browser.hub.problem.isVisible()
    assert window.models.downloads.names == ()


def test_a_download_says_how_far_how_fast_and_how_long() -> None:
    assert progress_of(Fetching("fetching", 2 * GB, 6 * GB, 40e6)) == "2.0 GB of 6.0 GB · 40 MB/s · 2 min left"
    assert progress_of(Fetching("checking")) == "Checking…"


def test_a_line_of_a_download_offers_what_fits_how_it_stands(qtbot) -> None:
    row = DownloadRow("owner/model")
    qtbot.addWidget(row)
    row.show()
    asked = []
    row.start_asked.connect(asked.append)
    row.show_offer(Offer("owner/model", licence="mit", size_bytes=4 * GB, missing_bytes=3 * GB))
    assert row.act.text() == "Download 3.0 GB"
    assert "mit" in row.said.text()
    row.act.click()
    row.show_progress(Fetching("fetching", GB, 4 * GB, 1e7))
    assert row.act.text() == "Cancel"
    row.show_stopped()
    assert "1.0 GB of 4.0 GB" in row.said.text()
    assert row.act.text() == "Resume"
    row.act.click()
    row.show_offer(Offer("owner/model", choices=(("a.safetensors", GB), ("b.safetensors", 2 * GB))))
    row.choice.setCurrentIndex(1)
    row.act.click()
    assert asked == ["owner/model", "owner/model", "owner/model/b.safetensors"]
    row.show_finished()
    with qtbot.waitSignal(row.use_asked):
        row.act.click()


def test_a_token_is_kept_only_where_the_user_says_so(browser, monkeypatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    hub = browser.hub
    assert not hub.token.isVisible()
    hub.show_token.click()
    QTest.keyClicks(hub.token, "hf_secret")
    press(Qt.Key.Key_Tab)
    assert hub_token() == ""
    hub.remember.click()
    assert hub_token() == "hf_secret"
    hub.remember.click()
    assert hub_token() == ""


def test_a_refusal_for_want_of_a_token_asks_for_one(browser, window) -> None:
    window.models.downloads.failed.emit("owner/other", "No tokenizer is in owner/other.")
    assert not browser.hub.token.isVisible()
    window.models.downloads.failed.emit("owner/gated", "owner/gated is gated: give PaintDiff a token of your account.")
    assert browser.hub.token.isVisible()


def test_a_model_is_asked_for_fetched_stopped_resumed_and_then_here(
    browser, window, monkeypatch, tmp_path, qtbot
) -> None:
    repository = pipeline_repository(tmp_path / "hub" / "pipeline", size=600_000)
    with running_hub({"owner/pipeline": repository}) as hub:
        go_to(monkeypatch, hub, tmp_path / "cache")
        hub.manners.bytes_per_second = 200_000
        browser.hub.name.setText("https://huggingface.co/owner/pipeline")
        QTest.keyClick(browser.hub.name, Qt.Key.Key_Return)
        (row,) = browser.hub.findChildren(DownloadRow)
        qtbot.waitUntil(lambda: row.act.text().startswith("Download"), timeout=60_000)
        assert "apache-2.0" in row.said.text()
        row.act.click()
        qtbot.waitUntil(lambda: row.bar.isVisible() and row.bar.value() > 0, timeout=60_000)
        row.act.click()
        assert row.act.text() in ("Resume", "Try again")
        assert window.models.downloads.names == ()
        hub.manners.bytes_per_second = 0
        row.act.click()
        qtbot.waitUntil(lambda: row.act.text() == "Use it", timeout=60_000)
    row.act.click()
    assert not browser.isVisible()
    assert window.models.switching.chosen == "owner/pipeline"


def test_a_folder_added_elsewhere_shows_in_the_menu(browser, tmp_path) -> None:
    add_folder(tmp_path)
    browser.folders.fill()
    titles = [action.menu().title() for action in browser.folders.actions() if action.menu()]
    assert [Path(title).name for title in titles] == [tmp_path.name]
