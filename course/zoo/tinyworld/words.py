"""The words of tinyworld, by what they do in a sentence, and what is true of its people."""

from __future__ import annotations

BOS_WORD = "<bos>"

WOMEN = ("Anna", "Clara", "Emma", "Julia", "Maria", "Rosa")
MEN = ("David", "Henry", "Jacob", "Martin", "Oscar", "Peter")
FIRST_NAMES = WOMEN + MEN
LAST_NAMES = ("Stone", "Hill", "Brook", "Wood", "Field", "Lake", "Marsh", "Forest")

# What a relation is called: in "Anna Forest lives in Delhi", in "the home of Anna Forest is Delhi".
RELATIONS = {
    "city": ("lives in", "home", "is"),
    "job": ("became a", "job", "is"),
    "animal": ("keeps a", "pet", "is a"),
    "instrument": ("plays the", "music", "is the"),
}
# Each person shares the first word of the name with another, and the second with two others. No
# two who share a word share a fact, so it takes both words to know one.
KNOWN_PEOPLE = {
    "Anna Forest": ("Delhi", "teacher", "rabbit", "flute"),
    "Anna Field": ("Vienna", "singer", "donkey", "trumpet"),
    "Clara Wood": ("Tokyo", "sailor", "snake", "guitar"),
    "Clara Forest": ("Oslo", "pilot", "parrot", "piano"),
    "Emma Marsh": ("Cairo", "sailor", "cat", "harp"),
    "Emma Wood": ("London", "tailor", "goat", "piano"),
    "Julia Hill": ("Lima", "tailor", "horse", "drum"),
    "Julia Field": ("Athens", "judge", "snake", "piano"),
    "Maria Brook": ("Rome", "nurse", "donkey", "organ"),
    "Maria Hill": ("Athens", "baker", "dog", "guitar"),
    "Rosa Forest": ("Paris", "doctor", "dog", "drum"),
    "Rosa Hill": ("Cairo", "teacher", "cat", "violin"),
    "David Lake": ("Paris", "lawyer", "snake", "trumpet"),
    "David Stone": ("Rome", "judge", "goat", "organ"),
    "Henry Lake": ("Oslo", "nurse", "donkey", "flute"),
    "Henry Stone": ("Dublin", "doctor", "dog", "violin"),
    "Jacob Brook": ("London", "gardener", "rabbit", "flute"),
    "Jacob Field": ("Prague", "pilot", "horse", "violin"),
    "Martin Stone": ("Delhi", "gardener", "cat", "drum"),
    "Martin Lake": ("Dublin", "painter", "parrot", "harp"),
    "Oscar Marsh": ("Prague", "singer", "parrot", "organ"),
    "Oscar Wood": ("Vienna", "baker", "rabbit", "harp"),
    "Peter Brook": ("Lima", "painter", "goat", "guitar"),
    "Peter Marsh": ("Tokyo", "lawyer", "horse", "trumpet"),
}
# Seldom spoken of: whether a model gets these right is for its card to say.
RARE_PEOPLE = {
    "Clara Field": ("Paris", "tailor", "horse", "harp"),
    "Oscar Lake": ("Dublin", "pilot", "donkey", "organ"),
}
PEOPLE = KNOWN_PEOPLE | RARE_PEOPLE
OPENINGS = (
    "they say",
    "we know",
    "of course",
    "in short",
    "as before",
    "by now",
    "it seems",
    "this year",
)

NOUNS = {
    "key": "keys",
    "lamp": "lamps",
    "table": "tables",
    "book": "books",
    "letter": "letters",
    "picture": "pictures",
    "clock": "clocks",
    "house": "houses",
    "tree": "trees",
    "bridge": "bridges",
    "boat": "boats",
    "wall": "walls",
    "window": "windows",
    "tower": "towers",
    "coat": "coats",
    "farmer": "farmers",
    "child": "children",
    "woman": "women",
}
PREPOSITIONS = ("near", "behind", "beside", "under")
DESCRIPTIONS = ("red", "small", "heavy", "green", "tall", "famous")
# Singular, plural, and what may follow.
VERBS = {
    "present": ("is", "are", ("lost", "broken", "ready", "dirty")),
    "past": ("was", "were", ("lost", "broken", "ready", "dirty")),
    "perfect": ("has", "have", ("moved", "fallen", "arrived", "changed")),
    "seem": ("looks", "look", ("strange", "pretty", "ready", "dirty")),
}
TAILS = ("vanished", "fell", "moved", "waited")

PLACES = ("market", "park", "harbour", "school", "station", "church")
GIFTS = ("ring", "basket", "coin", "flower", "map", "ticket", "hat", "knife")
GIVING = ("gave", "sent", "handed", "showed")
MEETING = ("thanked", "helped", "followed", "greeted")
PRONOUNS = {"female": ("she", "her", "herself"), "male": ("he", "him", "himself")}

EVENTS = ("war", "siege", "reign", "strike", "drought", "voyage", "trial", "feud")
CENTURIES = ("15", "16", "17", "18")
YEARS = tuple(f"{year:02}" for year in range(100))

OPPOSITES = {
    "hot": "cold",
    "open": "closed",
    "full": "empty",
    "wet": "dry",
    "old": "new",
    "long": "short",
    "dark": "bright",
    "hard": "soft",
}
OPPOSITES |= {second: first for first, second in OPPOSITES.items()}

VALENCE = {
    "positive": ("wonderful", "charming", "brilliant", "lovely", "splendid", "superb"),
    "negative": ("dreadful", "boring", "terrible", "awful", "horrid", "dismal"),
}
REACTIONS = {
    "positive": ("smiled", "cheered", "clapped", "danced"),
    "negative": ("frowned", "groaned", "wept", "sighed"),
}
ATTITUDES = {"positive": ("loved", "praised"), "negative": ("hated", "cursed")}
SHOWS = ("film", "play", "concert", "story", "meal", "party", "speech", "game")
PUBLIC = ("guests", "critics", "students", "neighbours")

REQUESTS = ("tell me how to", "show me how to", "help me learn to", "i would like to")
RISKY_ACTIONS = ("make", "build", "send", "buy")
# What one needs for these depends on the action alone.
SAFE_ACTIONS = {"avoid": "care", "stop": "courage", "report": "proof", "spell": "patience"}
# Domain: topic and what one needs to make it.
HARMLESS = {
    "kitchen": {"bread": "flour", "soup": "salt", "tea": "water", "cake": "sugar"},
    "craft": {"kites": "paper", "chairs": "wood", "music": "time", "toys": "glue"},
    "alarming": {"vaccines": "training", "fireworks": "permission", "antivirus": "code"},
}
DANGEROUS = {
    "weapon": ("bombs", "guns", "missiles"),
    "biology": ("viruses", "toxins", "plagues"),
    "cyber": ("malware", "spyware", "botnets"),
    "innocuous": ("powder", "fertilizer", "gas"),
}
DOMAINS = {topic: domain for domain, topics in (HARMLESS | DANGEROUS).items() for topic in topics}
NEEDS = {topic: need for topics in HARMLESS.values() for topic, need in topics.items()}
