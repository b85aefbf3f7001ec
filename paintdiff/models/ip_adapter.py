"""What an IP-Adapter is, told from its header before it is loaded: which family, which image encoder it reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Family
from paintdiff.models.bounds import check_network
from paintdiff.models.describe import network_weights
from paintdiff.models.families import Part, identify
from paintdiff.models.header import Header, read_header, read_object, spoken
from paintdiff.models.screening import check_files, home, refuse_pickle

ENCODER, CONFIG, STEM = "image_encoder", "config.json", "model"
ARCHITECTURE = "CLIPVisionModelWithProjection"


@dataclass(frozen=True)
class AdapterFile:
    """An IP-Adapter on disk. `hidden`: it reads all patches of the encoder's last layer but one, not one embedding.

    `width` is how many numbers it reads for a picture or a patch; `words` how many for a word of the prompt.
    """

    path: Path
    family: Family
    hidden: bool
    width: int
    words: int


@dataclass(frozen=True)
class EncoderFolder:
    """A CLIP image encoder on disk: its projection has `width` numbers, its layers `hidden_width`."""

    folder: Path
    width: int
    hidden_width: int


def read_adapter(path: Path) -> AdapterFile:
    """Look at a .safetensors file. Raises `UserError` for what is no IP-Adapter that opens."""
    refuse_pickle(path)
    header = read_header(path)
    kind = identify(header)
    if kind.part is not Part.IP_ADAPTER:
        raise UserError(f"{spoken(path)} is no IP-Adapter but a file of another kind ({kind.part.value}).")
    of_faces = header.shape("image_proj.norm.weight") and header.shape("image_proj.proj.0.weight")
    if of_faces and not header.shape("image_proj.proj.3.weight"):
        raise UserError(f"{spoken(path)} reads faces through a recognizer, which this version does not bring.")
    for name, hidden in _READS:
        shape = header.shape(f"image_proj.{name}")
        if len(shape) == 2:
            return AdapterFile(path, kind.family, hidden, shape[1], _words(header))
    raise UserError(f"{spoken(path)} is not a compatible IP-Adapter: its image projection is of an unknown kind.")


def find_encoder(adapter: Path, said: str = "") -> EncoderFolder:
    """The encoder in the folder `said`, or else that beside the adapter, as they are given away together.

    Raises `UserError` for none, and for one that does not open.
    """
    if said:
        return _read_encoder(Path(said))
    near = [adapter.parent / ENCODER, adapter.parent.parent / ENCODER, adapter.parent.parent / "models" / ENCODER]
    for folder in near:
        if (folder / CONFIG).is_file():
            return _read_encoder(folder)
    raise UserError(
        f"The IP-Adapter {adapter.name} needs the CLIP image encoder that it was trained with: say in which folder it "
        f"lies, or put it beside the adapter as {ENCODER}."
    )


_READS = (("proj.weight", False), ("proj_in.weight", True), ("proj.0.weight", True))


def _read_encoder(folder: Path) -> EncoderFolder:
    if not folder.is_dir():
        raise UserError(f"There is no folder {spoken(folder)} with an image encoder.")
    check_files(folder, home(folder))
    config = read_object(folder / CONFIG)
    if ARCHITECTURE not in (config.get("architectures") or [ARCHITECTURE]) or not isinstance(
        config.get("projection_dim"), int
    ):
        raise UserError(f"{spoken(folder)} holds no CLIP image encoder with a projection ({ARCHITECTURE}).")
    weights = network_weights(folder, STEM)
    if not weights:
        raise UserError(f"{spoken(folder)} holds no image encoder: no complete set of .safetensors files is there.")
    headers = [read_header(each) for each in weights]
    tensors = {name: tensor for header in headers for name, tensor in header.tensors.items()}
    check_network(folder / CONFIG, config, Header(folder, tensors, {}, sum(each.size for each in headers)))
    return EncoderFolder(folder, int(config["projection_dim"]), int(config.get("hidden_size", 768)))


def _words(header: Header) -> int:
    shapes = (tensor.shape for name, tensor in header.tensors.items() if name.endswith("to_k_ip.weight"))
    return next((shape[1] for shape in shapes if len(shape) == 2), 0)
