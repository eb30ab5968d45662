"""The vocabulary of the synthetic set: topics, sentences about events, captions, titles."""

from __future__ import annotations

from typing import NamedTuple


class Vocabulary(NamedTuple):
    """The words that only one topic uses: 12 nouns and 8 places."""

    nouns: tuple[str, ...]
    places: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _vocabulary(nouns: str, places: str) -> Vocabulary:
    return Vocabulary(_words(nouns), tuple(places.split(", ")))


TOPICS = {
    "ocean": _vocabulary(
        "wave boat seal coral anchor ferry sail whale buoy dolphin crab diver",
        "off the reef, by the pier, in the bay, over the tide, near the shore, past the lighthouse, "
        "under the surf, along the coast",
    ),
    "forest": _vocabulary(
        "fox owl deer fern acorn badger oak moss beetle squirrel pine branch",
        "in the woods, under the leaves, by the brook, near the stump, along the trail, "
        "behind the roots, over the clearing, past the thicket",
    ),
    "city": _vocabulary(
        "tram taxi tower bridge window lamp scooter crane banner tunnel kiosk crowd",
        "on the avenue, at the station, over the roofs, in the square, near the plaza, "
        "behind the market, past the corner, along the street",
    ),
    "desert": _vocabulary(
        "camel cactus dune lizard caravan scorpion oasis tent falcon mirage well palm",
        "in the sand, under the sun, by the canyon, over the ridge, near the mesa, past the wadi, "
        "behind the cliff, along the track",
    ),
    "mountain": _vocabulary(
        "eagle glacier goat climber summit sledge cabin rope skier peak marmot cloud",
        "in the snow, on the slope, above the valley, by the hut, near the gorge, past the pass, "
        "under the ice, along the crest",
    ),
    "space": _vocabulary(
        "comet rocket planet probe moon meteor rover satellite nebula capsule galaxy beacon",
        "in orbit, near the crater, past the rings, through the void, beyond the sun, above the dock, "
        "by the antenna, among the stars",
    ),
    "garden": _vocabulary(
        "rose bee tulip snail robin ladybird lily butterfly hedge daisy pumpkin sprout",
        "by the fence, in the pond, under the arbour, near the fountain, over the lawn, "
        "behind the shed, past the gate, along the border",
    ),
    "kitchen": _vocabulary(
        "kettle pan spoon dough onion recipe apron oven pepper soup whisk cake",
        "on the stove, in the bowl, by the sink, near the fridge, over the counter, under the shelf, "
        "behind the jars, beside the plates",
    ),
}
TOPIC_NAMES = tuple(TOPICS)

ADJECTIVES = _words("old golden quiet broken tiny bright lonely striped hidden gentle giant dusty")
VERBS = _words("waits turns rests drifts wobbles appears shines moves settles returns")
CALM_OPENERS = ("here", "meanwhile", "as usual", "once more", "for now", "slowly")
TELLING_OPENERS = ("look", "watch", "at last", "suddenly", "wow", "right now")
NUM_SENTENCES = len(ADJECTIVES) * 12 * len(VERBS) * 8  # of one topic, openers not counted

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (225, 45, 40),
    "orange": (245, 145, 30),
    "yellow": (250, 225, 60),
    "green": (50, 175, 70),
    "blue": (45, 95, 225),
    "purple": (140, 65, 190),
    "pink": (245, 130, 190),
    "white": (245, 245, 245),
}
SHAPES = ("circle", "square", "triangle", "star", "ring", "cross")
MOTIONS: dict[str, tuple[str, ...]] = {
    "right": ("crosses from left to right", "moves from the left side to the right side"),
    "left": ("crosses from right to left", "moves from the right side to the left side"),
    "fall": ("falls from top to bottom", "drops down from above"),
    "rise": ("rises from bottom to top", "climbs up from below"),
    "circle": ("goes round in a circle", "circles around the middle"),
    "bounce": ("bounces up and down", "hops on the spot"),
    "grow": ("grows bigger and bigger", "swells from small to large"),
}


def query(colour: str, shape: str, motion: str, wording: int) -> str:
    """Return the sentence that an event answers; ``wording`` chooses between ways to say it.

    Example:
        >>> query("red", "circle", "right", 0)
        'A red circle crosses from left to right.'
    """
    article = "An" if colour[0] in "aeiou" else "A"
    phrases = MOTIONS[motion]
    return f"{article} {colour} {shape} {phrases[wording % len(phrases)]}."


def sentence(topic: str, opener: str, serial: int, seed: int) -> str:
    """Return caption number ``serial`` of a topic; no two serials of a set give the same sentence.

    The serial is scattered over all combinations of words by a factor without a common divisor, so
    neighbours look unlike each other; when all are used up, a take number is added.

    Example:
        >>> sentence("ocean", "look", 0, 0)
        'look, the old wave waits off the reef'
    """
    adjective, noun, verb, place = _combination(topic, serial, seed)
    take = serial // NUM_SENTENCES + 1
    again = f", take {take}" if take > 1 else ""
    return f"{opener}, the {adjective} {noun} {verb} {place}{again}"


def hero(topic: str, round_number: int, seed: int) -> tuple[str, str]:
    """Return the colour and the shape of the title of a topic's video number ``round_number``."""
    names = [(colour, shape) for shape in SHAPES for colour in COLOURS]
    return names[
        (round_number * 13 + TOPIC_NAMES.index(topic) * 5 + seed * 7) % len(names)
    ]  # 13 and 48 have no common divisor


def title(topic: str, round_number: int, serial: int, seed: int) -> str:
    """Return the title of a topic's video number ``round_number``, unique in the set.

    It names the shape of the video's first event and the things of its caption number ``serial``.

    Example:
        >>> title("ocean", 0, 0, 0)
        'Red circle and the old wave off the reef'
    """
    colour, shape = hero(topic, round_number, seed)
    adjective, noun, _, place = _combination(topic, serial, seed)
    part = round_number // (len(COLOURS) * len(SHAPES)) + 1
    again = f", part {part}" if part > 1 else ""
    return f"{colour.capitalize()} {shape} and the {adjective} {noun} {place}{again}"


def _combination(topic: str, serial: int, seed: int) -> tuple[str, str, str, str]:
    vocabulary = TOPICS[topic]
    code = (
        serial * 7151 + TOPIC_NAMES.index(topic) * 1361 + seed * 4099
    ) % NUM_SENTENCES  # prime to 2, 3 and 5: a bijection
    code, place = divmod(code, len(vocabulary.places))
    code, verb = divmod(code, len(VERBS))
    adjective, noun = divmod(code, len(vocabulary.nouns))
    return ADJECTIVES[adjective], vocabulary.nouns[noun], VERBS[verb], vocabulary.places[place]
