"""A U-Net alone in its file: the model that a whole one of its family becomes with these weights."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from paintdiff.engine.model import Model, load_model
from paintdiff.generation.errors import UserError
from paintdiff.models.catalogue import look_at
from tests import single_files
from tests.single_files import save_folder, save_single

LDM = "model.diffusion_model."


@pytest.fixture(scope="module")
def parts() -> dict[str, Any]:
    return single_files.sd1()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, parts: dict[str, Any]) -> Path:
    folder = tmp_path_factory.mktemp("base") / "models" / "checkpoints"
    folder.mkdir(parents=True)
    return save_single(parts, folder / "base.safetensors")


def opened(source: Path) -> Model:
    return load_model(str(source), "cpu", torch.float32)


def answer(model: Model) -> Tensor:
    x_t = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        return model.network(x_t, 0.5, model.encode_text("a red apple"))


def tuned(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor * 0.9 for name, tensor in tensors.items()}


def save_lone(tensors: dict[str, Tensor], path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path)
    return path


@pytest.mark.parametrize("layout", [pytest.param("prefixed", marks=pytest.mark.slow), "bare", "diffusers"])
def test_a_unet_alone_borrows_all_else_from_a_whole_model_beside_it(base, parts, tmp_path, layout) -> None:
    whole = load_file(base)
    unet = {name: tensor for name, tensor in whole.items() if name.startswith(LDM)}
    expected = answer(opened(save_lone(whole | tuned(unet), tmp_path / "tuned.safetensors")))
    if layout == "bare":
        unet = {name.removeprefix(LDM): tensor for name, tensor in unet.items()}
    elif layout == "diffusers":
        unet = parts["unet"].state_dict()
    lone = save_lone(tuned(unet), base.parents[1] / "unet" / f"{layout}.safetensors")
    model = opened(lone)
    assert torch.equal(answer(model), expected)
    assert model.info.name == layout
    assert look_at(str(lone)).problem == ""


@pytest.mark.parametrize("kind", ["sd2", pytest.param("sdxl", marks=pytest.mark.slow)])
def test_a_unet_alone_borrows_from_a_folder_that_was_added(tmp_path, monkeypatch, kind) -> None:
    parts = getattr(single_files, kind)()
    folder = save_folder(parts, tmp_path / "models" / kind)
    name = f"{kind}_lightning_4step_vpred.safetensors"
    lone = save_lone(parts["unet"].state_dict(), tmp_path / "lone" / name)
    with pytest.raises(UserError, match=r"holds only the denoiser.* whole checkpoint of its family"):
        opened(lone)
    assert "only the denoiser" in look_at(str(lone)).problem
    monkeypatch.setattr("paintdiff.models.base_model.model_folders", lambda: (tmp_path / "models",))
    model = opened(lone)
    x_t = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        one, other = (each.network(x_t, 0.5, each.encode_text("a red apple")) for each in (model, opened(folder)))
    assert torch.equal(one, other)
    assert model.predicts == "v"  # by its name, whatever the folder says
    assert model.info.defaults["steps"] == 4


def test_a_unet_of_another_build_is_one_clear_sentence(base, parts) -> None:
    """As those are that were made smaller, SSD-1B say: of the same family, with fewer layers."""
    unet = parts["unet"].state_dict()
    fewer = {name: tensor for name, tensor in unet.items() if not name.startswith("mid_block.attentions.")}
    lone = save_lone(fewer, base.parents[1] / "unet" / "small.safetensors")
    with pytest.raises(UserError, match="weights of its UNet2DConditionModel are missing") as raised:
        opened(lone)
    assert "\n" not in str(raised.value)
