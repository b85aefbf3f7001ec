"""The one door to the methods that walk from noise to picture; all are in alpha and sigma, for every schedule."""

from __future__ import annotations

from paintdiff.engine.samplers.ancestral import DDIM, DDPM
from paintdiff.engine.samplers.consistency import Consistency
from paintdiff.engine.samplers.deterministic import DPMpp2M, Euler, Heun
from paintdiff.engine.samplers.sde import EulerMaruyama, PredictorCorrector, ReverseDiffusion
from paintdiff.engine.schedule import Schedule
from paintdiff.engine.state import Denoise, Draw, Sampler, State

__all__ = ["Denoise", "Draw", "Sampler", "State", "make_sampler"]


def make_sampler(
    name: str, schedule: Schedule, draw: Draw, eta: float = 0.0, variance: str = "small", predictor: str = "ddpm",
    corrector: int = 1, snr: float = 0.16,
) -> Sampler:  # fmt: skip
    """The fixed-step sampler that `Sampling.sampler` names. Raises ValueError for one we do not know.

    `eta` is DDIM's, `variance` DDPM's; `predictor`, another sampler's name, `corrector` steps and their signal-to-noise
    ratio `snr` are those of predictor-corrector.
    """
    if name == "dpmpp_2m":
        return DPMpp2M(schedule)
    if name == "euler":
        return Euler(schedule)
    if name == "heun":
        return Heun(schedule)
    if name == "ddim":
        return DDIM(schedule, draw, eta)
    if name == "ddpm":
        return DDPM(schedule, draw, variance)
    if name == "lcm":
        return Consistency(schedule, draw)
    if name == "euler_maruyama":
        return EulerMaruyama(schedule, draw)
    if name == "reverse_diffusion":
        return ReverseDiffusion(schedule, draw)
    if name == "predictor_corrector":
        return PredictorCorrector(schedule, draw, make_sampler(predictor, schedule, draw), corrector, snr)
    raise ValueError(f"sampler {name!r} is not known")
