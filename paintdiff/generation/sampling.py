"""The sampling parameters, declared once: the panel, the command line, the recipe and the engine all read this file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from paintdiff.generation.errors import UserError

ADAPTIVE = "adaptive"
SAMPLERS = {
    "dpmpp_2m": "DPM++ 2M", "euler": "Euler", "heun": "Heun", "ddim": "DDIM", "ddpm": "DDPM (ancestral)",
    "euler_maruyama": "Euler-Maruyama (many steps)", "reverse_diffusion": "Reverse diffusion (many steps)",
    "predictor_corrector": "Predictor-corrector", "lcm": "LCM (distilled models)",
    ADAPTIVE: "Adaptive ODE (Dormand-Prince)",
}  # fmt: skip
PREDICTORS = {name: SAMPLERS[name] for name in ("ddpm", "euler_maruyama", "reverse_diffusion")}
SPACINGS = {"time": "Even in time", "log_snr": "Even in log-SNR"}
VARIANCES = {"small": "Small", "large": "Large", "learned": "Learned by the model"}
SHRINKS = {"average": "Mean of each block", "bicubic": "Bicubic"}
AUTO, NATIVE, REPLACE, REPAINT, RANGE_NULL, LANPAINT = "auto", "native", "replace", "repaint", "rangenull", "lanpaint"
METHODS = {
    AUTO: "Automatic", NATIVE: "The model's own", REPLACE: "Replace", REPAINT: "RePaint", RANGE_NULL: "Range-null",
    LANPAINT: "LanPaint",
}  # fmt: skip
PREDICTIONS = {AUTO: "As the model says", "epsilon": "Noise (epsilon)", "v_prediction": "Velocity (v)"}
LAYOUTS = {"off": "Off"} | {str(n): f"Larger than {n} pixels" for n in (2, 4, 8, 16, 32)}
MATCH = "match"
TONES = {MATCH: "Match around", "free": "As painted"}
SAFETY = {"on": "On", "off": "Off"}
TILES = "tiles"
LARGE = {"scale": "Scaled to the model", TILES: "Tiles, pixel for pixel"}
MAX_SEED = 2**32 - 1

MAIN = "Main"  # always in sight; the others are folded
SECTIONS = (MAIN, "Variation", "Prompt over time", "Guidance", "Mask", "Sampler")  # the seed comes before Variation


@dataclass(frozen=True)
class Parameter:
    """How one sampling parameter is shown and checked.

    `kind` is "text", "int", "float" or "choice"; `minimum`, `maximum` and `step` are in `unit`, `choices` maps stored
    values to shown names. `section` is the heading it stands under in the panel, one of `SECTIONS`. `needs` names
    another parameter (or "mode") and the values of it for which this one has an effect, or a number that it must
    exceed (of a text: its length); the panel shows it only then. `serves` is "text" for what only models that read
    prompts know, "classes" for models of classes, "safety" for those that bring a safety checker, "" for any.
    """

    kind: str
    label: str
    help: str
    minimum: float = 0
    maximum: float = 0
    step: float = 1
    unit: str = ""
    choices: dict[str, str] = field(default_factory=dict)
    section: str = MAIN
    needs: tuple[str, tuple[str, ...] | float] | None = None
    serves: str = ""


def _parameter(default: Any, kind: str, label: str, help: str, **limits: Any) -> Any:
    return field(default=default, metadata={"parameter": Parameter(kind, label, help, **limits)})


@dataclass(frozen=True)
class Sampling:
    """What the user sets for one generation. Raises `UserError` for a value out of range."""

    prompt: str = _parameter(
        "", "text", "Prompt", "What to paint inside the mask; empty removes and continues.",
        serves="text",
    )
    source: str = _parameter(
        "", "text", "Shown now", "What the picture shows now; the prompt says what an edit makes of it.",
        needs=("mode", ("edit",)), serves="text",
    )
    negative: str = _parameter(
        "", "text", "Negative", "What to steer away from.", needs=("guidance", 1), serves="text"
    )
    steps: int = _parameter(
        20, "int", "Steps", "How many denoising steps; more is finer and slower.", minimum=1, maximum=1000,
        unit="steps", needs=("sampler", tuple(name for name in SAMPLERS if name != ADAPTIVE)),
    )
    guidance: float = _parameter(
        3.0, "float", "Guidance", "How strongly the prompt pulls; 1 follows the model alone, 0 ignores the prompt.",
        minimum=0.0, maximum=30.0, step=0.5, unit="×", serves="text",
    )
    guidance_rescale: float = _parameter(
        0.0, "float", "Rescale guidance", "How far contrast and colour that strong guidance overdoes are drawn back.",
        minimum=0.0, maximum=1.0, step=0.1, unit="%", section="Guidance", serves="text",
    )
    guidance_from: float = _parameter(
        1.0, "float", "Guide from", "Guidance begins at this time; 100 % is pure noise. Later leaves the layout free.",
        minimum=0.0, maximum=1.0, step=0.05, unit="%", section="Guidance", serves="text",
    )
    guidance_until: float = _parameter(
        0.0, "float", "Guide until", "Guidance ends at this time; 0 % is the end. Earlier is faster and softer.",
        minimum=0.0, maximum=1.0, step=0.05, unit="%", section="Guidance", serves="text",
    )
    classifier_guidance: float = _parameter(
        0.0, "float", "Classifier guidance", "How strongly a classifier of noisy pictures pulls towards the prompt.",
        minimum=0.0, maximum=100.0, step=1, unit="×", section="Guidance", serves="text",
    )
    clip_guidance: float = _parameter(
        0.0, "float", "CLIP guidance", "How strongly the likeness of picture and prompt pulls, as it is seen so far.",
        minimum=0.0, maximum=100.0, step=1, unit="×", section="Guidance", serves="text",
    )
    label: int = _parameter(
        -1, "int", "Class", "The class to draw in the prompt's place, by number; -1 for none. For models of classes.",
        minimum=-1, maximum=999_999, section="Guidance", serves="classes",
    )
    then: str = _parameter(
        "", "text", "Then", "A second prompt; it takes over on the way, and empty keeps the first one.",
        section="Prompt over time", serves="text",
    )
    switch: float = _parameter(
        0.5, "float", "Switch at", "How much of the way the first prompt rules; early settles layout, late details.",
        minimum=0.0, maximum=1.0, step=0.05, unit="%", section="Prompt over time", needs=("then", 0), serves="text",
    )
    blend: float = _parameter(
        0.0, "float", "Blend over", "The part of the way, around the switch, on which both prompts mix; 0 is a cut.",
        minimum=0.0, maximum=1.0, step=0.05, unit="%", section="Prompt over time", needs=("then", 0), serves="text",
    )
    variation: float = _parameter(
        0.0, "float", "Variation", "How far to turn the seed's noise to another seed's; each candidate to its own.",
        minimum=0.0, maximum=1.0, step=0.05, unit="%", section="Variation",
    )
    variation_seed: int = _parameter(
        1, "int", "Variation seed", "The other noise; with variation, candidate k uses this plus k.",
        minimum=0, maximum=MAX_SEED, section="Variation", needs=("variation", 0),
    )
    strength: float = _parameter(
        1.0, "float", "Strength", "How far back in time masked pixels are sent; 100 % repaints from pure noise.",
        minimum=0.0, maximum=1.0, step=0.05, unit="%",
    )
    seed: int = _parameter(
        0, "int", "Seed", "Start of the noise; the same seed and settings give the same picture.",
        minimum=0, maximum=MAX_SEED,
    )
    sampler: str = _parameter(
        "dpmpp_2m", "choice", "Sampler", "The method that walks from noise to picture.", choices=SAMPLERS,
        section="Sampler",
    )
    eta: float = _parameter(
        0.0, "float", "DDIM eta", "Fresh noise in each DDIM step; 0 is deterministic, 1 is as noisy as DDPM.",
        minimum=0.0, maximum=1.0, step=0.1, section="Sampler", needs=("sampler", ("ddim",)),
    )
    variance: str = _parameter(
        "small", "choice", "DDPM variance", "How much fresh noise a DDPM step adds: small is calm, large is rough.",
        choices=VARIANCES, section="Sampler", needs=("sampler", ("ddpm",)),
    )
    predictor: str = _parameter(
        "ddpm", "choice", "Predictor", "What makes the steps that are corrected.",
        choices=PREDICTORS, section="Sampler", needs=("sampler", ("predictor_corrector",)),
    )
    corrector: int = _parameter(
        1, "int", "Corrections", "How often the picture is mended before each step; every time costs a look.",
        minimum=1, maximum=10, unit="a step", section="Sampler", needs=("sampler", ("predictor_corrector",)),
    )
    snr: float = _parameter(
        0.16, "float", "Correction size", "How far a correction moves, as a signal-to-noise ratio; large is rough.",
        minimum=0.01, maximum=0.5, step=0.01, section="Sampler", needs=("sampler", ("predictor_corrector",)),
    )
    spacing: str = _parameter(
        "time", "choice", "Spacing", "Where steps lie; log-SNR has more of them near pure noise and near the end.",
        choices=SPACINGS, section="Sampler", needs=("sampler", tuple(name for name in SAMPLERS if name != ADAPTIVE)),
    )
    tolerance: float = _parameter(
        1e-2, "float", "Tolerance", "How exactly the adaptive sampler follows the way; smaller is finer and slower.",
        minimum=1e-6, maximum=0.1, step=1e-3, section="Sampler", needs=("sampler", (ADAPTIVE,)),
    )
    prediction: str = _parameter(
        AUTO, "choice", "Prediction", "What the network predicts, for a file that does not say so, or says it wrongly.",
        choices=PREDICTIONS, section="Sampler", serves="text",
    )
    fit: int = _parameter(
        2, "int", "Fit", "How far the colours are fitted to the grey picture in each step; 0 is fast, and less true.",
        minimum=0, maximum=10, unit="rounds", section="Sampler", needs=("mode", ("colorize",)),
    )
    shrink: str = _parameter(
        "average", "choice", "Small picture", "How the small picture was made, which the result gives when shrunk.",
        choices=SHRINKS, section="Sampler", needs=("mode", ("upscale",)),
    )
    method: str = _parameter(
        AUTO, "choice", "Mask method", "How what is painted is made to fit what is kept; the free ones suit any model.",
        choices=METHODS, section="Mask",
    )
    travel: int = _parameter(
        4, "int", "Repeats", "How often each stretch of the way is walked, to fit better; costs as many times more.",
        minimum=1, maximum=50, section="Mask", needs=("method", (REPAINT, RANGE_NULL)),
    )
    travel_length: int = _parameter(
        4, "int", "Stretch", "How many steps are walked again at a time; at most half of them.",
        minimum=1, maximum=500, unit="steps", section="Mask", needs=("method", (REPAINT, RANGE_NULL)),
    )
    langevin: int = _parameter(
        3, "int", "Inner moves", "Random moves before each step, to fit better; each costs as much as a step.",
        minimum=1, maximum=50, section="Mask", needs=("method", (LANPAINT,)),
    )
    layout: str = _parameter(
        "off", "choice", "Keep coarse shapes", "Shapes and colours larger than this stay; what is smaller is new.",
        choices=LAYOUTS, section="Mask",
    )
    tone: str = _parameter(
        MATCH, "choice", "Tone", "Whether what is painted anew is drawn to the tone of what is kept around it.",
        choices=TONES, section="Mask", needs=("mode", ("inpaint", "outpaint", "renoise", "edit")),
    )
    large: str = _parameter(
        "scale", "choice", "Large frames", "How a frame larger than the model's pictures is painted; tiles are slower.",
        choices=LARGE, section="Mask", needs=("mode", ("inpaint", "outpaint", "renoise", "edit")),
    )
    safety: str = _parameter(
        "on", "choice", "Safety checker",
        "Whether the model's checker may hold pictures back; until it has looked they show as blurs.",
        choices=SAFETY, section="Sampler", serves="safety",
    )
    candidates: int = _parameter(
        4, "int", "Candidates", "How many pictures to make; candidate k uses seed + k.", minimum=1, maximum=16
    )

    def __post_init__(self) -> None:
        for name, parameter in parameters().items():
            check(name, parameter, getattr(self, name))


def read_settings(stored: Mapping[str, Any]) -> Sampling:
    """Settings as a file keeps them, `asdict` of a `Sampling`; those that it lacks are the defaults.

    Raises `UserError` for a value out of range and for settings that only another version knows.
    """
    unknown = [str(name) for name in stored if name not in parameters()]
    if unknown:
        raise UserError(f"Another version of PaintDiff wrote this: {', '.join(unknown)} is not known here.")
    return Sampling(**stored)


def parameters() -> dict[str, Parameter]:
    """Every parameter by field name, in the order of the panel."""
    return {item.name: item.metadata["parameter"] for item in fields(Sampling)}


def has_effect(name: str, values: Mapping[str, object], mode: str) -> bool:
    """Whether parameter `name` has a say in `mode` where the parameters are `values`, by field name."""
    parameter = parameters()[name]
    if parameter.needs is None:
        return True
    other, wanted = parameter.needs
    value = mode if other == "mode" else values[other]
    if isinstance(wanted, tuple):
        met = value in wanted
    else:
        met = (len(value.strip()) if isinstance(value, str) else float(str(value))) > wanted
    return met and (other == "mode" or has_effect(other, values, mode))


def check(name: str, parameter: Parameter, value: object) -> None:
    """Raise `UserError` if `value` does not fit `parameter`."""
    if parameter.kind == "text":
        if not isinstance(value, str):
            raise UserError(f"{parameter.label} must be text, not {value!r}.")
        return
    if parameter.kind == "choice":
        if value not in parameter.choices:
            raise UserError(f"{parameter.label} {value!r} is not known; choose one of {', '.join(parameter.choices)}.")
        return
    whole = parameter.kind == "int"
    fits = (
        isinstance(value, int if whole else (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
        and parameter.minimum <= value <= parameter.maximum
    )
    if not fits:
        kind = "a whole number" if whole else "a number"
        lowest, highest = f"{parameter.minimum:.10g}", f"{parameter.maximum:.10g}"
        raise UserError(f"{parameter.label} must be {kind} from {lowest} to {highest}, not {value!r}.")
