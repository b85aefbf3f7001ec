"""Which things the model learns to draw, and the words a painter may use for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from paintdiff.engine.bundled.colours import COLOURS


def _names(listed: str) -> frozenset[str]:
    return frozenset(" ".join(name.split()) for name in listed.split("|"))


_SUBGROUPS = _names("""
    animal-mammal | animal-bird | animal-amphibian | animal-reptile | animal-marine | animal-bug | plant-flower |
    plant-other | food-fruit | food-vegetable | food-prepared | food-asian | food-sweet | drink | place-geographic |
    place-building | place-other | transport-ground | transport-water | transport-air | sky-weather | event | sport
    | game | musical-instrument | light-video | tool
    """)

# Single things from subgroups that are mostly not worth drawing.
_EXTRA = _names("""
    grinning face | smiling face with sunglasses | smiling face with hearts | crying face | angry face | winking
    face | sleeping face | clown face | ghost | alien | alien monster | robot | skull | pile of poo | grinning cat |
    red heart | yellow heart | green heart | blue heart | purple heart | broken heart | crown | top hat | t-shirt |
    jeans | dress | socks | scarf | running shoe | high-heeled shoe | backpack | handbag | glasses | sunglasses |
    ring | gem stone | closed book | open book | books | key | old key | locked | envelope | package | pencil |
    paintbrush | crayon | scissors | alarm clock | hourglass done | watch | telephone | laptop | mobile phone |
    desktop computer | bell | headphone | radio | microphone | treasure chest | money bag | coin | chair | bed |
    door | bathtub | broom | bucket | basket | microscope | telescope | moai | globe showing Europe-Africa | compass
    | spoon | kitchen knife | artist palette | yarn | framed picture | umbrella
    """)

_DROPPED = _names("""
    guide dog | service dog | pig nose | paw prints | front-facing baby chick | wing | spider web | microbe |
    rosette | sheaf of rice | leaf fluttering in wind | wilted flower | shallow pan of food | tamale | oden | cut of
    meat | fish cake with swirl | bowl with spoon | clinking beer mugs | clinking glasses | pouring liquid | mate |
    landslide | building construction | Japanese post office | post office | bank | hotel | love hotel | hospital |
    convenience store | school | department store | derelict house | wedding | Tokyo tower | Statue of Liberty |
    foggy | bridge at night | hot springs | barber pole | railway car | metro | station | tram car | mountain
    railway | oncoming bus | trolleybus | oncoming police car | oncoming taxi | oncoming automobile | manual
    wheelchair | motorized wheelchair | bus stop | motorway | railway track | oil drum | police car light |
    horizontal traffic light | construction | airplane departure | airplane arrival | seat | suspension railway |
    mountain cableway | aerial tramway | waxing crescent moon | first quarter moon | waxing gibbous moon | new moon
    | waning gibbous moon | last quarter moon | waning crescent moon | new moon face | first quarter moon face |
    full moon face | last quarter moon face | thermometer | milky way | sun behind small cloud | sun behind large
    cloud | sun behind rain cloud | fog | wind face | cyclone | closed umbrella | umbrella on ground | snowman
    without snow | water wave | confetti ball | tanabata tree | pine decoration | Japanese dolls | carp streamer |
    wind chime | moon viewing ceremony | red envelope | reminder ribbon | admission tickets | ticket | softball |
    rugby football | flying disc | cricket game | field hockey | ice hockey | lacrosse | badminton | martial arts
    uniform | goal net | flag in hole | diving mask | running shirt | curling stone | water pistol | slot machine |
    spade suit | heart suit | diamond suit | club suit | joker | mahjong red dragon | flower playing cards | film
    frames | camera with flash | videocassette | magnifying glass tilted right | hammer and pick | hammer and wrench
    | crossed swords | white cane | link | broken chain | chains | nut and bolt | clamp | level slider | musical
    keyboard | long drum | stop sign | face in clouds | world map | brick | wood | national park | red paper lantern
    | diya lamp | knot | bagel | flatbread | stuffed flatbread | falafel | canned food | salt | rice cracker | dango
    | takeout box | fondue
    """)


# Names that painters type first; scenes show them more often.
COMMON = _names("""
    apple | banana | strawberry | cherries | lemon | tangerine | pear | grapes | watermelon | carrot | tomato |
    mushroom | pizza | hamburger | doughnut | birthday cake | cupcake | cookie | soft ice cream | bread | egg | cup
    of coffee | cat | dog | rabbit | fox | bear | panda | lion | tiger | elephant | horse | cow | pig | ewe | mouse
    | monkey | frog | turtle | snake | bird | duck | owl | penguin | chicken | baby chick | fish | tropical fish |
    whale | dolphin | shark | octopus | crab | butterfly | bee | lady beetle | snail | spider | dragon | unicorn |
    sauropod | t rex | evergreen tree | deciduous tree | palm tree | cactus | sunflower | tulip | rose | blossom |
    seedling | house | hut | castle | tent | mountain | snow capped mountain | volcano | automobile | bus | racing
    car | delivery truck | fire engine | tractor | bicycle | locomotive | train | sailboat | ship | airplane |
    helicopter | rocket | flying saucer | balloon | sun | crescent moon | full moon | star | cloud | rainbow |
    snowflake | snowman | fire | umbrella | heart | ghost | robot | alien | skull | crown | teddy bear | kite |
    present | football | basketball | guitar | drum | key | light bulb | candle | grinning face | smiling face with
    sunglasses | christmas tree | jack o lantern | diamond
    """)

_MOODS = ("grinning", "winking", "sleeping", "crying", "angry")
# Labels that no painter would type, and what is shown instead.
_BETTER_NAMES = {
    "locked": "padlock", "carpentry saw": "saw", "magnifying glass tilted left": "magnifying glass",
    "globe showing Europe-Africa": "earth", "hourglass done": "hourglass", "gem stone": "diamond",
    "high voltage": "lightning", "cooking": "fried egg", "steaming bowl": "bowl of noodles", "package": "cardboard box",
    "pool 8 ball": "billiard ball", "hot beverage": "cup of coffee", "teacup without handle": "cup of tea",
    "cup with straw": "soft drink", "bottle with popping cork": "champagne", "night with stars": "starry night",
    "bullseye": "target", "game die": "dice", "pick": "pickaxe", "cloud with lightning": "thunder cloud",
    "cloud with rain": "rain cloud", "cloud with snow": "snow cloud", "umbrella with rain drops": "umbrella",
    "cloud with lightning and rain": "storm cloud", "framed picture": "painting", "classical building": "temple",
    "wrapped gift": "present", "ping pong": "table tennis bat", "tennis": "tennis racket",
    "cityscape at dusk": "city at dusk", "articulated lorry": "truck", "honeybee": "bee", "soccer ball": "football",
}  # fmt: skip

# What else a painter would call it. The first word of a label that is a colour is dealt with apart.
_OTHER_NAMES = {
    "automobile": "car", "sport utility vehicle": "car", "racing car": "race car", "delivery truck": "truck",
    "locomotive": "steam train", "high-speed train": "train", "bullet train": "train", "bicycle": "bike",
    "motorcycle": "motorbike", "airplane": "plane", "small airplane": "plane", "passenger ship": "ship",
    "motor boat": "boat", "sailboat": "sailing boat", "flying saucer": "ufo", "fire engine": "fire truck",
    "hamburger": "burger", "french fries": "fries", "doughnut": "donut", "soft ice cream": "ice cream",
    "birthday cake": "cake", "shortcake": "cake", "cheese wedge": "cheese", "beer mug": "beer", "ear of corn": "corn",
    "baguette bread": "baguette", "lady beetle": "ladybug", "tangerine": "orange", "baby chick": "chick",
    "spouting whale": "whale", "T-Rex": "dinosaur", "sauropod": "dinosaur", "black bird": "crow",
    "two-hump camel": "camel", "evergreen tree": "tree", "deciduous tree": "tree", "Christmas tree": "christmas tree",
    "blossom": "flower", "cherry blossom": "flower", "hibiscus": "flower", "bouquet": "flowers",
    "potted plant": "plant", "seedling": "sprout", "four leaf clover": "clover", "maple leaf": "leaf",
    "fallen leaf": "autumn leaf", "snow-capped mountain": "mountain", "mount fuji": "mountain",
    "house with garden": "house", "houses": "house", "hut": "cottage", "Japanese castle": "castle",
    "office building": "tower", "crescent moon": "moon", "full moon": "moon", "sun with face": "sun",
    "glowing star": "star", "jack-o-lantern": "halloween pumpkin", "bowling": "bowling ball", "bow and arrow": "bow",
    "light bulb": "lamp", "closed book": "book", "red heart": "heart", "grinning face": "smiley",
    "smiling face with sunglasses": "cool face", "crying face": "sad face", "pile of poo": "poo",
    "meat on bone": "meat", "mobile phone": "phone", "ringed planet": "planet", "droplet": "drop of water",
    "pot of food": "stew", "poultry leg": "chicken leg", "cityscape": "city", "lobster": "crayfish",
    "alien monster": "monster", "tropical drink": "cocktail", "ewe": "sheep",
}  # fmt: skip


@dataclass(frozen=True)
class Noun:
    """One thing: its Unicode code points ("1f34e"), its name without a colour word, and other names for it."""

    code: str
    name: str
    others: tuple[str, ...] = ()


def chosen_nouns(emojibase: Path) -> Iterator[Noun]:
    """The nouns to train on, from the npm package emojibase-data in `emojibase`; OSError if it is missing."""
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
    name = " ".join(words)
    others = [_OTHER_NAMES[label]] if label in _OTHER_NAMES else []
    if label in _BETTER_NAMES:
        return Noun(plain_code(code), _BETTER_NAMES[label])
    if words[-1] == "face" and len(words) == 2 and words[0] not in _MOODS:
        others.append(" ".join(words))
        name = words[0]
    return Noun(plain_code(code), name, tuple(others))


def plain_code(code: str) -> str:
    """Code points in lower case without the emoji variation selector, as the sprite sets name them differently."""
    return "-".join(part for part in code.lower().split("-") if part != "fe0f")
