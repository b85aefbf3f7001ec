"""What the user asks of the machine for a model: where its weights lie and in which numbers it computes."""

from __future__ import annotations

from dataclasses import dataclass

from paintdiff.generation.errors import UserError

AUTO = "auto"
ALL, TEXT_OFF, TILED, GROUP, SEQUENTIAL = "all", "text-off", "tiled", "group", "sequential"
RUNGS = {
    ALL: "all on the device",
    TEXT_OFF: "text encoder off after use",
    TILED: "text encoder off, pictures in tiles",
    GROUP: "network block by block",
    SEQUENTIAL: "network layer by layer",
}  # of the memory ladder: each takes less of the device than the one before, and more time
DEVICES = {
    AUTO: "automatic", "cuda": "CUDA or ROCm", "xpu": "Intel XPU", "mps": "Apple GPU", "cpu": "CPU",
}  # fmt: skip
MEMORY = {AUTO: "automatic"} | RUNGS
PRECISIONS = {
    AUTO: "automatic", "bfloat16": "bfloat16", "float16": "float16", "float32": "float32 (exact, twice the memory)",
    "float8": "float8 weights (half the memory)",
}  # fmt: skip


@dataclass(frozen=True)
class Placing:
    """`memory` is a rung of the memory ladder to begin on, `precision` what the network computes in; "auto" lets the
    free memory and the device decide. `compile` makes the network's repeated blocks faster after a slow first run.

    Raises `UserError` for a word that is not known.
    """

    memory: str = AUTO
    precision: str = AUTO
    compile: bool = False

    def __post_init__(self) -> None:
        for name, value, known in (("memory", self.memory, MEMORY), ("precision", self.precision, PRECISIONS)):
            if value not in known:
                raise UserError(f"The {name} {value!r} is not known; choose one of {', '.join(known)}.")


AUTOMATIC = Placing()


def rung_below(rung: str) -> str | None:
    """The next rung of the ladder, which takes less memory; None below the last."""
    names = list(RUNGS)
    after = names[names.index(rung) + 1 :]
    return after[0] if after else None
