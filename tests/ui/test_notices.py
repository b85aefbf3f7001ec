"""What a job had to do otherwise than asked is told in the status bar."""

from tests.hungry import memory_for_one_picture


def test_a_batch_that_had_to_be_halved_is_told(window, qtbot) -> None:
    window.panel.fields["prompt"].set_value("a pear")  # guided, so two pictures at once
    window.panel.fields["prompt"].set_value("a cat")
    with memory_for_one_picture(), qtbot.waitSignal(window.generating.proved, timeout=30_000):
        window.generating.generate()
    assert "Memory ran out" in window.status.currentMessage()
    hint = window.panel.run_bar.hint
    assert "Memory ran out" in hint.text()
    assert hint.isVisible()
    with qtbot.waitSignal(window.generating.proved, timeout=30_000):
        window.generating.generate()
    assert not hint.isVisible()
