"""Sheets of the modes that change a picture, and of what prompts and noise do to one."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from paintdiff.document.document import Document
from paintdiff.document.edits import picture_document
from paintdiff.training.held_out import rgba
from paintdiff.training.mode_sheet import Sheet, marked
from paintdiff.training.studio import SEEDS, SIDE, Studio, disc, mask_shown, masked_document, seen


def renoise(studio: Studio) -> Sheet:
    rough = studio.held_out.ground("sky", 50, SIDE, SIDE).copy()
    cv2.circle(rough, (64, 70), 34, (205, 40, 40), -1)
    cv2.line(rough, (64, 40), (74, 20), (90, 60, 30), 5)
    cv2.ellipse(rough, (86, 28), (14, 7), -20, 0, 360, (60, 150, 50), -1)
    strokes = picture_document(rgba(rough))
    made, _ = studio.held_out.placed(studio.held_out.ground("hills", 51, SIDE, SIDE), "house", 34, 40, 62)
    ramp = np.tile(np.linspace(0, 255, SIDE).astype(np.uint8), (SIDE, 1))
    mapped = masked_document(made, ramp)
    soft = masked_document(made, cv2.GaussianBlur(disc(ramp * 0, (64, 64), 34), (0, 0), 8))
    return Sheet("renoise", ("picture", "map", *SEEDS), (
        ("rough strokes, “a red apple”, strength 70 %", (
            seen(strokes), marked(seen(strokes), np.full_like(ramp, 178)),
            *studio.painted(strokes, "renoise", prompt="a red apple", strength=0.7),
        )),
        ("the whole frame, no prompt, strength 40 %", (
            made_seen := seen(mapped), marked(made_seen, np.full_like(ramp, 102)),
            *studio.painted(picture_document(rgba(made)), "renoise", strength=0.4),
        )),
        ("a painted map of strengths, from 0 to 100 %, “castle”", (
            made_seen, mask_shown(mapped), *studio.painted(mapped, "renoise", prompt="castle", strength=1.0),
        )),
        ("a soft mask, “castle”, strength 80 %", (
            made_seen, mask_shown(soft), *studio.painted(soft, "renoise", prompt="castle", strength=0.8),
        )),
    ))  # fmt: skip


def edit(studio: Studio) -> Sheet:
    rows = []
    ground = studio.held_out.ground("plain", 57, SIDE, SIDE)
    for name, source, prompt in (
        ("sunflower", "sunflower", "a red apple"), ("duck", "duck", "a red bird"), ("house", "house", "castle"),
    ):  # fmt: skip
        picture, _ = studio.held_out.placed(ground, name, 24, 24, 80)
        whole = picture_document(rgba(picture))
        masked = masked_document(picture, disc(np.zeros((SIDE, SIDE), np.uint8), (64, 64), 54))

        def made(document: Document, to: str, guidance: float, source: str = source) -> np.ndarray:
            return studio.painted(document, "edit", prompt=to, source=source, guidance=guidance)[0]

        rows.append((f"“{source}”, then “{prompt}”", (
            seen(whole), made(whole, source, 1.0), made(whole, prompt, 2.0), made(whole, prompt, 4.0),
            mask_shown(masked), made(masked, prompt, 4.0),
        )))  # fmt: skip
    heads = ("picture", "there and back", "guidance 2", "guidance 4", "in a mask", "guidance 4")
    return Sheet("edit", heads, tuple(rows))


def coarse_shapes(studio: Studio) -> Sheet:
    ground = studio.held_out.ground("hills", 70, SIDE, SIDE)
    picture, _ = studio.held_out.placed(ground, "tiger", 30, 34, 70)
    document = picture_document(rgba(picture))
    rows = []
    for layout in ("4", "8", "16"):
        made = studio.painted(document, "renoise", strength=1.0, layout=layout, prompt="dog")
        few = cv2.resize(seen(document), (2 * SIDE // (2 * int(layout)) // 2 * 2,) * 2, interpolation=cv2.INTER_AREA)
        kept = cv2.resize(few, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)
        rows.append((f"“dog”, shapes larger than {layout} pixels of the model's", (seen(document), kept, *made)))
    return Sheet("coarse-shapes", ("picture", "about what is kept", *SEEDS), tuple(rows))


def prompt_over_time(studio: Studio) -> Sheet:
    mask = disc(np.zeros((SIDE, SIDE), np.uint8), (64, 64), 44)
    rows = []
    for number, (first, then) in enumerate([("a red apple", "a cat"), ("a yellow star", "sunflower")]):
        document = masked_document(studio.held_out.ground("plain", 90 + number, SIDE, SIDE), mask)
        ways: list[dict[str, Any]] = [{}, *({"then": then, "switch": at} for at in (0.3, 0.2, 0.1)), {"prompt": then}]
        ways.insert(3, {"then": then, "switch": 0.2, "blend": 0.4})
        made = (studio.painted(document, "inpaint", candidates=1, **{"prompt": first} | way)[0] for way in ways)
        rows.append((f"“{first}”, then “{then}”", (mask_shown(document), *made)))
    heads = ("mask", "first alone", "switch at 30 %", "at 20 %", "blended at 20 %", "at 10 %", "then alone")
    return Sheet("prompt-over-time", heads, tuple(rows))


def variation(studio: Studio) -> Sheet:
    document = masked_document(
        studio.held_out.ground("plain", 95, SIDE, SIDE), disc(np.zeros((SIDE, SIDE), np.uint8), (64, 64), 44)
    )
    prompt = "a purple flower"

    def made(**sampling: Any) -> tuple[np.ndarray, ...]:
        return studio.painted(document, "inpaint", **{"prompt": prompt} | sampling)

    between = (made(variation=share, variation_seed=2, candidates=1)[0] for share in (0.0, 0.25, 0.5, 0.75, 1.0))
    return Sheet("variation", ("", "", "", "", ""), (
        (f"“{prompt}”: same prompt, other noise", made(candidates=5)),
        ("the first, with its noise turned by 30 % towards five others", made(
            variation=0.3, variation_seed=2, candidates=5
        )),
        ("from one noise to another: 0, 25, 50, 75, 100 %", tuple(between)),
        ("same noise, other prompts: a red apple, a cat, rocket, fish, pizza", tuple(
            made(candidates=1, prompt=other)[0] for other in ("a red apple", "a cat", "rocket", "fish", "pizza")
        )),
    ))  # fmt: skip
