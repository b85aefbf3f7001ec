"""`python -m paintdiff.training COMMAND`: from sets of pictures to the bundled model, and sheets of what it does."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

import torch

from paintdiff.engine.bundled.enlarger import ENLARGER
from paintdiff.engine.bundled.enlarger_network import EnlargerConfig, EnlargerNetwork
from paintdiff.engine.bundled.fill_network import FillNetwork, FillNetworkConfig
from paintdiff.engine.bundled.judge import JUDGE
from paintdiff.engine.bundled.judge_network import JudgeConfig, JudgeNetwork
from paintdiff.engine.bundled.text import Tokenizer
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.engine.model import load_model
from paintdiff.generation.request import BUNDLED_MODEL
from paintdiff.training import checkpoint
from paintdiff.training.batches import SceneBatches, stream
from paintdiff.training.checkpoint import Run
from paintdiff.training.clip_art import clip_art_sprites
from paintdiff.training.continuation import table as continuation
from paintdiff.training.enlarging import EnlargerBatches, enlarger_step, export_enlarger
from paintdiff.training.evaluate import PARTS, evaluate
from paintdiff.training.export import TOKENIZER, export
from paintdiff.training.figures import markdown, save
from paintdiff.training.held_out import HeldOut
from paintdiff.training.judge import JudgeBatches, JudgeStep, export_judge, nouns, probe
from paintdiff.training.library import library_of
from paintdiff.training.methods import compare, header, line
from paintdiff.training.mode_sheet import save as save_modes
from paintdiff.training.modes import SHEETS
from paintdiff.training.painter import Painter
from paintdiff.training.photographs import fetch_grounds
from paintdiff.training.recognizer import STEPS
from paintdiff.training.scenes import SceneMaker
from paintdiff.training.setting import Setting
from paintdiff.training.sheet import draw_sheet, save_sheet, sheet_scenes
from paintdiff.training.sources import (
    LARGE,
    LARGE_SPRITES,
    Sprite,
    fetch_packages,
    load_sprites,
    render_sprites,
    save_sprites,
)
from paintdiff.training.studio import Studio
from paintdiff.training.trainer import TrainingPlan, train
from paintdiff.training.trust import fit_trust
from paintdiff.training.vocabulary import corpus, learn_vocabulary

SPRITES, CHECKPOINT, PHOTOGRAPHS, CLIP_ART = "sprites.npz", "checkpoint.safetensors", "photographs", "clip-art"
MODEL_FOLDER = Path(__file__).resolve().parents[2] / "resources/models/first-light"
SHEET_FOLDER = Path(__file__).resolve().parents[2] / "docs/images"
# What the shipped model uses; chosen by throughput on two CPU cores, see docs/bundled-model.md.
SIDES = (64, 64, 128)  # steps on small scenes are cheap, large ones teach the detail
WIDTHS, HEADS, TOKENS_DEPTH, TEXT_DEPTH, CONDITION = (64, 160, 256), 4, 4, 2, 256


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when done, 2 when something that it needs is missing."""
    parser = _parser()
    options = parser.parse_args(arguments)
    known = PARTS if options.command == "evaluate" else SHEETS
    if not set(options.only) <= set(known):
        parser.error(f"`{options.command}` knows --only {', '.join(known)}")
    options.data = options.data.expanduser()
    if options.command != "evaluate":  # which looks at a model, unless a run is named
        options.out = options.out or (SHEET_FOLDER if options.command == "modes" else MODEL_FOLDER)
        named = options.command if options.command in ("judge", "enlarger") else "first-light"
        options.run = options.run or options.data / "runs" / named
    options.pictures = options.pictures or (4 if options.command == "evaluate" else 24)
    options.workers = options.workers if options.workers is not None else 1 + (options.command == "evaluate")
    try:
        COMMANDS[options.command](options)
    except FileNotFoundError as error:
        said = f"{error.strerror}: {error.filename} (was `prepare` run?)" if error.filename else str(error)
        print(said, file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m paintdiff.training", description=__doc__)
    parser.add_argument("command", choices=list(COMMANDS))
    parser.add_argument("--data", type=Path, default=Path("~/.cache/paintdiff-train"), help="cache of sources")
    parser.add_argument("--run", type=Path, help="the run's folder (default: in DATA/runs)")
    parser.add_argument("--minutes", type=float, default=60, help="train for so long")
    parser.add_argument("--steps", type=int, help="train for exactly so many steps instead; `evaluate`: its recognizer")
    parser.add_argument("--resume", action="store_true", help="go on from the run's checkpoint")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--learning-rate", type=float, default=4e-4)
    parser.add_argument("--cool-down", type=float, default=0, help="last share of the run, 0..1, with a falling rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sides", type=int, nargs="+", default=SIDES, help="of scenes, in turn; the last counts")
    parser.add_argument("--workers", type=int, help="processes that compose scenes (1), or paint to `evaluate` (2)")
    parser.add_argument("--guidance", type=float, default=3.0, help="of the sheet's samples")
    parser.add_argument("--sample-steps", type=int, default=20, help="of the sheet's sampler")
    parser.add_argument("--pictures", type=int, help="of each kind, 4 to `evaluate`, else 24; a tenth of `judge`'s;"
        " how many batches `trust` looks at")
    parser.add_argument("--samples", type=int, default=8, help="`evaluate` takes the mean of so many fills")
    parser.add_argument("--nouns", type=int, default=100, help="that `evaluate` asks for, of the commonest")
    parser.add_argument("--offline", action="store_true", help="`evaluate` with the sources that are there")
    parser.add_argument("--model", default=BUNDLED_MODEL, help="that `modes` and, without --run, `evaluate` look at")
    parser.add_argument("--only", nargs="*", default=(), help="sheets of `modes`, or parts of `evaluate`")
    parser.add_argument("--out", type=Path, help="where `export` writes the model, `modes` and `evaluate` their sheets")
    return parser


def _prepare(options: argparse.Namespace) -> None:
    modules = fetch_packages(options.data)
    if not (options.data / TOKENIZER).exists():
        learn_vocabulary(corpus(modules)).save(str(options.data / TOKENIZER))
    sprites = [*render_sprites(modules), *clip_art_sprites(options.data / CLIP_ART)]
    save_sprites(sprites, options.data / SPRITES)
    grounds = fetch_grounds(options.data / PHOTOGRAPHS)
    held_out = sum(sprite.held_out for sprite in sprites)
    print(f"{len(sprites)} sprites, {held_out} of them held out for evaluation; {len(grounds)} photographs")


def _train(options: argparse.Namespace) -> None:
    tokenizer = Tokenizer.from_file(options.data / TOKENIZER)
    maker, unseen = _makers(options)
    maker = replace(maker, photographs=fetch_grounds(options.data / PHOTOGRAPHS, offline=True))
    makers = tuple(maker.at(side) for side in options.sides)
    run = _resumed(options) if options.resume else _fresh(options, tokenizer)
    options.run.mkdir(parents=True, exist_ok=True)
    (options.data / "train.pid").write_text(str(os.getpid()))
    scenes = sheet_scenes(unseen, library_of(maker.sprites))

    def sheet(run: Run) -> None:
        image = draw_sheet(run.average, tokenizer, scenes, options.guidance, options.sample_steps)
        save_sheet(image, options.run, run.step)

    plan = TrainingPlan(
        options.minutes,
        options.steps,
        options.learning_rate,
        options.seed,
        options.workers,
        options.cool_down,
    )
    train(run, SceneBatches(makers, tokenizer, options.seed, run.step), plan, options.run, sheet)


def _sheet(options: argparse.Namespace) -> None:
    run = _resumed(options)
    tokenizer = Tokenizer.from_file(options.data / TOKENIZER)
    maker, unseen = _makers(options)
    scenes = sheet_scenes(unseen, library_of(maker.sprites))
    image = draw_sheet(run.average, tokenizer, scenes, options.guidance, options.sample_steps)
    save_sheet(image, options.run, run.step)


def _evaluate(options: argparse.Namespace) -> None:
    """Print the table of figures beside their targets, and write it and the sheets."""
    model, named = options.model, f"`{options.model}`"
    out = options.out or (options.run / "evaluation" if options.run else options.data / "evaluation" / Path(model).name)
    if options.run:
        run = _resumed(options)
        maker, _ = _makers(options)
        model = str(out / "model")
        export(run, library_of(maker.sprites), options.data / TOKENIZER, Path(model), maker.size)
        named = f"run `{options.run.name}`, step {run.step}, {run.samples} samples"
    painter = Painter(model, options.device, options.workers if options.device == "cpu" else 1)
    setting = Setting(
        painter, load_sprites(options.data / SPRITES), options.data, options.pictures, options.samples, options.nouns,
        options.steps or STEPS, options.offline,
    )  # fmt: skip
    parts = []
    try:
        for part in evaluate(setting, options.only):
            parts.append(part)
            about = f"{named}, {painter.size} pixels; {options.pictures} pictures a kind, {options.samples} fills each."
            written = save(parts, about, out)
    finally:
        painter.close()
    print(markdown(parts, about), *written, sep="\n")


def _methods(options: argparse.Namespace) -> None:
    """Compare the mask methods on the exported model in OUT."""
    print(header())
    for row in compare(load_model(str(options.out), options.device), options.pictures, options.samples, (20, 80)):
        print(line(row), flush=True)


def _modes(options: argparse.Namespace) -> None:
    """Draw a sheet of each mode on held-out pictures, and print how well backgrounds are continued."""
    held_out = HeldOut([sprite for sprite in load_sprites(options.data / SPRITES) if sprite.held_out])
    engine = DiffusionEngine()
    studio = Studio(engine, options.model, options.device, held_out, options.sample_steps)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.only or SHEETS:
        print(save_modes(SHEETS[name](studio), options.out), flush=True)
    if not options.only:
        for row in continuation(engine, options.model, options.device, options.pictures, options.samples):
            print(row, flush=True)


def _trust(options: argparse.Namespace) -> None:
    """Fit how far guesses are trusted, for the moving average as it is now; before an export."""
    run, tokenizer = _resumed(options), Tokenizer.from_file(options.data / TOKENIZER)
    maker, _ = _makers(options)
    maker = replace(maker, photographs=fetch_grounds(options.data / PHOTOGRAPHS, offline=True))
    batches = stream(SceneBatches((maker,), tokenizer, options.seed + 1, run.step), 0)
    before, after = fit_trust(run.average, batches, options.pictures)
    with torch.no_grad():
        run.network.surety.copy_(run.average.surety)
    checkpoint.save(run, options.run / CHECKPOINT)
    print(f"loss of guessed grounds: {before:.4f} before, {after:.4f} now")


def _export(options: argparse.Namespace) -> None:
    run = _resumed(options)
    maker, _ = _makers(options)
    export(run, library_of(maker.sprites), options.data / TOKENIZER, options.out, maker.size)
    print(f"{options.out}: step {run.step}, {run.samples} samples")


def _judge(options: argparse.Namespace) -> None:
    """Train the judge beside the model, and write it into the model's folder."""
    tokenizer = Tokenizer.from_file(options.data / TOKENIZER)
    maker, unseen = _makers(options)
    run: Run[JudgeNetwork]
    if options.resume:
        run = _resumed(options)
    else:
        config = JudgeConfig(tokenizer.vocabulary_size)
        run = checkpoint.new_judge_run(config, torch.device(options.device), options.seed, options.learning_rate)
    plan = TrainingPlan(
        options.minutes, options.steps, options.learning_rate, options.seed, options.workers, options.cool_down
    )
    step = JudgeStep(tokenizer, nouns())

    def report(run: Run) -> None:
        print(f"step {run.step}: {probe(run.average, tokenizer, unseen, 10 * options.pictures)}", flush=True)

    train(run, JudgeBatches(maker, options.seed, run.step), plan, options.run, report, step)
    report(run)
    options.out.mkdir(parents=True, exist_ok=True)
    export_judge(run, options.out / JUDGE)


def _enlarger(options: argparse.Namespace) -> None:
    """Train the second stage on what the model in OUT answers, and write it into the model's folder."""
    tokenizer = Tokenizer.from_file(options.data / TOKENIZER)
    model = load_model(str(options.out), options.device)
    if not isinstance(model.weights, FillNetwork):
        raise FileNotFoundError(f"there is no model of ours in {options.out}; `export` one first")
    seen = [sprite for sprite in _large_sprites(options.data) if not sprite.held_out]
    photographs = fetch_grounds(options.data / PHOTOGRAPHS, offline=True)
    maker = SceneMaker(seen, 2 * model.info.size, photographs=photographs, drawn_side=LARGE)
    run: Run[EnlargerNetwork]
    if options.resume:
        run = _resumed(options)
    else:
        device = torch.device(options.device)
        run = checkpoint.new_enlarger_run(EnlargerConfig(), device, options.seed, options.learning_rate)
    plan = TrainingPlan(
        options.minutes, options.steps, options.learning_rate, options.seed, options.workers, options.cool_down
    )
    batches = EnlargerBatches(maker, tokenizer, model.weights, options.seed, run.step)
    train(run, batches, plan, options.run, lambda run: None, enlarger_step)
    export_enlarger(run, options.out / ENLARGER)


def _large_sprites(data: Path) -> list[Sprite]:
    """The sprites at twice the side, rendered once."""
    if not (data / LARGE_SPRITES).exists():
        sprites = [*render_sprites(fetch_packages(data), LARGE), *clip_art_sprites(data / CLIP_ART, True, LARGE)]
        save_sprites(sprites, data / LARGE_SPRITES)
    return load_sprites(data / LARGE_SPRITES)


def _makers(options: argparse.Namespace) -> tuple[SceneMaker, SceneMaker]:
    """Scenes to train on, and scenes from the held-out sources, of the side that the model is for."""
    sprites = load_sprites(options.data / SPRITES)
    side = JudgeConfig.side if options.command == "judge" else options.sides[-1]
    seen, unseen = ([s for s in sprites if s.held_out == held_out] for held_out in (False, True))
    return SceneMaker(seen, side), SceneMaker(unseen, side)


def _fresh(options: argparse.Namespace, tokenizer: Tokenizer) -> Run:
    config = FillNetworkConfig(
        vocabulary=tokenizer.vocabulary_size,
        widths=WIDTHS,
        heads=HEADS,
        tokens_depth=TOKENS_DEPTH,
        text_depth=TEXT_DEPTH,
        condition=CONDITION,
        reference=True,
        trust=True,
    )
    return checkpoint.new_run(config, torch.device(options.device), options.seed, options.learning_rate)


def _resumed(options: argparse.Namespace) -> Run:
    return checkpoint.load(options.run / CHECKPOINT, torch.device(options.device))


COMMANDS = {
    "prepare": _prepare, "train": _train, "sheet": _sheet, "evaluate": _evaluate, "methods": _methods,
    "modes": _modes,
    "trust": _trust, "export": _export, "judge": _judge, "enlarger": _enlarger,
}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
