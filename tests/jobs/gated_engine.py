"""An engine that a test can hold at any point."""

import threading

import numpy as np

from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.errors import UserError
from paintdiff.generation.likelihood import Likelihood
from paintdiff.generation.placing import AUTOMATIC, Placing
from paintdiff.generation.request import Request
from paintdiff.generation.result import Candidate, Progress, Report, Result
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect

FRAME = Rect(0, 0, 8, 8)


def request(prompt: str = "", steps: int = 3) -> Request:
    return Request(
        "inpaint", FRAME, FRAME, np.full((8, 8, 4), 255, np.uint8), np.full((8, 8), 255, np.uint8),
        Sampling(prompt=prompt, steps=steps),
    )


class GatedEngine:
    """Fills the frame with its seed; `loading` and `stepping` hold it until they are set. Some prompts are faults."""

    def __init__(self) -> None:
        self.loading, self.stepping = threading.Event(), threading.Event()
        self.loading.set()
        self.stepping.set()
        self.reached_loading, self.reached_step = threading.Event(), threading.Event()
        self.threads: set[int] = set()

    def load(self, model: str, device: str, placing: Placing = AUTOMATIC) -> ModelInfo:
        self.threads.add(threading.get_ident())
        self.reached_loading.set()
        assert self.loading.wait(10)
        return ModelInfo(model, "cpu", 64)

    def likelihood(self, request: Request, patches, report, cancel: CancelToken) -> tuple[Likelihood, ...]:
        """As likely as a patch is dark; held and at fault like `generate`."""
        self.generate(request, report, cancel)
        return tuple(Likelihood(-float(patch.mean()), float(patch.mean()), 0.1, patch.size, 1) for patch in patches)

    def generate(self, request: Request, report, cancel: CancelToken) -> Result:
        self.threads.add(threading.get_ident())
        if request.sampling.prompt == "bad":
            raise UserError("That prompt is bad; use another.")
        if request.sampling.prompt == "broken":
            raise ZeroDivisionError("inside the network")
        for step in range(request.sampling.steps):
            report(Progress("sampling", step + 1, request.sampling.steps, preview=request.picture))
            self.reached_step.set()
            assert self.stepping.wait(10)
            cancel.check()
        patch = np.full((8, 8, 4), request.sampling.seed % 256, np.uint8)
        return Result((Candidate(patch, request.frame, request.recipe()),), Report(kept_pixels=12))
