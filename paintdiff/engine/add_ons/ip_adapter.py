"""Image prompts: an IP-Adapter lets the U-Net attend to a picture as it does to words (Ye et al. 2023)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from paintdiff.engine.add_ons.controlnet import DAMAGED, unet_of
from paintdiff.engine.checkpoints.checkpoint import one_line, prepare_libraries
from paintdiff.engine.checkpoints.weights import check_finite
from paintdiff.engine.model import Model
from paintdiff.generation.controls import ImagePrompt
from paintdiff.generation.errors import UserError
from paintdiff.image.blending import over_matte
from paintdiff.models.ip_adapter import AdapterFile, EncoderFolder, find_encoder, read_adapter

WHITE = (255, 255, 255)
Embeddings = tuple[Tensor, Tensor]


@dataclass(frozen=True, eq=False)
class Adapter:
    """`processors` by the name of the attention that they are for, and what turns an embedding into words."""

    processors: Mapping[str, Any]
    projection: nn.Module

    def weigh(self, weight: float) -> None:
        for processor in self.processors.values():
            if hasattr(processor, "scale"):
                processor.scale = [weight]


class ImagePrompts:
    """The adapter in use, and the embeddings of pictures that it was shown."""

    def __init__(self) -> None:
        self._loaded: tuple[str, Any, Adapter] | None = None  # its file, the U-Net that it is for, and the adapter
        self._embeddings: dict[tuple[Path, bool, str], Embeddings] = {}

    def clear(self) -> None:
        """Let the adapter go, with the memory it takes."""
        self._loaded = None
        self._embeddings.clear()

    @contextmanager
    def on(self, model: Model, prompt: ImagePrompt | None) -> Iterator[Model]:
        """`model` that looks at the prompt's picture, as long as the context lasts; itself where there is none.

        Raises `UserError`, before anything is loaded, for a model that takes no image prompt and for an adapter or an
        encoder that does not go with it; and for weights that are damaged.
        """
        if prompt is None or prompt.weight == 0:
            yield model
            return
        unet = unet_of(model, "image prompts").unet
        file = read_adapter(Path(prompt.adapter))
        encoder = find_encoder(file.path, prompt.encoder)
        _check_fits(file, encoder, unet, model)
        adapter = self._adapter(file, unet, model)
        embeddings = self._embedded(prompt, file, encoder, model.space.device, unet.dtype)
        adapter.weigh(prompt.weight)
        with _installed(unet, adapter):
            yield replace(model, image=embeddings)

    def _adapter(self, file: AdapterFile, unet: Any, model: Model) -> Adapter:
        if self._loaded is None or self._loaded[0] != str(file.path) or self._loaded[1] is not unet:
            self._loaded = None
            self._loaded = str(file.path), unet, load_adapter(file, unet, model.space.device)
        return self._loaded[2]

    def _embedded(
        self, prompt: ImagePrompt, file: AdapterFile, encoder: EncoderFolder, device: torch.device, dtype: torch.dtype
    ) -> Embeddings:
        """(1, 1, D) or (1, 1, L, D) float32 for the picture and for none. The encoder is kept no longer than that."""
        key = encoder.folder, file.hidden, prompt.picture_sha256
        if key not in self._embeddings:
            self._embeddings = {key: embed(prompt, encoder, file.hidden, device, dtype)}  # one at a time
        return self._embeddings[key]


def load_adapter(file: AdapterFile, unet: Any, device: torch.device) -> Adapter:
    """The adapter's weights as diffusers reads them for `unet`, which stays as it is. Raises `UserError`."""
    prepare_libraries()
    try:
        parts: dict[str, dict[str, Tensor]] = {"image_proj": {}, "ip_adapter": {}}
        for name, weight in load_file(file.path).items():
            part, _, rest = name.partition(".")
            if part in parts:
                parts[part][rest] = weight
        # Its own loader would also put them into the U-Net, and the U-Net onto one device.
        processors = unet._convert_ip_adapter_attn_to_diffusers([parts], low_cpu_mem_usage=False)
        projection = unet._convert_ip_adapter_image_proj_to_diffusers(parts["image_proj"], low_cpu_mem_usage=False)
    except DAMAGED as error:
        raise UserError(f"The IP-Adapter {file.path} cannot be opened: {one_line(error)}.") from error
    from diffusers.models.embeddings import MultiIPAdapterImageProjection

    whole = MultiIPAdapterImageProjection([projection])
    for module in (whole, *(each for each in processors.values() if isinstance(each, nn.Module))):
        check_finite(module, file.path)
        module.requires_grad_(False).eval().to(device, unet.dtype)
    return Adapter(processors, whole)


def embed(
    prompt: ImagePrompt, encoder: EncoderFolder, hidden: bool, device: torch.device, dtype: torch.dtype
) -> Embeddings:
    """What the CLIP encoder says of the prompt's picture, and of none (for patches: of a black one); float32."""
    if prompt.picture is None:
        raise ValueError("an image prompt needs its picture")
    prepare_libraries()
    from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

    try:
        loaded: Any = CLIPVisionModelWithProjection.from_pretrained(
            str(encoder.folder.resolve()), use_safetensors=True, local_files_only=True, output_loading_info=True,
            dtype=dtype,
        )  # fmt: skip
        network, report = loaded
    except DAMAGED as error:
        raise UserError(f"The image encoder in {encoder.folder} cannot be opened: {one_line(error)}.") from error
    if report["missing_keys"] or report["mismatched_keys"]:
        raise UserError(f"The weights in {encoder.folder} are not those of its config.")
    check_finite(network, encoder.folder)
    network.requires_grad_(False).eval().to(device)
    side = network.config.image_size
    processor = CLIPImageProcessor(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
    picture = Image.fromarray(over_matte(prompt.picture, WHITE))
    pixels = processor(picture, return_tensors="pt").pixel_values.to(device, dtype)
    with torch.no_grad():
        if not hidden:
            image = network(pixels).image_embeds.float()[:, None]
            return image, torch.zeros_like(image)
        both = network(torch.cat([pixels, torch.zeros_like(pixels)]), output_hidden_states=True).hidden_states[-2]
        image, no_image = both.float()[:, None].chunk(2)
        return image, no_image


@contextmanager
def _installed(unet: Any, adapter: Adapter) -> Iterator[None]:
    """The adapter in the U-Net, and the U-Net as it was afterwards."""
    processors, projection, kind = dict(unet.attn_processors), unet.encoder_hid_proj, unet.config.encoder_hid_dim_type
    try:
        unet.set_attn_processor(dict(adapter.processors))
        unet.encoder_hid_proj, unet.config.encoder_hid_dim_type = adapter.projection, "ip_image_proj"
        yield
    finally:  # the projection first: its own attention would count as the U-Net's
        unet.encoder_hid_proj, unet.config.encoder_hid_dim_type = projection, kind
        unet.set_attn_processor(processors)


def _check_fits(file: AdapterFile, encoder: EncoderFolder, unet: Any, model: Model) -> None:
    """Raise `UserError` unless the adapter was made for such a U-Net and such an encoder."""
    if unet.config.get("cross_attention_dim") != file.words or unet.config.get("encoder_hid_dim_type") is not None:
        raise UserError(
            f"The IP-Adapter {file.path.name} goes with words of {file.words} numbers, and the model {model.info.name} "
            f"has words of {unet.config.get('cross_attention_dim')}: take one that was made for its family."
        )
    width = encoder.hidden_width if file.hidden else encoder.width
    if width != file.width:
        raise UserError(
            f"The IP-Adapter {file.path.name} reads {file.width} numbers of a picture and the image encoder in "
            f"{encoder.folder} writes {width}: take the one that it was trained with."
        )
