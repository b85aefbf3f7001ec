"""The verb models: what there is to paint with, where it is looked for, and how more of it is fetched."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from paintdiff.cli.fetching import fetch, size_text
from paintdiff.engine.bundled.picture_library import load_library
from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Family, ModelCard
from paintdiff.models.add_on import AddOnCard
from paintdiff.models.catalogue import find_model, look_at, scan, scan_add_ons, source_of
from paintdiff.models.companions import Companions
from paintdiff.models.describe import Card
from paintdiff.models.families import Part
from paintdiff.models.fit import fit_of
from paintdiff.models.header import read_object
from paintdiff.models.hub import Offer, look_up
from paintdiff.models.hub_files import README
from paintdiff.models.hub_name import parse_hub_name
from paintdiff.models.machine import measure_machine
from paintdiff.models.preferences import add_folder, hub_token, keep_hub_token, model_folders, remove_folder

SOURCE = "a name from the list, a folder, a .safetensors file, or owner/name on the hub"
_USES = {
    Part.LORA: "use it with <lora:{}:1> in the prompt", Part.EMBEDDING: "use it with {} in the prompt",
    Part.VAE: "use it with --vae {}", Part.CONTROLNET: "use it with --control {}",
    Part.IP_ADAPTER: "use it with --ip-adapter {}",
}  # fmt: skip
NAME = "owner/name on the hub, with @revision or :full (precision) behind it, or owner/name/file.safetensors"


@dataclass(frozen=True)
class Models:
    name: str = "models"
    help: str = "list the models on this machine, fetch more, say where they lie"
    about: str = (
        "List the models on this machine: those that ship, those in the folders that you added (A1111 and ComfyUI "
        "folders are understood) and those in the hub's cache. --model takes what the first column says, or the last."
    )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        _add_listing(parser)
        actions = parser.add_subparsers(dest="action", metavar="ACTION")
        _add_listing(actions.add_parser("list", help="list them (what models does by itself)"))
        show = actions.add_parser("show", aliases=["info"], help="say what is known of one")
        show.add_argument("source", metavar="SOURCE", help=SOURCE)
        show.add_argument("--json", action="store_true", help="print JSON")
        show.add_argument("--names", action="store_true", help="list what it can draw by name, one a line")
        get = actions.add_parser("get", help="fetch one from the hub into its cache; a broken download is gone on with")
        get.add_argument("hub_name", metavar="NAME", help=NAME)
        get.add_argument("--dry-run", action="store_true", help="only say what would be fetched")
        folder = actions.add_parser("folder", aliases=["folders"], help="list, add or remove folders to look in")
        folder.add_argument("change", nargs="?", choices=("add", "remove"), help="without it, they are listed")
        folder.add_argument("folder", nargs="?", metavar="PATH")
        actions.add_parser("token", help="keep a token for gated and private models, read from stdin; empty forgets it")

    def run(self, options: argparse.Namespace) -> None:
        match options.action:
            case "show" | "info":
                card = look_at(source_of(options.source))
                if options.names:
                    _list_names(card)
                else:
                    _show(card, options.json)
            case "get":
                _get(options.hub_name, options.dry_run)
            case "folder" | "folders":
                _folders(options.change, options.folder)
            case "token":
                _keep_token()
            case _:
                cards: Iterable[Card] = scan_add_ons() if options.add_ons else scan()
                _list(list(cards), options.json)


def _add_listing(parser: argparse.ArgumentParser) -> None:
    # Given before or after the action: what was not given is left as it was.
    parser.set_defaults(json=False, add_ons=False)
    suppress = argparse.SUPPRESS
    parser.add_argument("--json", action="store_true", default=suppress, help="print JSON")
    parser.add_argument(
        "--add-ons", action="store_true", default=suppress,
        help="list LoRAs, autoencoders, embeddings, ControlNets and IP-Adapters instead",
    )  # fmt: skip


def _list(cards: Sequence[Card], as_json: bool) -> None:
    if as_json:
        print(json.dumps([asdict(card) for card in cards], ensure_ascii=False, indent=2))
        return
    if not cards:
        print("paintdiff: There are none; add a folder with some: paintdiff models folder add PATH", file=sys.stderr)
        return
    heads = ("NAME", "KIND", "SIZE", "PLACE", "MASKS", "LICENCE", "SOURCE")
    if isinstance(cards[0], AddOnCard):
        heads = ("NAME", "KIND", "SIZE", "FITS", "WORDS", "LICENCE", "SOURCE")
    rows = [heads, *(tuple(map(_printed, _row(card))) for card in cards)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    for row, card in zip(rows, (None, *cards), strict=True):
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
        if card is not None and card.problem:
            print(f"    cannot be used: {_printed(card.problem)}")


def _row(card: Card) -> tuple[str, ...]:
    """The columns of the table: name, kind, size, two of its own, licence, source."""
    size, licence = size_text(card.size_bytes), card.licence or "?"
    if isinstance(card, AddOnCard):
        return card.name, card.part.value, size, card.family.value, card.words or "-", licence, card.source
    masks = "own channels" if card.inpaints else "by constraint"
    kind = " ".join(word for word in (card.family.value, card.few_steps, card.stored) if word)
    return card.name, kind, size, card.place.value, "-" if card.problem else masks, licence, card.source


def _show(card: Card, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(card), ensure_ascii=False, indent=2))
        return
    facts = {"name": card.name, "source": card.source, "size": size_text(card.size_bytes)}
    if isinstance(card, AddOnCard):
        facts |= {"kind": card.part.value, "fits": card.family.value, "words": card.words}
    else:
        facts |= {"kind": card.family.value, "place": card.place.value}
        facts |= {"weights": f"kept in {card.stored}" if card.stored else ""}
        facts |= {"works at": f"{card.side} × {card.side} pixels" if card.side else "", "few steps": card.few_steps}
        if card.family is not Family.UNKNOWN:
            facts["masks"] = "read by channels of its own" if card.inpaints else "filled by constraint"
        fit = None if card.problem else fit_of(card, measure_machine())
        facts["memory"] = "" if fit is None else fit.whole
        names = _drawn_by_name(card)
        facts["draws"] = f"{len(names)} things by name; --names lists them" if names else ""
    facts |= {"licence": card.licence or "not stated", "cannot be used": card.problem}
    for name, text in facts.items():
        if text:
            print(f"{name + ':':<16}{_printed(text)}")


def _list_names(card: Card) -> None:
    names = _drawn_by_name(card) if isinstance(card, ModelCard) else ()
    if not names:
        raise UserError(f"{_printed(card.name)} has no list of what it can draw: it takes any words.")
    print("\n".join(map(_printed, names)))


def _drawn_by_name(card: ModelCard) -> tuple[str, ...]:
    """What a model of our own kind has pictures of to look at."""
    if card.family is not Family.BUNDLED or card.problem:
        return ()
    _, folder = find_model(card.source)
    pictures = read_object(folder / "config.json").get("pictures", "")
    if not pictures or Path(pictures).name != pictures:
        return ()
    try:
        return load_library(folder / pictures).names
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"The pictures of {_printed(card.name)} cannot be read: {_printed(str(error))}.") from error


def _printed(text: str) -> str:
    """Names come from files: nothing in them may be a command to the terminal."""
    return text if text.isprintable() else ascii(text)


def _get(text: str, only_look: bool) -> None:
    name = parse_hub_name(text)
    if only_look:
        _tell(look_up(name, hub_token()))
        return
    place = fetch(name)
    if place.is_file() and Companions.is_text_encoder(place):
        print(f"paintdiff: {name} is in {place}; models that need this text encoder find it there", file=sys.stderr)
        return
    card = look_at(str(place))
    if card.problem:
        print(f"paintdiff: {name} is in {place}, but it cannot be used: {_printed(card.problem)}", file=sys.stderr)
    elif isinstance(card, AddOnCard):
        use = _USES.get(card.part, "it is used by itself").format(_printed(card.name))
        print(f"paintdiff: {_printed(card.name)} ({card.part.value}) is in {place}; {use}", file=sys.stderr)
    else:
        print(f"paintdiff: {name} is in {place}; use it with --model {name}", file=sys.stderr)


def _tell(offer: Offer) -> None:
    for path, size in offer.choices or offer.files:
        print(f"{size_text(size):>9}  {path}")
    gate = "; it is gated: its terms have to be agreed to, and a token given" if offer.gated else ""
    if offer.choices:
        first = replace(parse_hub_name(offer.name), file=offer.choices[0][0])
        print(f"paintdiff: Name one of these files, as in {first}{gate}", file=sys.stderr)
        return
    files = sum(path != README for path, _ in offer.files)
    print(
        f"paintdiff: {offer.name}, licence {offer.licence or 'not stated'}: {size_text(offer.size_bytes)} in {files} "
        f"files, {size_text(offer.missing_bytes)} of it to be fetched{gate}",
        file=sys.stderr,
    )


def _folders(change: str | None, folder: str | None) -> None:
    if change is None:
        if folder is not None:
            raise UserError("Say what to do with the folder: add or remove.")
        for each in model_folders():
            print(each if each.is_dir() else f"{each}  (not there now)")
        return
    if folder is None:
        raise UserError(f"Say which folder to {change}.")
    if change == "add":
        print(f"paintdiff: {add_folder(Path(folder))} is looked through from now on", file=sys.stderr)
    else:
        remove_folder(Path(folder))


def _keep_token() -> None:
    token = getpass.getpass("Token (not shown): ") if sys.stdin.isatty() else sys.stdin.readline()
    keep_hub_token(token)
    print("paintdiff: The token is " + ("kept" if token.strip() else "forgotten"), file=sys.stderr)


MODELS = Models()
