"""Names in requests become files: by tags, by words and by options."""

from pathlib import Path

import numpy as np
import pytest

from paintdiff.generation.add_ons import AddOns, Lora, Word
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from paintdiff.models.preferences import add_folder
from paintdiff.models.prompt_names import PromptNames
from tests.safetensors_files import SD1_LORA, VAE, write_header

EMBEDDING = {"emb_params": (2, 768)}


@pytest.fixture
def webui(tmp_path, monkeypatch) -> Path:
    """Folders as A1111 has them, added to the user's own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "webui"
    write_header(root / "models" / "Lora" / "ink.safetensors", SD1_LORA)
    write_header(root / "models" / "Lora" / "styles" / "Wash v2.safetensors", SD1_LORA)
    write_header(root / "models" / "VAE" / "clear.safetensors", VAE)
    write_header(root / "embeddings" / "EasyMoss.safetensors", EMBEDDING)
    (root / "embeddings" / "oldstyle.pt").write_bytes(b"\x80\x02}q\x00.")
    add_folder(root)
    return root


def settled(add_ons: AddOns = AddOns(), words: bool = True, **sampling: str) -> Request:  # noqa: B008
    frame = Rect(0, 0, 4, 4)
    blank = np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4), np.uint8)
    request = Request("inpaint", frame, frame, *blank, Sampling(**sampling), add_ons=add_ons)
    return PromptNames().settled(request, words)


def test_tags_become_files_and_leave_the_prompt(webui) -> None:
    request = settled(prompt="a cat <lora:ink:0.8>, moss <lora:wash V2>")
    assert request.sampling.prompt == "a cat, moss"
    lora = webui / "models" / "Lora"
    expected = (Lora(str(lora / "ink.safetensors"), 0.8), Lora(str(lora / "styles" / "Wash v2.safetensors")))
    assert request.add_ons.loras == expected


def test_a_tag_counts_in_place_of_the_same_lora_elsewhere_and_two_tags_add_up(webui) -> None:
    file = str(webui / "models" / "Lora" / "ink.safetensors")
    said = AddOns((Lora("ink", 0.2),))
    assert settled(said, prompt="a cat").add_ons.loras == (Lora(file, 0.2),)
    assert settled(said, prompt="a cat <lora:ink:0.8>").add_ons.loras == (Lora(file, 0.8),)
    assert settled(prompt="<lora:ink:0.5> a <lora:INK:0.25>").add_ons.loras == (Lora(file, 0.75),)


def test_a_name_that_nothing_has_is_told_with_those_that_there_are(webui) -> None:
    with pytest.raises(UserError, match="No LoRA is called 'inkk': there are Wash v2, ink"):
        settled(prompt="<lora:inkk:1>")
    with pytest.raises(UserError, match="No autoencoder is called 'dull'"):
        settled(AddOns(vae="dull"))


def test_a_tag_beside_the_first_prompt_is_told(webui) -> None:
    with pytest.raises(UserError, match="put its tag into the first prompt"):
        settled(prompt="a cat", negative="<lora:ink:1>")


def test_an_autoencoder_is_found_by_its_name(webui) -> None:
    assert settled(AddOns(vae="Clear")).add_ons.vae == str(webui / "models" / "VAE" / "clear.safetensors")


def test_paths_stay_as_they_are_there_or_not(webui, tmp_path) -> None:
    gone = str(tmp_path / "gone.safetensors")
    assert settled(AddOns((Lora(gone),), vae=gone)).add_ons == AddOns((Lora(gone),), vae=gone)


def test_words_that_a_file_is_called_become_that_file_in_any_prompt(webui) -> None:
    file = str(webui / "embeddings" / "EasyMoss.safetensors")
    assert settled(negative="blurry, (easymoss:1.2)").add_ons.words == (Word("EasyMoss", file),)
    assert settled(prompt="easymossy").add_ons.words == ()
    assert settled(prompt="easymoss", words=False).add_ons.words == ()


def test_words_of_a_recipe_stay_as_long_as_a_prompt_has_them(webui, tmp_path) -> None:
    moved = Word("EasyMoss", str(tmp_path / "elsewhere.safetensors"), "ab")
    assert settled(AddOns(words=(moved,)), prompt="an easymoss wall").add_ons.words == (moved,)
    assert settled(AddOns(words=(moved,)), prompt="a wall").add_ons.words == ()


def test_a_word_whose_only_file_is_a_pickle_is_told(webui) -> None:
    with pytest.raises(UserError, match="pickle"):
        settled(prompt="in oldstyle")


def test_a_prompt_without_names_is_left_alone(webui) -> None:
    request = settled(prompt="a cat, (red:1.2)")
    assert request.sampling.prompt == "a cat, (red:1.2)"
    assert request.add_ons == AddOns()


def test_another_prompt_may_repeat_the_tags_of_the_first(webui) -> None:
    request = settled(prompt="a cat <lora:ink>", source="a cat <lora:ink>")
    assert (request.sampling.prompt, request.sampling.source) == ("a cat", "a cat")
    assert len(request.add_ons.loras) == 1
