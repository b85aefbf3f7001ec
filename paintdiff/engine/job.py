"""One request on its way: the pieces of the engine put together, timed and counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from paintdiff.engine.add_ons.controlled import shown_besides
from paintdiff.engine.assembly import (
    EncodeText,
    Scene,
    first_state,
    fitted,
    held,
    make_condition,
    make_constraint,
    make_denoiser,
    make_renoise,
    make_run_sampler,
    make_times,
)
from paintdiff.engine.branching import Recorder, resumed, with_previews
from paintdiff.engine.checkpoints.checkpoint import one_line
from paintdiff.engine.checkpoints.safety import sentence, veiled
from paintdiff.engine.checkpoints.sketch import Sketch
from paintdiff.engine.denoiser import Condition, Denoiser, Network
from paintdiff.engine.hardware.placement import from_compiler
from paintdiff.engine.hardware.stopping import stopping
from paintdiff.engine.hardware.sturdy import SturdyNetwork
from paintdiff.engine.model import Model
from paintdiff.engine.plan import LEAST
from paintdiff.engine.run import run
from paintdiff.engine.space import PixelSpace
from paintdiff.engine.state import State
from paintdiff.engine.tasks.edit import ONE_OUTCOME, Encoder, edit_sampling, outcomes
from paintdiff.engine.tasks.finish import Preview, kept_pixels
from paintdiff.engine.tasks.sequence import Sequence
from paintdiff.engine.tasks.task import Task, make_task
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.code import Code
from paintdiff.generation.errors import UserError
from paintdiff.generation.modes import EDIT
from paintdiff.generation.request import Request
from paintdiff.generation.result import Candidate, Progress, Report, Result
from paintdiff.generation.trajectory import Trajectory
from paintdiff.image.blending import over, over_matte

PREVIEW_SHARE = 0.003  # of a run's time may go into its previews


class Job:
    """Makes every candidate of a request with a loaded model.

    `seconds` is wall time per stage; "network" is the part of "sampling" that passed inside the network.
    `evaluations` counts pictures through the network: with guidance other than 0 and 1 a step takes two.
    """

    def __init__(
        self, request: Request, model: Model, encode_text: EncodeText, report: Callable[[Progress], None],
        cancel: CancelToken, done: list[Candidate | None] | None = None, notices: list[str] | None = None,
        cold: bool = False,
    ) -> None:
        """`done` are the first candidates where they were made before, None for one that is held back, and it takes up
        the others; `notices` are sentences that the report repeats. `cold`: the first call of the network compiles it.
        """
        self._request = request
        self._model = model
        self._encode_text = encode_text
        self._report = report
        self._cancel = cancel
        self._windows = request.windows or (request.frame,)
        self._first: Scene | None = None
        self.seconds: dict[str, float] = {}
        self.evaluations = 0
        self._done = [] if done is None else done
        self._notices = [] if notices is None else notices
        self._cold = cold
        self._trajectory: Trajectory | None = None  # of the latest run

    @property
    def _checked(self) -> bool:
        """Whether a safety checker looks at what is finished, and until then nothing may show it."""
        return self._model.safety is not None and self._request.sampling.safety != "off"

    def run(self) -> Result:
        """Raises `UserError`, `Cancelled`, or RuntimeError when a patch would change a kept pixel."""
        model, sampling = self._model, self._request.sampling
        with self._timed("encode"):
            condition = make_condition(model, sampling, self._encode_text)
        with stopping(model.networks, self._cancel), SturdyNetwork(self._network, model.castable) as network:
            kept = self._candidates(condition, network)
        candidates = tuple(candidate for candidate in self._done if candidate is not None)
        held_back = [k for k, candidate in enumerate(self._done) if candidate is None]
        held_back_said = (sentence(held_back, len(self._done)),) if held_back else ()
        if not candidates:
            raise UserError(*held_back_said)
        notices = (*self._notices, *self._told(), *network.notices, *held_back_said)
        notices += (ONE_OUTCOME,) * (len(self._done) < sampling.candidates)
        report = Report(dict(self.seconds), self.evaluations, kept, 0, model.info.device, notices, model.info.memory)
        return Result(candidates, report)

    def encode(self) -> Code:
        """The code of the request's picture, of what the map covers given the rest where the model has mask channels.

        Raises `UserError` and `Cancelled`.
        """
        request, model = self._request, self._model
        source = request.sampling.source
        with stopping(model.networks, self._cancel), SturdyNetwork(self._network, model.castable) as network:
            task = make_task(request, model.space.size)
            scene = self._scene(request, task, 0, 0)
            self._report(Progress("encoding"))
            encoder = Encoder(scene, source, network, self._encode_text, self._cancel)
            noise = encoder.noise()
            back = encoder.decoded(noise)
        painted = task.map(request.change_map) > 0
        away = (model.space.decode(back) - model.space.decode(scene.original))[painted]
        round_trip = float(np.sqrt(np.square(away).mean()))
        return Code(noise[0].float().cpu().numpy(), request.model, source, round_trip, self.evaluations)

    def _candidates(self, condition: Condition, network: Network) -> int:
        """Make every candidate; gives how many pixels each of them keeps."""
        request = self._request
        kept = 0
        for k in range(len(self._done), outcomes(request.mode, request.sampling)):
            recipe = request.recipe(k)
            sequence, self._trajectory = Sequence(request), None
            for i in range(len(self._windows)):
                self._paint(sequence, k, i, condition, network)
            with self._timed("finish"):
                kept, changed = kept_pixels(request, sequence.patch)
            if changed:
                raise RuntimeError(f"{changed} of {kept} kept pixels would change; the result was thrown away")
            candidate = Candidate(sequence.patch, request.frame, recipe, self._trajectory)
            self._done.append(None if self._objected_to(sequence.patch) else candidate)
        return kept

    def _objected_to(self, patch: np.ndarray) -> bool:
        """Whether the model's safety checker, if it has one and may, objects to the frame with `patch` in it."""
        request, checker = self._request, self._model.safety
        if checker is None or not self._checked:
            return False
        with self._timed("finish"):
            return checker().objects_to(over_matte(over(request.picture, patch), request.matte))

    def _paint(self, sequence: Sequence, k: int, i: int, condition: Condition, network: Network) -> None:
        """Paint window i of candidate k into `sequence`."""
        part = sequence.part(self._windows[i])
        if not part.change_map.any():
            return  # the windows before showed all of it
        model = self._model
        with self._timed("encode"):
            task = make_task(part, model.space.size, model.enlarge)
            scene = self._scene(part, task, k, i)
            start = part.branch.trajectory.start if part.branch else float(scene.strength.max())
            fit_network = task.network(network, model.space.shape[-1])
            denoiser = fitted(make_denoiser(scene, fit_network, self._encode_text, start), scene)
            condition = scene.looking(condition, scene.sampling.prompt)
            preview = Preview(task.shown, part, self._request.frame, self._shown(sequence))
        with self._timed("sampling"):
            unchanged = start < LEAST  # hints, or blocks that must stay whole, can leave nothing to change
            if self._request.mode == EDIT and not unchanged:
                scene = replace(scene, code=self._code(scene, k, network))
            x0 = scene.original if unchanged else self._sample(scene, k, i, condition, denoiser, preview)
        self._cancel.check()
        with self._timed("finish"):
            square = model.space.decode(x0)
            sequence.paste(part, task.patch(square))
            if self._trajectory is not None:
                look = model.space.decode if model.space.bounded else Sketch(x0, square)
                self._trajectory = with_previews(self._trajectory, lambda moment: preview.picture(look(moment)))

    def _scene(self, part: Request, task: Task, k: int, i: int) -> Scene:
        space, sampling = self._model.space, self._request.recipe(k).sampling
        other = _window_seed(sampling.variation_seed, i)
        sampling = replace(sampling, seed=_window_seed(sampling.seed, i), variation_seed=other)
        if self._request.mode == EDIT:
            sampling = edit_sampling(sampling, self._model.mask_channels)
        if i == 0 and self._first is not None:
            return replace(self._first, sampling=sampling)  # every candidate begins with the same picture
        plane = PixelSpace(space.size, space.device)
        strength = plane.strength(task.map(part.change_map), sampling.strength)
        beyond = plane.strength(task.map(part.beyond_canvas), 1.0)  # nothing is there to be kept a little
        strength = torch.maximum(strength, beyond)
        hidden = None if self._request.mode == EDIT else (strength >= 1).cpu().numpy()[0, 0]
        original = space.encode(task.picture, hidden)
        pixels = plane.encode(task.picture)
        scene = Scene(
            self._model, sampling, original, space.pooled(strength), pixels, strength, beyond=space.pooled(beyond),
            known=task.known(pixels), rounds=task.rounds, place=task.place, guess=self._guess(task),
            grey=task.grey,
            besides=shown_besides(part, task, self._model),
        )  # fmt: skip
        if i == 0:
            self._first = scene
        return scene

    def _guess(self, task: Task) -> np.ndarray | None:
        looks, hole, place = self._model.looks, task.hole, task.place
        if looks is None or hole is None or place is None:
            return None
        return looks.guess(task.picture, hole, place)

    def _told(self) -> tuple[str, ...]:
        """What of the prompts the model found no picture of, where it looked for some."""
        looks, scene = self._model.looks, self._first
        if looks is None or scene is None or scene.place is None or not scene.place.any():
            return ()
        return looks.told(self._request.sampling)

    def _sample(
        self, scene: Scene, k: int, i: int, condition: Condition, denoiser: Denoiser, preview: Preview
    ) -> Tensor:
        """One run: the picture in the model's space that window i of candidate k ends with."""
        first, times = self._beginning(scene)
        steps, runs = first.step + len(times), len(self._windows)
        total = outcomes(self._request.mode, self._request.sampling) * runs * steps
        before = (k * runs + i) * steps
        throttle, recorder = _Throttle(PREVIEW_SHARE), Recorder(first, times)
        self._report(Progress("sampling", before + first.step, total, k))
        x_t = first.x_t
        for state in run(
            first, times, make_run_sampler(scene), denoiser, condition,
            held(make_constraint(scene), scene), self._cancel, make_renoise(scene),
        ):  # fmt: skip
            x_t, picture = state.x_t, self._picture(state, preview, throttle)
            if recorder.wants(state):
                recorder.add(state, None if self._checked else picture)  # made for those that pass
            self._report(Progress("sampling", before + state.step, total, k, picture))
        if runs == 1:
            start = self._request.branch.trajectory.start if self._request.branch else first.t
            self._trajectory = recorder.trajectory(self._request, scene.sampling, start)
        if i == runs - 1:
            self._report(Progress("finishing", before + steps, total, k))
        return x_t

    def _code(self, scene: Scene, k: int, network: Network) -> Tensor:
        """The noise that an edit starts from: that of the request's code, or that behind its picture."""
        code = self._request.code
        if code is None:
            self._report(Progress("encoding", candidate=k))
            return Encoder(scene, scene.sampling.source, network, self._encode_text, self._cancel).noise()
        if code.noise.shape != scene.original.shape[1:]:
            raise UserError(f"The code is of another model than {self._model.info.name}; encode the picture with it.")
        return torch.from_numpy(code.noise).to(scene.original)[None]

    def _beginning(self, scene: Scene) -> tuple[State, tuple[float, ...]]:
        """The state that a run begins with and the times to come: pure noise and the whole way, or a branch."""
        if self._request.branch is not None:
            return resumed(self._request.branch, self._request, scene)
        start, *times = make_times(scene)
        return first_state(scene, start), tuple(times)

    def _picture(self, state: State, preview: Preview, throttle: _Throttle) -> np.ndarray | None:
        """What the picture looks like so far, if that can be said and there is time to."""
        if state.x0 is None or not throttle.open:
            return None
        with throttle.spending():
            look = self._model.space.look(state.x0)
            return preview.picture(veiled(look) if self._checked else look)

    def _shown(self, sequence: Sequence) -> np.ndarray:
        """The frame with what was painted so far, as far as that may be looked at before it is finished."""
        if not (self._checked and sequence.patch.any()):
            return sequence.picture
        colours = veiled(np.ascontiguousarray(sequence.patch[..., :3]))
        return over(self._request.picture, np.dstack([colours, sequence.patch[..., 3:]]))

    def _network(self, x_t: Tensor, t: float, condition: Condition) -> Tensor:
        if self._cold:
            self._report(Progress("compiling"))
            self._cold = False
        with self._timed("network"):
            try:
                out = self._model.network(x_t, t, condition)
            except RuntimeError as error:
                if not from_compiler(error):
                    raise
                why = one_line(getattr(error, "inner_exception", error))
                raise UserError(
                    f"The network cannot be compiled on this machine ({why}); load it without compiling."
                ) from error
            if x_t.device.type != "cpu":
                torch.accelerator.synchronize(x_t.device)
        self.evaluations += len(x_t)
        return out

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start


def _window_seed(seed: int, window: int) -> int:
    """The seed of a candidate's window: its own for the first, and noise of their own for the others."""
    return int(np.random.SeedSequence([seed, window]).generate_state(1)[0]) if window else seed


class _Throttle:
    """Open as long as what is done under it stays below a share of the time that passes."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._next = 0.0

    @property
    def open(self) -> bool:
        return time.perf_counter() >= self._next

    @contextmanager
    def spending(self) -> Iterator[None]:
        start = time.perf_counter()
        yield
        end = time.perf_counter()
        self._next = end + (end - start) / self._share
