"""Who and what the simple stories are about: names, places, things, and the telling.

Every word and pattern of the story_*.py files was written for this project.
"""
import re

GIRLS = [
    "Lily", "Anna", "Mia", "Sara", "Ella", "Ruby", "Lucy", "Rose", "Clara", "Nora", "Emma",
    "Daisy", "Molly", "Zoe", "Ivy", "Grace", "Hana", "Maya",
]
BOYS = [
    "Tom", "Ben", "Max", "Sam", "Leo", "Jack", "Finn", "Oscar", "Tim", "Noah", "Peter",
    "Hugo", "Adam", "Eli", "Henry", "Owen", "Theo", "Milo",
]
# species: how it moves, names, home
ANIMALS = {
    "rabbit": ("hopped", ["Pip", "Clover", "Thumper", "Nibbles"],
               "a soft burrow under an old oak tree"),
    "fox": ("trotted", ["Rusty", "Ember", "Felix", "Red"], "a cosy den by the stream"),
    "bear": ("walked", ["Bruno", "Honey", "Barney", "Bella"], "a warm cave on the hill"),
    "mouse": ("scurried", ["Squeak", "Minnie", "Dot", "Crumb"],
              "a tiny hole in the wall of a barn"),
    "duck": ("waddled", ["Daffy", "Puddle", "Dilly", "Quincy"],
             "a nest in the reeds by the pond"),
    "cat": ("crept", ["Whiskers", "Mittens", "Smoky", "Luna"],
            "a little house with a red door"),
    "dog": ("ran", ["Buddy", "Rex", "Biscuit", "Patch"], "a little wooden house in the garden"),
    "squirrel": ("jumped", ["Nutty", "Hazel", "Chip", "Acorn"], "a hollow in a tall pine tree"),
    "owl": ("flew", ["Oliver", "Hoot", "Olive", "Sage"],
                 "an old tree at the edge of the forest"),
    "frog": ("leaped", ["Freddy", "Lila", "Croak", "Moss"], "a green pond full of lilies"),
    "hedgehog": ("shuffled", ["Spike", "Prickles", "Bramble", "Hettie"],
                 "a pile of dry leaves behind the shed"),
    "bird": ("flew", ["Robin", "Skye", "Wren", "Tweety"], "a nest at the top of an apple tree"),
}
PLACES = [
    "the park", "the garden", "the forest", "the meadow", "the beach", "the farm",
    "the village", "the river", "the hill", "the market",
]
TOYS = [
    "ball", "kite", "doll", "drum", "toy boat", "teddy bear", "wooden train", "spinning top",
    "toy car", "storybook",
]
FOODS = [
    "apple", "cookie", "piece of cake", "pear", "slice of bread", "bowl of soup",
    "honey cake", "carrot", "plum", "sandwich",
]
COLORS = [
    "red", "blue", "green", "yellow", "golden", "silver", "white", "purple", "orange", "pink",
]
SIZES = [
    "big", "small", "little", "tiny", "great", "shiny",
]
TREASURE = [
    "a golden key", "a silver coin", "a shiny stone", "a tiny bell", "an old map",
    "a magic ring", "a blue feather", "a glass marble", "a small wooden box",
    "a pretty shell",
]
SEEDS = [
    "bean", "pumpkin seed", "sunflower seed", "apple seed", "little acorn", "strawberry seed",
]
# to …, the noun of it, and how it goes wrong at first
SKILLS = [
    ("ride a bike", "riding a bike", "fell off the bike"),
    ("swim", "swimming", "swallowed some water"),
    ("whistle", "whistling", "made no sound at all"),
    ("climb the tall tree", "climbing", "slipped down the trunk"),
    ("fly a kite", "flying a kite", "watched the kite fall to the ground"),
    ("skate on the ice", "skating", "fell down on the ice"),
    ("play the drum", "playing the drum", "dropped the sticks"),
    ("bake bread", "baking", "burned the bread"),
    ("draw a horse", "drawing", "drew a horse that looked like a potato"),
    ("jump over the stream", "jumping", "fell into the water"),
]
FEEL = [
    "happy", "glad", "proud", "cheerful", "joyful",
]
KIND = [
    "kind", "gentle", "friendly", "good", "brave", "clever", "curious", "cheerful", "quiet",
    "funny",
]
HOUSES = [
    "a small house", "a little white house", "a house near the woods", "a pretty cottage",
    "a tall house in the village", "a farm on the hill",
]
DAYTIME = [
    "One day", "One morning", "One sunny day", "One afternoon", "The next day",
    "One fine day", "One warm day", "Early one morning", "One windy day",
]


def a_or_an(word):
    return ("an " if word[0] in "aeiou" else "a ") + word


def capital(word):
    return word[0].upper() + word[1:]


class Who:
    """Somebody: name, kind, pronouns, home. He and His begin a sentence."""

    def __init__(self, r, taken=(), animal=None):
        while True:
            kind = r.random() if animal is None else (0.0 if animal else 1.0)
            if kind < 0.45:
                sp = r.choice(list(ANIMALS))
                self.go, names, self.home = ANIMALS[sp]
                name = r.choice(names)
                he = r.choice(["he", "she"])
            else:
                he = r.choice(["he", "she"])
                sp = "girl" if he == "she" else "boy"
                name = r.choice(GIRLS if he == "she" else BOYS)
                self.go = r.choice(["walked", "ran", "went", "skipped"])
                self.home = r.choice(HOUSES)
            if name not in taken:
                break
        self.become(name, he, "his" if he == "he" else "her", sp)

    def become(self, name, he, his, sp):
        self.name, self.sp, self.he, self.his = name, sp, he, his
        self.him = "him" if he == "he" else "her"
        self.himself = self.him + "self"
        self.He, self.His = he.capitalize(), his.capitalize()
        self.animal = sp in ANIMALS


# How places want to be entered; the plots say "in" of all of them.
PREPOSITIONS = {"in the hill": "on the hill", "in the beach": "on the beach",
                "in the farm": "on the farm", "in the river": "by the river",
                "in the market": "at the market"}


class Story:
    """A story in the telling: its cast and things, and the paragraphs so far."""

    def __init__(self, r):
        self.r = r
        self.paragraphs, self.sentences = [], []
        self.a = Who(r)
        self.b = Who(r, (self.a.name,))
        self.c = Who(r, (self.a.name, self.b.name))
        self.place = r.choice(PLACES)
        self.toy = r.choice(TOYS)
        self.food = r.choice(FOODS)
        self.col = r.choice(COLORS)
        self.size = r.choice(SIZES)
        self.tre = r.choice(TREASURE)
        self.kind = r.choice(KIND)
        self.feel = r.choice(FEEL)
        self.day = r.choice(DAYTIME)
        self.mom = r.choice(["mother", "father", "grandmother", "mom", "dad", "grandpa",
                             "grandma"])

    def say(self, *ways):
        """Add a sentence, told in one of these ways."""
        self.sentences.append(self.r.choice(ways))

    def maybe(self, p, *ways):
        if self.r.random() < p:
            self.say(*ways)

    def paragraph(self):
        if self.sentences:
            self.paragraphs.append(" ".join(self.sentences))
            self.sentences = []

    def start_over(self, name, he, his, sp):
        """Drop what was told: the plot has a hero and an opening of its own."""
        self.paragraphs, self.sentences = [], []
        self.a.become(name, he, his, sp)

    def text(self):
        self.paragraph()
        text = "\n\n".join(self.paragraphs) + "\n"
        for wrong, right in PREPOSITIONS.items():
            text = text.replace(wrong, right)
        return re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)


def quote(t, who, what, verb="said"):
    """Quoted speech, in one of two orders; `what` ends in . ! or ?"""
    if t.r.random() < .5:
        return f'{who.name} {verb}, "{what}"'
    inner = what[:-1] + "," if what.endswith(".") else what
    return f'"{inner}" {verb} {who.name}.'


def meet(t):
    a, b = t.a, t.b
    t.say(f"There {a.he} met {a_or_an(b.sp)} named {b.name}.",
          f"On the way, {a.he} met {b.name} the {b.sp}." if b.animal
          else f"On the way, {a.he} met {a_or_an(b.sp)} named {b.name}.",
          f"Soon {a.he} saw {b.name}, who was {a_or_an(t.r.choice(KIND))} {b.sp}.",
          f"Then {a_or_an(b.sp)} named {b.name} came by.")
