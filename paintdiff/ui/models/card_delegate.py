"""Draws a model's card, and takes the clicks on its star and on its button."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QMouseEvent, QPainter, QPalette, QPen
from PySide6.QtWidgets import QApplication, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from paintdiff.models.fit import Fits
from paintdiff.ui import icons, theme
from paintdiff.ui.models.badge import draw_badge
from paintdiff.ui.models.card_list import SHOWN, Index, Shown
from paintdiff.ui.models.described import abilities_of, facts_of, place_of, problem_of

GAP, PADDING, BADGE, STAR = 8, 12, 40, 20
LINES = 4
CAREFUL = {"dark": "#e0b860", "light": "#8a5a00"}


class CardDelegate(QStyledItemDelegate):
    """Signals: `starred(str)` and `use_asked(str)` with the card's source."""

    starred = Signal(str)
    use_asked = Signal(str)
    cell = QSize(0, 0)  # of each row, with the gaps; the view sets it

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        shown: Shown = index.data(SHOWN)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _draw_ground(painter, option, shown.chosen)
        rect = card_rect(option.rect)
        corner = rect.topLeft() + QPoint(PADDING, PADDING)
        draw_badge(painter, QRect(corner, QSize(BADGE, BADGE)), shown.card.family)
        _draw_text(painter, option, shown)
        lit = bool(option.state & (QStyle.StateFlag.State_MouseOver | QStyle.StateFlag.State_Selected))
        if lit or shown.favourite:
            text = option.palette.color(QPalette.ColorRole.Text)
            ink = fit_colour(Fits.WITH_CARE, text) if shown.favourite else text
            ratio = painter.device().devicePixelRatioF()
            star = icons.pixmap("star_on" if shown.favourite else "star", STAR, ratio, ink)
            painter.drawPixmap(star_rect(option.rect).topLeft(), star)
        if shown.chosen:
            _draw_pill(painter, option, "Opening…" if shown.opening else "In use", False)
        elif lit and not shown.card.problem:
            _draw_pill(painter, option, "Use", True)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return self.cell

    def editorEvent(
        self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: Index
    ) -> bool:
        if not isinstance(event, QMouseEvent) or event.button() != Qt.MouseButton.LeftButton:
            return super().editorEvent(event, model, option, index)
        shown: Shown = index.data(SHOWN)
        where = event.position().toPoint()
        on_star = star_rect(option.rect).adjusted(-6, -6, 6, 6).contains(where)
        usable = not shown.chosen and not shown.card.problem
        on_pill = usable and pill_rect(option.rect, option.fontMetrics, "Use").contains(where)
        if event.type() == QEvent.Type.MouseButtonRelease and (on_star or on_pill):
            (self.starred if on_star else self.use_asked).emit(shown.card.source)
        return on_star or on_pill


def card_height(metrics: QFontMetrics) -> int:
    """How high a row is, with the gap to the next."""
    return max(LINES * (metrics.height() + 3) + 2 * PADDING, BADGE + 2 * PADDING) + GAP


def card_rect(cell: QRect) -> QRect:
    return cell.adjusted(0, 0, -GAP, -GAP)


def star_rect(cell: QRect) -> QRect:
    card = card_rect(cell)
    return QRect(card.right() - PADDING - STAR + 4, card.top() + PADDING - 2, STAR, STAR)


def pill_rect(cell: QRect, metrics: QFontMetrics, text: str) -> QRect:
    """Where the button or the mark in the lower right corner lies."""
    card, width, height = card_rect(cell), metrics.horizontalAdvance(text) + 24, metrics.height() + 8
    return QRect(card.right() - PADDING - width + 5, card.bottom() - PADDING - height + 5, width, height)


def _draw_ground(painter: QPainter, option: QStyleOptionViewItem, chosen: bool) -> None:
    palette, role = option.palette, QPalette.ColorRole
    selected = bool(option.state & QStyle.StateFlag.State_Selected)
    pointed = bool(option.state & QStyle.StateFlag.State_MouseOver)
    focused = selected and bool(option.state & QStyle.StateFlag.State_HasFocus)
    painter.setBrush(palette.color(role.AlternateBase if selected or pointed else role.Window))
    edge = role.Text if focused else role.Highlight if chosen else role.PlaceholderText if selected else role.Mid
    painter.setPen(QPen(palette.color(edge), 1.5 if focused or chosen else 1))
    painter.drawRoundedRect(QRectF(card_rect(option.rect)).adjusted(0.75, 0.75, -0.75, -0.75), 6, 6)


def _draw_text(painter: QPainter, option: QStyleOptionViewItem, shown: Shown) -> None:
    """Name, facts, and then either what it can do, where it lives and how it fits, or why it cannot be opened."""
    card, metrics = card_rect(option.rect), QFontMetrics(option.font)
    step = metrics.height() + 3
    line = QRect(card.left() + PADDING + BADGE + 12, card.top() + PADDING - 2, 0, step)
    line.setRight(card.right() - PADDING)
    ink, muted = (option.palette.color(role) for role in (QPalette.ColorRole.Text, QPalette.ColorRole.PlaceholderText))
    bold = QFont(option.font)
    bold.setBold(True)
    painter.setFont(bold)
    _put(painter, line.adjusted(0, 0, -STAR - 4, 0), shown.card.name, ink, Qt.TextElideMode.ElideMiddle)
    painter.setFont(option.font)
    _put(painter, line.translated(0, step), facts_of(shown.card), muted)
    if shown.card.problem:
        rest = line.translated(0, 2 * step)
        rest.setBottom(rest.top() + 2 * step)
        _put_lines(painter, rest, problem_of(shown.card), option.palette.color(QPalette.ColorRole.BrightText))
        return
    room = line.adjusted(0, 0, -metrics.horizontalAdvance("Opening…") - 32, 0)
    said = f"{abilities_of(shown.card)}{' · own settings' if shown.own else ''} · "
    left = line.width() - metrics.horizontalAdvance(said)
    where = metrics.elidedText(place_of(shown.card), Qt.TextElideMode.ElideMiddle, left)
    _put(painter, line.translated(0, 2 * step), said + where, muted)
    if shown.fit is not None:
        _put(painter, room.translated(0, 3 * step), shown.fit.short, fit_colour(shown.fit.fits, muted))


def fit_colour(fits: Fits, otherwise: QColor) -> QColor:
    """Green, amber or red for how well a model fits, in the theme of the moment."""
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    look = theme.current(application)
    colours = {Fits.WELL: look.good, Fits.WITH_CARE: CAREFUL[look.name], Fits.NOT: look.bad}
    return QColor(colours[fits]) if fits in colours else otherwise


def _draw_pill(painter: QPainter, option: QStyleOptionViewItem, text: str, button: bool) -> None:
    palette, role = option.palette, QPalette.ColorRole
    pill = pill_rect(option.rect, QFontMetrics(option.font), text)
    painter.setPen(Qt.PenStyle.NoPen if button else palette.color(role.Highlight))
    painter.setBrush(palette.color(role.Highlight) if button else Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(pill), 4, 4)
    painter.setPen(palette.color(role.HighlightedText if button else role.Link))
    painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, text)


def _put(
    painter: QPainter, line: QRect, text: str, ink: QColor, cut: Qt.TextElideMode = Qt.TextElideMode.ElideRight
) -> None:
    painter.setPen(ink)
    fitted = painter.fontMetrics().elidedText(text, cut, line.width())
    flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextSingleLine
    painter.drawText(line, flags, fitted)


def _put_lines(painter: QPainter, room: QRect, text: str, ink: QColor) -> None:
    """`text` wrapped into two lines, the second cut."""
    metrics, words, first = painter.fontMetrics(), text.split(), ""
    while words and metrics.horizontalAdvance(f"{first} {words[0]}") <= room.width():
        first = f"{first} {words.pop(0)}".strip()
    half = room.height() // 2
    top, bottom = room.adjusted(0, 0, 0, -half), room.adjusted(0, half, 0, 0)
    if not first:
        words, first = words[1:], words[0]
    _put(painter, top, first, ink, Qt.TextElideMode.ElideMiddle)
    _put(painter, bottom, " ".join(words), ink)
