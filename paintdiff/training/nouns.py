"""Which things the model learns to draw, and the words a painter may use for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COLOURS = (
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "grey", "turquoise",
)  # fmt: skip

_SUBGROUPS = (
    "animal-mammal animal-bird animal-amphibian animal-reptile animal-marine animal-bug plant-flower plant-other "
    "food-fruit food-vegetable food-prepared food-asian food-sweet drink place-geographic place-building place-other "
    "transport-ground transport-water transport-air sky-weather event sport game musical-instrument light-video tool"
).split()

# Single things from subgroups that are mostly not worth drawing.
_EXTRA = (
    "grinning face|smiling face with sunglasses|smiling face with hearts|crying face|angry face|winking face|"
    "sleeping face|clown face|ghost|alien|alien monster|robot|skull|pile of poo|grinning cat|red heart|yellow heart|"
    "green heart|blue heart|purple heart|broken heart|crown|top hat|t-shirt|jeans|dress|socks|scarf|running shoe|"
    "high-heeled shoe|backpack|handbag|glasses|sunglasses|ring|gem stone|closed book|open book|books|key|old key|"
    "locked|envelope|package|pencil|paintbrush|crayon|scissors|alarm clock|hourglass done|watch|telephone|laptop|"
    "mobile phone|desktop computer|bell|headphone|radio|microphone|treasure chest|money bag|coin|chair|bed|door|"
    "bathtub|broom|bucket|basket|microscope|telescope|moai|globe showing Europe-Africa|compass|spoon|"
    "kitchen knife|artist palette|yarn|framed picture|umbrella"
).split("|")

_DROPPED = frozenset(
    (
        "guide dog|service dog|pig nose|paw prints|front-facing baby chick|wing|spider web|microbe|rosette|sheaf of rice|"
        "leaf fluttering in wind|wilted flower|shallow pan of food|tamale|oden|cut of meat|"
        "fish cake with swirl|bowl with spoon|clinking beer mugs|clinking glasses|pouring liquid|mate|landslide|"
        "building construction|Japanese post office|post office|bank|hotel|love hotel|hospital|convenience store|"
        "school|department store|derelict house|wedding|Tokyo tower|Statue of Liberty|foggy|bridge at night|"
        "hot springs|barber pole|railway car|metro|station|tram car|mountain railway|oncoming bus|trolleybus|"
        "oncoming police car|oncoming taxi|oncoming automobile|manual wheelchair|motorized wheelchair|bus stop|"
        "motorway|railway track|oil drum|police car light|horizontal traffic light|construction|airplane departure|"
        "airplane arrival|seat|suspension railway|mountain cableway|aerial tramway|"
        "waxing crescent moon|first quarter moon|waxing gibbous moon|new moon|waning gibbous moon|last quarter moon|"
        "waning crescent moon|new moon face|first quarter moon face|last quarter moon face|thermometer|milky way|"
        "sun behind small cloud|sun behind large cloud|sun behind rain cloud|fog|wind face|cyclone|closed umbrella|"
        "umbrella on ground|snowman without snow|water wave|confetti ball|tanabata tree|pine decoration|Japanese dolls|"
        "carp streamer|wind chime|moon viewing ceremony|red envelope|reminder ribbon|admission tickets|ticket|"
        "softball|rugby football|flying disc|cricket game|field hockey|ice hockey|lacrosse|badminton|"
        "martial arts uniform|goal net|flag in hole|diving mask|running shirt|curling stone|water pistol|slot machine|"
        "spade suit|heart suit|diamond suit|club suit|joker|mahjong red dragon|flower playing cards|film frames|"
        "camera with flash|videocassette|magnifying glass tilted right|hammer and pick|hammer and wrench|crossed swords|"
        "white cane|link|broken chain|chains|nut and bolt|clamp|level slider|musical keyboard|long drum|stop sign|"
        "face in clouds|world map|brick|wood|national park|red paper lantern|diya lamp|knot|bagel|flatbread|"
        "stuffed flatbread|falafel|canned food|salt|rice cracker|dango|takeout box|fondue|sprout"
    ).split("|")
)

# What else a painter would call it. The first word of a label that is a colour is dealt with apart.
_OTHER_NAMES = {
    "automobile": "car", "sport utility vehicle": "car", "racing car": "race car", "delivery truck": "truck",
    "articulated lorry": "truck", "locomotive": "steam train", "high-speed train": "train", "bullet train": "train",
    "bicycle": "bike", "motorcycle": "motorbike", "airplane": "plane", "small airplane": "plane",
    "passenger ship": "ship", "motor boat": "boat", "sailboat": "sailing boat", "flying saucer": "ufo",
    "fire engine": "fire truck", "hamburger": "burger", "french fries": "fries", "doughnut": "donut",
    "soft ice cream": "ice cream", "birthday cake": "cake", "shortcake": "cake", "cheese wedge": "cheese",
    "hot beverage": "cup of coffee", "beer mug": "beer", "ear of corn": "corn", "baguette bread": "baguette",
    "lady beetle": "ladybug", "honeybee": "bee", "baby chick": "chick", "spouting whale": "whale",
    "T-Rex": "dinosaur", "sauropod": "dinosaur", "black bird": "crow", "two-hump camel": "camel",
    "evergreen tree": "tree", "deciduous tree": "tree", "Christmas tree": "christmas tree", "blossom": "flower",
    "cherry blossom": "flower", "hibiscus": "flower", "bouquet": "flowers", "potted plant": "plant",
    "seedling": "sprout", "four leaf clover": "clover", "maple leaf": "leaf", "fallen leaf": "autumn leaf",
    "snow-capped mountain": "mountain", "mount fuji": "mountain", "house with garden": "house", "houses": "house",
    "hut": "cottage", "classical building": "temple", "Japanese castle": "castle", "office building": "tower",
    "crescent moon": "moon", "full moon": "moon", "full moon face": "moon", "sun with face": "sun",
    "glowing star": "star", "cloud with rain": "rain cloud", "umbrella with rain drops": "umbrella",
    "wrapped gift": "present", "jack-o-lantern": "halloween pumpkin", "soccer ball": "football", "tennis": "tennis ball",
    "bowling": "bowling ball", "pool 8 ball": "billiard ball", "game die": "dice", "bow and arrow": "bow",
    "light bulb": "lamp", "closed book": "book", "locked": "padlock", "package": "cardboard box", "red heart": "heart",
    "globe showing Europe-Africa": "earth", "grinning face": "smiley", "smiling face with sunglasses": "cool face",
    "crying face": "sad face", "pile of poo": "poo", "gem stone": "diamond", "high voltage": "lightning",
    "meat on bone": "meat", "magnifying glass tilted left": "magnifying glass", "aubergine": "eggplant",
    "mobile phone": "phone", "hourglass done": "hourglass", "ringed planet": "planet", "droplet": "drop of water",
    "cooking": "fried egg", "steaming bowl": "bowl of noodles", "pot of food": "stew", "poultry leg": "chicken leg",
    "framed picture": "painting", "performing arts": "masks", "globe showing Americas": "earth", "sheep": "ewe",
    "night with stars": "starry night", "cityscape at dusk": "city", "cityscape": "city", "lobster": "crayfish",
    "alien monster": "monster", "tropical drink": "cocktail", "cup with straw": "soft drink", "ewe": "sheep",
}  # fmt: skip


@dataclass(frozen=True)
class Noun:
    """One thing: its Unicode code points ("1f34e"), its name without a colour word, and other names for it."""

    code: str
    name: str
    others: tuple[str, ...] = ()


def chosen_nouns(emojibase: Path) -> Iterator[Noun]:
    """The nouns to train on, from the folder of the npm package emojibase-data. Raises OSError if it is missing."""
    names = json.loads((emojibase / "meta/groups.json").read_text(encoding="utf-8"))["subgroups"]
    for entry in json.loads((emojibase / "en/data.json").read_text(encoding="utf-8")):
        label = entry["label"]
        if label in _DROPPED or "subgroup" not in entry:
            continue
        if label in _EXTRA or names[str(entry["subgroup"])] in _SUBGROUPS:
            yield noun_of(label, entry["hexcode"])


def noun_of(label: str, code: str) -> Noun:
    """Split "red apple" into the noun "apple", "dog face" into "dog" with the other name "dog face"."""
    words = label.lower().replace("-", " ").replace("’", "'").split()
    if words[0] in COLOURS and len(words) > 1:
        words = words[1:]
    others = [_OTHER_NAMES[label]] if label in _OTHER_NAMES else []
    if words[-1] == "face" and len(words) == 2:
        others.append(" ".join(words))
        words = words[:1]
    return Noun(plain_code(code), " ".join(words), tuple(others))


def plain_code(code: str) -> str:
    """Code points in lower case without the emoji variation selector, as the sprite sets name them differently."""
    return "-".join(part for part in code.lower().split("-") if part != "fe0f")
