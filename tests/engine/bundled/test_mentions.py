"""What prompts ask to see, as the reader understands them."""

import pytest

from paintdiff.engine.bundled.mentions import Reader

NAMES = (
    "apple", "tree", "cat", "dog", "house", "bird", "hat", "car", "automobile", "hot air balloon", "balloon",
    "balloons", "orange", "rose", "sun", "moon", "star", "scissors", "basket", "painting", "elephant", "snowman",
    "pear", "octopus", "castle", "boat", "rainbow", "sheep", "bouquet",
)  # fmt: skip
READ = """
    a red apple => red apple
     =>
    carpet =>
    a castle on green hills under a blue sky => castle
    a cat and a dog => cat beside dog
    sun, moon and stars => sun beside moon beside 2 star
    two apples => 2 apple
    three balloons => 3 balloon
    balloons => balloon
    apples => 3 apple
    a pair of scissors => scissor
    a pair of cats => 2 cat
    12 dogs => 5 dog
    three sheep => 3 sheep
    a flock of birds => 5 bird
    an octopus => octopu
    a few cats => 3 cat
    cats and dogs => 2 cat beside 2 dog
    a bird over a house => bird above house
    a boat under a rainbow => boat below rainbow
    under a rainbow, a boat => rainbow above boat
    a dog in front of a house => dog before house
    a dog with a hat => dog wearing hat
    a dog and a hat => dog beside hat
    a cat wearing a red hat => cat wearing red hat
    a cat to the left of a dog => cat left dog
    a cat right of a dog => cat right dog
    a cat on the right and a dog on the left => cat right dog
    on the right a cat, on the left a dog => cat right dog
    a cat on the left, a dog on the right => cat left dog
    a sun at the top and a house at the bottom => sun above house
    a cat on a car => cat on car
    a dog in a basket => dog in basket
    a bird on top of a tree => bird on tree
    a red apple and a green pear => red apple beside green pear
    a red apple and a pear => red apple beside pear
    blue sky with an apple => apple
    an apple in red => red apple
    a gray cat => grey cat
    an orange car => orange car
    an orange and an apple => orange beside apple
    an apple tree => tree
    a bouquet of roses => bouquet
    a painting of a cat => cat
    a dog without a hat => dog
    a house like a castle => house
    a cat in a hat => cat wearing hat
    a snow man => snowman
    hotair balloon => hot air balloon
    an elephent => elephant
    a storm =>
"""
READER = Reader(NAMES, no_slips={"storm", "trek"})


def seen(prompt: str) -> str:
    """The things of a prompt in a few letters: "2 red apple above house"."""
    asked = READER.read(prompt)
    said = []
    for i, thing in enumerate(asked.things):
        count = f"{thing.count} " if thing.count > 1 else ""
        said.append(f"{count}{thing.colour} {' '.join(thing.key)}".replace("  ", " ").strip())
        said += asked.relations[i : i + 1]
    return " ".join(said)


@pytest.mark.parametrize("line", READ.strip().splitlines())
def test_a_prompt_is_read_as_a_painter_means_it(line: str) -> None:
    prompt, things = (part.strip() for part in line.split("=>"))
    assert seen(prompt) == things


def test_a_pasted_novel_is_read_at_its_beginning() -> None:
    assert seen("a cat " + "walks and walks " * 5000 + "a dog") == "cat"


@pytest.mark.parametrize(
    ("prompt", "ground"),
    [
        ("a cat and a dog on green hills under a blue sky", "green hills under a blue sky"), ("a cat and a dog", ""),
        ("a blue sky with a bird over a house", "blue sky"), ("two cats on a red background", "red background"),
    ],
)
def test_the_ground_is_what_is_left_to_words(prompt: str, ground: str) -> None:
    assert READER.read(prompt).several
    assert READER.read(prompt).ground == ground
    assert not READER.read("a cat").several


def test_what_was_read_otherwise_is_told() -> None:
    assert READER.read("two elephents and a dog").slips == {"elephents": "elephant"}
    assert READER.read("two elephants and a dog").slips == {}
    assert READER.read("an elephent").slips == {"elephent": "elephant"}
    assert READER.read("12 dogs").more
    assert not READER.read("five dogs").more
