"""Words that the picture library's own names lack: other words for its things, for colours, and what is no slip."""

from __future__ import annotations

from paintdiff.engine.bundled.wording import tokens, words


def _table(listed: str) -> dict[str, str]:
    """Lines of `name: word, word` -> the name by word."""
    rows = (line.split(":") for line in listed.strip().splitlines())
    return {word.strip(): name.strip() for name, listed_words in rows for word in listed_words.split(",")}


# Other words for what there is a picture of, only where the picture is a fair one of the word.
THINGS = _table("""
airplane: aeroplane, aircraft, airliner, jet, jumbo jet, passenger jet
alarm clock: wake up clock
alien: extraterrestrial, martian
automobile: auto, motorcar, motor car, sedan, hatchback, saloon car
auto rickshaw: tuk tuk, tuktuk, rickshaw
baby bottle: feeding bottle
baby chick: duckling, baby bird
baguette bread: french bread
balance scale: scales, weighing scale
basket: hamper
bathtub: bath, tub
beach ball: inflatable ball
beer mug: pint, pint of beer, ale, lager, mug of beer
bell pepper: capsicum, sweet pepper, paprika
beverage box: juice box, juice carton
bicycle: pushbike
billiard ball: pool ball, snooker ball, 8 ball, eight ball
bison: buffalo
boar: wild boar, warthog
bouquet: posy, nosegay, bunch of roses, flower bouquet
bow and arrow: archery bow
bowl of noodles: ramen, noodles, noodle soup, pho
bowling: ten pin bowling, bowling pin, skittles
bread: loaf, loaf of bread, toast
bucket: pail
bullet train: shinkansen
bus: omnibus, school bus
cactus: saguaro, prickly pear
camping: campsite
can of soda: soda can, can of coke, coke, cola
canoe: kayak, rowing boat, rowboat, dinghy
cardboard box: package, parcel, carton
carousel horse: merry go round, carousel
castle: fortress, fort, citadel, fairytale castle
cat: kitten, kitty, pussycat, pussy cat, tomcat, tabby
cheese wedge: piece of cheese, slice of cheese
chess pawn: pawn, chess piece
chicken: hen
chipmunk: squirrel
christmas tree: xmas tree, christmas fir
circus tent: big top, marquee
cityscape: skyline, skyscrapers, town
closed book: textbook, novel
coloured pencils: colored pencils, colour pencils, color pencils
cookie: biscuit
cow: heifer, dairy cow
cowboy hat: stetson
crescent moon: half moon
crocodile: alligator, croc, gator, caiman
crown: tiara, coronet
cup of coffee: coffee, coffee cup, espresso, cappuccino, latte, hot chocolate, cocoa
cup of tea: tea, teacup, tea cup, green tea
cupcake: fairy cake
curry rice: curry
custard: flan, pudding, creme caramel, creme brulee
deciduous tree: oak, oak tree, maple tree, elm, beech, poplar, apple tree, cherry tree, orange tree
delivery truck: lorry, van, delivery van, box truck, moving truck
deer: stag, fawn, doe, reindeer
desktop computer: computer, pc, personal computer
dog: puppy, pup, doggy, doggie, hound, pooch
donkey: mule
dress: gown, frock
droplet: raindrop, water drop
ear of corn: maize, corncob, corn cob, sweetcorn, corn on the cob
earth: globe, planet earth
eggplant: aubergine
elephant: baby elephant
evergreen tree: fir, fir tree, pine, pine tree, spruce, conifer, larch
ewe: lamb
ferris wheel: big wheel, giant wheel
ferry: ferryboat, ferry boat
film projector: projector
fire: flame, campfire, bonfire, camp fire
fire engine: fire lorry
fish: trout, salmon, carp, herring
fishing pole: fishing rod
flower: wildflower
flying saucer: flying disc, alien ship, alien spaceship
football: soccer ball, soccer
american football: rugby ball
fox: vixen
french fries: chips, potato chips
frog: toad, tree frog
fuel pump: petrol pump, gas pump, petrol station, gas station
garlic: garlic bulb
glass of water: water glass, drinking glass
glasses: spectacles, eyeglasses
glowing star: shining star
glass of milk: milk
glass of juice: juice, orange juice
glass of lemonade: lemonade
goat: billy goat, nanny goat
goose: gander
gramophone: record player, phonograph
grapes: bunch of grapes
grinning face: happy face, smiling face, smile, smiley face, emoji, emoticon
guitar: acoustic guitar, electric guitar, ukulele
hamburger: cheeseburger, beefburger
hamster: guinea pig, gerbil
handbag: purse, bag, ladies bag
headphone: headset, earphone
heart: love heart, red heart
helicopter: chopper, copter
hippopotamus: hippo
hot air balloon: montgolfier
hot pepper: chili, chilli, chili pepper, chilli pepper, chile, jalapeno, red pepper
house: home, bungalow, villa, farmhouse, farm house
houses: village, hamlet
hut: shack, shed, hovel
ice cream: gelato, sundae
ice: ice cube
igloo: snow house
jack o lantern: carved pumpkin
jeans: trousers, pants, denims
jeep: off roader
jellyfish: medusa
kettle: tea kettle
keyboard: piano keyboard
kick scooter: scooter
kitchen knife: knife, chef knife
lady beetle: ladybird, lady bug, lady bird
laptop: notebook computer
leafy green: lettuce, spinach, cabbage, kale
leopard: cheetah, panther
light bulb: bulb
lightning: thunderbolt, lightning bolt, bolt of lightning
lizard: gecko, iguana, chameleon, salamander, newt
lobster: crawfish
locomotive: steam locomotive, steam engine
log cabin: lodge, chalet
lollipop: lollypop
lotus: water lily, waterlily
magnifying glass: loupe, magnifier
meat on bone: steak, ham
microphone: mic
minibus: camper van, campervan, minivan
mobile phone: cell phone, cellphone, smartphone, smart phone
money bag: bag of money, sack of money, money
monkey: chimp, chimpanzee
moose: elk
motor boat: motorboat, powerboat
motor scooter: vespa, moped
motorcycle: motor bike
mountain: hilltop, peak, mountain peak
mouse: rodent
movie camera: film camera
mug: cup
mushroom: toadstool, fungus, fly agaric
nesting dolls: matryoshka, russian doll, doll
octopus: kraken
office building: skyscraper, high rise, tower block, building, office block
old key: skeleton key, antique key
open book: spellbook
orca: killer whale
padlock: lock
paintbrush: artist brush, brush
painting: picture frame, framed picture
palm tree: palm, coconut tree, coconut palm
pancakes: crepe, hotcake
panda: panda bear
parrot: macaw, cockatoo, parakeet, budgie
passenger ship: cruise ship, ocean liner, liner, steamship
peacock: peafowl
pea pod: pea
penguin: baby penguin
piano: grand piano
pickup truck: pick up, pickup
pig: piglet, hog, swine
plesiosaur: loch ness monster, nessie, sea monster
popsicle: ice pop, iced lolly
pot of food: stew pot, casserole
potted plant: houseplant, house plant, pot plant, flowerpot, flower pot
present: gift, gift box, giftbox, birthday present, christmas present
pterodactyl: pterosaur
police car: cop car, patrol car
puzzle piece: jigsaw, jigsaw piece
rabbit: bunny, bunny rabbit, hare
raccoon: racoon
racing car: formula 1 car, f1 car
rhinoceros: rhino
ring: diamond ring, engagement ring, wedding ring
ring buoy: lifebuoy, life ring, life belt, rubber ring
ringed planet: saturn
roast turkey: thanksgiving turkey
rock: stone, boulder, pebble
rocket: rocket ship, spaceship, spacecraft, space ship, space shuttle, space rocket, missile
rooster: cockerel
running shoe: shoe, sneaker, trainer, sports shoe
sailboat: yacht, sailing ship, pirate ship, catamaran, sloop
salad: green salad
satellite dish: radar dish
sauropod: brontosaurus, brachiosaurus, diplodocus, dino
saxophone: sax
school: school house, schoolhouse
scrub brush: scrubbing brush
seal: sea lion
seedling: sapling
ship: cargo ship, freighter, steamer
shirt: blouse, dress shirt
shooting star: meteor, falling star
shovel: spade
sled: sledge, sleigh, toboggan
snake: serpent, viper, cobra, python, adder
snow capped mountain: snowy mountain, alp, glacier mountain, snow covered mountain
socks: stocking
soft ice cream: soft serve, ice cream cornet
spaghetti: pasta
spider: tarantula
spiral shell: seashell, sea shell, shell, conch
sport utility vehicle: suv
sports car: supercar, convertible, cabriolet
spouting whale: humpback, humpback whale, blue whale
sunset: sundown
suitcase: luggage, travel bag, briefcase
sushi: sushi roll
sword: sabre, saber, rapier, scimitar
table: desk
taxi: cab, taxicab, taxi cab
teddy bear: teddy, stuffed bear, toy bear
television: tv, telly, tv set, television set
thunder cloud: thunderstorm, thundercloud
tiger: tigress, tiger cub
t rex: tyrannosaurus, tyrannosaurus rex
t shirt: tee shirt
tornado: twister, whirlwind
toy train: model train
tram: streetcar, trolley, tramcar
treasure chest: chest, treasure, pirate chest, chest of gold
tropical fish: angelfish, clownfish, clown fish
tropical drink: pina colada
truck: juggernaut, hgv
tumbler glass: whiskey, whisky, glass of whisky
turtle: tortoise, sea turtle
umbrella: parasol, brolly
vacuum cleaner: vacuum
video game: game controller, gamepad, controller
vinyl record: lp, vinyl
volcano: erupting volcano
wallet: billfold
wasp: hornet
watch: wristwatch, wrist watch
wheel: tire, tyre, cartwheel
wine glass: glass of wine, wine, red wine, glass of red wine
wolf: husky
woolly hat: beanie, bobble hat, wool hat, knitted hat
worm: earthworm
wrench: spanner
yarn: ball of wool, wool, ball of yarn
lion: lioness, lion cub
bear: brown bear, grizzly, grizzly bear, bear cub
horse: pony, stallion, mare, foal, colt
duck: mallard, drake
owl: barn owl, snowy owl
bird: sparrow, robin, blackbird, finch, songbird, raven
crab: hermit crab
bee: bumblebee, honeybee, bumble bee, honey bee
bug: insect
eagle: hawk, falcon, bird of prey, buzzard
dove: pigeon
dragon: wyvern
shark: great white, great white shark
kangaroo: wallaby
llama: alpaca
camel: dromedary
antelope: gazelle
gorilla: king kong
butterfly: moth
flowers: wildflowers
temple: greek temple, parthenon
tent: wigwam
lantern: paper lantern
desk lamp: reading lamp
candle: candlelight
drum: snare drum
violin: fiddle
tangerine: mandarin, clementine, satsuma, grapefruit
cherries: cherry
grapes: grape
blueberries: blueberry, bilberry
peanuts: peanut
socks: sock
scissors: pair of scissors
skis: ski
autumn leaves: fall leaves, dead leaves
""")

COLOURS = {
    "gray": "grey", "silver": "grey", "crimson": "red", "scarlet": "red", "golden": "yellow", "gold": "yellow",
    "violet": "purple", "lilac": "purple", "lavender": "purple", "magenta": "pink", "teal": "turquoise",
    "cyan": "turquoise", "navy": "blue", "azure": "blue", "emerald": "green", "beige": "brown", "tan": "brown",
}  # fmt: skip

# What to offer instead of words that nothing is a fair picture of.
KINDRED = {
    word: tuple(name.strip() for name in names.split(","))
    for words_alike, names in (line.split(":") for line in """
        wizard, witch, magician, sorcerer, magic: magic wand, crystal ball, dragon
        king, queen, prince, princess, royalty: crown, castle, unicorn
        knight, warrior, soldier, samurai, viking, ninja: sword, shield, castle
        pirate: treasure chest, sailboat, skull
        astronaut, space, galaxy, universe, planet: rocket, ringed planet, flying saucer
        man, woman, person, people, boy, girl, child, baby, kid, lady, guy: robot, snowman, teddy bear
        grandmother, grandma, granny, grandfather, grandpa, mother, father, mum, mom, dad: teddy bear, robot, snowman
        face, head, portrait: grinning face, clown, skull
        eye, eyes: glasses, sunglasses
        angel, fairy, elf, mermaid, centaur, god, goddess: unicorn, phoenix, dragon
        zombie, vampire, demon, devil, mummy: ghost, skull, alien monster
        santa, santa claus, christmas: christmas tree, present, snowman
        food, meal, dinner, lunch, breakfast: pizza, hamburger, pancakes
        fruit, fruits: apple, banana, grapes
        vegetable, vegetables: carrot, broccoli, tomato
        drink, beverage: cup of coffee, glass of juice, cocktail glass
        animal, pet, creature, beast: cat, dog, lion
        vehicle: car, bus, bicycle
        toy, toys: teddy bear, toy train, yo yo
        tool, tools: hammer, saw, wrench
        instrument, music, band: guitar, violin, drum
        plant, bush, shrub, grass, leaf: potted plant, seedling, herb
        sea, ocean, wave, water, river, lake, waterfall, beach: fishing boat, beach with umbrella, desert island
        forest, wood, jungle, woods: evergreen tree, palm tree, mushroom
        bridge, street, road: cityscape, bus, house
        church, cathedral, mosque, palace, tower: castle, temple, lighthouse
        weather, storm, wind: thunder cloud, tornado, lightning
        clothes, clothing, coat, jacket, sweater, skirt: t shirt, dress, scarf
        furniture, sofa, couch, bench, armchair, stool: chair, bed, table
        cup, glass, jug, vase: mug, wine glass, teapot
        sport, sports, game: football, basketball, tennis racket
        hand, foot, leg, arm: mitten, boot, boxing glove
        squirrel, beaver, mole, ferret, weasel: chipmunk, otter, badger
        starfish, sea star, urchin: crab, seahorse, spiral shell
        ostrich, emu, stork, crane, heron, pelican, toucan: flamingo, parrot, swan
        hyena, coyote, jackal: wolf, fox, leopard
        walrus: seal, polar bear
        dessert, sweet, sweets: cupcake, ice cream, doughnut
        gun, weapon, rifle, cannon: sword, bow and arrow, bomb
        """.strip().splitlines())
    for word in map(str.strip, words_alike.split(","))
}

PEOPLE = frozenset(words("""
    man woman person people boy girl child baby kid lady guy human grandmother grandma granny grandfather grandpa mother
    father mum mom dad sister brother uncle aunt friend wizard witch magician king queen prince princess knight warrior
    soldier samurai viking ninja pirate astronaut doctor nurse teacher farmer cook chef police fireman policeman
    dancer singer musician artist painter bride groom cowboy santa fairy elf angel mermaid face portrait hand
    """))  # fmt: skip

# Words that say how a picture looks, or name what the network paints by itself: nobody misses a drawing of them.
QUIET = frozenset(words("""
    sky background ground backdrop hill cloud sunset night stripe check gradient pattern colour color style picture
    photo photograph image illustration drawing sketch painting art artwork icon sticker emoji cartoon comic anime
    watercolor watercolour oil acrylic pencil ink pixel vector logo render rendering cgi photorealistic realistic
    realism detailed detail details quality masterpiece best high highly very ultra resolution res hdr uhd 4k 8k hd
    cinematic lighting light dark bright shiny cute beautiful pretty nice lovely funny happy sad angry small little big
    large huge tiny giant old new young fluffy fat thin tall short long wide round left right top bottom side middle
    centre center corner front back air distance foreground day please some something anything thing stuff lot much
    many more other another same different own made left right here there front view closeup close up shot scene
    trending artstation unreal engine minimal minimalist simple abstract colourful colorful vivid pastel warm cold
    hot wild tame sleepy golden wooden metal glass stone retro vintage modern ancient magical mystical fantasy
    portrait tail ear fur wing nose mouth horn leg roof window petal stem smile
    """))  # fmt: skip

# Common words one letter away from the name of a thing, which are no slips of the pen.
NO_SLIPS = frozenset(tokens("""
    added adler airline alden align allen ample apply badge baron barre barred barren baton battle beacon bearer
    beater beatle bench berger bernie better birth bitter bloom blush boiling bottled bowing break breed brink brisk
    broad brock brood brook budge buick bundy burner buster butler butte cameo canon canton capping carbon carlton
    carmel carry carson cartoon caste cattle cayman chain champ cheat check cheesy chico chilly choir chopped choral
    chuck circled clair clever cloak closer cloudy clout clove coach comey commuter compute computed confer controlled
    coroner corral couch cover creep crept crest crete crowd curly curvy daily danger dessert digger dodgy dumping
    emotion erase erased factor fallon father fitch flake flaming flank flare flash flock flowed fluke fodder folded
    fungi furry gaelic gender grace grade graph grate grave harper heard hearing hearst hearth hearty hooper horde
    hotel housed infect inject insert inspect juicy laker lander larger larry laser latch later latter layer ledge
    leonard lighting linear lined linen linger liter liver lodged loner louie louse lowry macau maine manga marian
    martial martin martina mellon meter microscopy monet monty mooney moore moved munster nobel oliver orion other
    outer packaged padding paddock palate pasha paste peace perch phoned phony photograph piazza plated plato pointing
    poole poppy popular porch pouch preach prevent printing prone protector pulse purge pursue rabbi raman ramon
    rapper ratio rhine robyn rocked rocker rolled roster rubin safer salah salman salon sampling saver scaled scalp
    scanner scary scoop scorpio seeding seine shade shake shale shall share sharp sheen sheet shelf shelly shift shine
    shire shock shocking shone shoot shooter shore shorty shout shove shoved skill skirt slack slade sleep slider
    sludge smack smear smell snack sneak snoop sober spanned spare spark sparkly speak speaker spear spell spine
    spinner spoof spout squad squared squire stack stacking stake stale staple stark stead steal steamed steep
    sticking stile stoke stole stoned stoner stony stoop store stove streak subset sudan sunday swear sweep swell
    swing swipe swoop swore sworn tablet tally timer toner towed track trail trailer trained trainee trait traitor
    treasured treasurer treasury trick truce trunk tully twain twisted twitter villager ville viola walled waller
    while whisk whole witch wrath
"""))
