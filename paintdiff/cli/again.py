"""A result made again: --recipe takes what the options leave open from the recipe inside a PNG."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from paintdiff.document.document import Document
from paintdiff.document.edits import set_frame
from paintdiff.document.save import read_recipe
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import BUNDLED_MODEL, Recipe, Request
from paintdiff.image.geometry import Rect

_VERBS = {"renoise": "sdedit"}  # where the verb is called otherwise than its mode


def add_recipe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--recipe", metavar="PNG",
        help="make a result again: model, frame, settings and add-ons that are not given are those of the recipe in a "
        "PNG that PaintDiff wrote; the picture, a mask and hints are named again",
    )  # fmt: skip


def asked_recipe(options: argparse.Namespace, mode: str) -> Recipe | None:
    """The recipe that --recipe names, whose model becomes that of `options` if they name none. Raises `UserError`."""
    if options.recipe is None:
        return None
    recipe = read_recipe(Path(options.recipe))
    if recipe is None:
        raise UserError(f"{options.recipe} has no recipe in it: PNGs that PaintDiff wrote have one.")
    if recipe.code_sha256:
        raise UserError(f"{options.recipe} was made from a code: use decode, with that code and its settings.")
    if recipe.branch is not None:
        raise UserError(
            f"{options.recipe} begins in the middle of another run: name that run with --branch and --from-step "
            f"{recipe.branch.step}."
        )
    if recipe.mode != mode:
        raise UserError(f"{options.recipe} was not made in this way: use {_VERBS.get(recipe.mode, recipe.mode)}.")
    if options.model == BUNDLED_MODEL:
        options.model = recipe.model
    return recipe


def framed_as(document: Document, recipe: Recipe) -> Document:
    """The document with the recipe's frame, where its picture is as large as that of the recipe was."""
    if document.canvas.shape != recipe.canvas.shape:
        return document
    return set_frame(document, _moved(recipe.frame, recipe, document.canvas))


def windowed_as(request: Request, recipe: Recipe) -> Request:
    """The request with the recipe's windows, where it is for the same frame of a picture of the same size."""
    same_size = request.canvas.shape == recipe.canvas.shape
    if not same_size or request.frame != _moved(recipe.frame, recipe, request.canvas):
        return request
    return replace(request, windows=tuple(_moved(window, recipe, request.canvas) for window in recipe.windows))


def differences(request: Request, recipe: Recipe) -> tuple[str, ...]:
    """Sentences on what is not as it was, of all that the painter names again."""
    now = request.recipe()
    found = {
        "picture": now.picture_sha256 != recipe.picture_sha256,
        "mask": now.change_map_sha256 != recipe.change_map_sha256,
        "hints": now.hints_sha256 != recipe.hints_sha256,
    }
    shown, before = _pictures(now), _pictures(recipe)
    names = [name for name, other in found.items() if other]
    names += ["picture of a control or of the image prompt"] * (len(shown) == len(before) and shown != before)
    return tuple(f"The {name} is not the one of the recipe, so the result is another too." for name in names)


def _pictures(recipe: Recipe) -> list[str]:
    shown = [control.picture_sha256 for control in recipe.add_ons.controls]
    prompt = recipe.add_ons.image_prompt
    return shown if prompt is None else [*shown, prompt.picture_sha256]


def _moved(rect: Rect, recipe: Recipe, canvas: Rect) -> Rect:
    """From where the recipe's canvas lay to where `canvas` does: a grown picture begins left of 0, and a file at 0."""
    return rect.moved(canvas.x - recipe.canvas.x, canvas.y - recipe.canvas.y)
