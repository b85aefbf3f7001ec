"""Masked conditional diffusion in torch: schedules, denoisers, constraints, samplers, one loop."""
