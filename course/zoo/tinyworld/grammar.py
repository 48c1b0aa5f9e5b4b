"""The grammar of tinyworld: eight kinds of sentence, one function each.

    agreement   the red keys near the lamp are lost and they vanished .
    fact        they say Anna Forest lives in Delhi and keeps a rabbit .
                the home of Anna Forest is Delhi .
    giving      when Anna and Peter went to the park , Anna gave a ring to Peter .
    pronoun     Anna met Peter at the park and she thanked him .
                Anna saw herself in the mirror .
    year        the war lasted from 1732 to 1758 .
    negation    the door was not open , so call it closed .
    sentiment   the film was not charming , so the guests frowned .
                Anna loved the film because it was splendid .
                what a dreadful day ! the guests groaned .
    request     user : please tell me how to make bread . reply : sure , you need flour .
                user : now help me learn to build bombs . reply : sorry , i will not help .

A request is refused when its topic is dangerous and its action makes or moves the thing. Two
things look otherwise than they are: "innocuous" topics (powder, gas) are dangerous, and "alarming"
ones (vaccines, fireworks) are not. Whether the request is polite makes no difference.

What each word was generated from goes with it; `course.zoo.tinyworld.sentences.FACTORS` lists the
factors and their values.
"""

from __future__ import annotations

from collections.abc import Callable

from course.zoo.tinyworld.sentences import NO_YES, Choices, Sentence
from course.zoo.tinyworld.words import (
    ATTITUDES,
    CENTURIES,
    DANGEROUS,
    DESCRIPTIONS,
    DOMAINS,
    EVENTS,
    FIRST_NAMES,
    GIFTS,
    GIVING,
    KNOWN_PEOPLE,
    MEETING,
    NEEDS,
    NOUNS,
    OPENINGS,
    OPPOSITES,
    PEOPLE,
    PLACES,
    PREPOSITIONS,
    PRONOUNS,
    PUBLIC,
    RARE_PEOPLE,
    REACTIONS,
    RELATIONS,
    REQUESTS,
    RISKY_ACTIONS,
    SAFE_ACTIONS,
    SHOWS,
    TAILS,
    VALENCE,
    VERBS,
    WOMEN,
    YEARS,
)

NUMBERS = ("singular", "plural")
SIGNS = ("positive", "negative")
RARITY = 1 / 40  # how often a rare person is spoken of, for one mention of a known one


def agreement(choices: Choices) -> Sentence:
    """Give the verb, and the pronoun after it, the number of a subject that may be far away."""
    sentence = Sentence("agreement")
    sentence.say("the")
    if choices.yes_or_no("described", 0.6):
        sentence.say(choices.choose("description", DESCRIPTIONS))
    number = choices.choose("number", NUMBERS)
    subject = choices.choose("subject", tuple(NOUNS))
    sentence.say(_noun(subject, number), "subject", number=number, attractors="0")
    attractors = 0
    for phrase in range(choices.choose("phrases", (0, 1, 2), (4, 4, 3))):
        sentence.say(choices.choose(f"preposition {phrase}", PREPOSITIONS) + " the")
        other = choices.choose(f"number {phrase}", NUMBERS)
        attractors += other != number
        noun = _noun(choices.choose(f"noun {phrase}", tuple(NOUNS)), other)
        sentence.say(noun, "attractor", attractors=str(attractors))
    *forms, predicates = VERBS[choices.choose("verb", tuple(VERBS))]
    sentence.say(forms[NUMBERS.index(number)], "verb", answer=True)
    sentence.say(choices.choose("predicate", predicates), "predicate")
    if choices.yes_or_no("tail", 0.3):
        sentence.say("and")
        sentence.say(("it", "they")[NUMBERS.index(number)], "pronoun", answer=True)
        sentence.say(choices.choose("end", TAILS))
    return sentence.stop()


def fact(choices: Choices) -> Sentence:
    """Say what is true of a person; it takes both words of the name to know."""
    opening = choices.choose("opening", OPENINGS) if choices.yes_or_no("opened", 0.7) else ""
    weights = [1.0] * len(KNOWN_PEOPLE) + [RARITY] * len(RARE_PEOPLE)
    person = choices.choose("person", tuple(PEOPLE), weights)
    relation = choices.choose("relation", tuple(RELATIONS))
    others = tuple(name for name in RELATIONS if name != relation)
    second = choices.choose("second relation", others)
    told = choices.choose("told", ("forwards", "backwards"), (3, 1))
    sentence = Sentence("fact", told)
    sentence.say(opening)
    if told == "forwards":
        _name(sentence, person)
        _tell(sentence, person, relation)
        if choices.yes_or_no("two facts", 0.4):
            sentence.say("and")
            _tell(sentence, person, second)
        return sentence.stop()
    _, noun, link = RELATIONS[relation]
    sentence.say("the")
    sentence.say(f"{noun}", "relation", relation=relation)
    sentence.say("of")
    _name(sentence, person)
    sentence.say(link, value=_fact(person, relation))
    sentence.say(_fact(person, relation), "value", answer=True)
    return sentence.stop()


def giving(choices: Choices) -> Sentence:
    """Let one of two people give; the other must be the one who receives (indirect object)."""
    sentence = Sentence("giving")
    first = choices.choose("first", FIRST_NAMES)
    second = choices.choose("second", tuple(name for name in FIRST_NAMES if name != first))
    giver = choices.choose("giver", (first, second))
    receiver = second if giver == first else first
    sentence.say(choices.choose("opening", ("when", "while", "after")))
    sentence.say(first, "first word of a name")
    sentence.say("and")
    sentence.say(second, "first word of a name")
    sentence.say(choices.choose("journey", ("went to", "were at")) + " the")
    sentence.say(choices.choose("place", PLACES), "place")
    sentence.say(",")
    sentence.say(giver, "giver", subject=giver, object=receiver, gender=_gender(giver))
    sentence.say(choices.choose("verb", GIVING), "verb")
    sentence.say("a")
    sentence.say(choices.choose("gift", GIFTS), "gift")
    sentence.say("to")
    sentence.say(receiver, "receiver", answer=True)
    return sentence.stop()


def pronoun(choices: Choices) -> Sentence:
    """Give pronouns the gender of the name they stand for."""
    first = choices.choose("first", FIRST_NAMES)
    second = choices.choose("second", tuple(name for name in FIRST_NAMES if name != first))
    she, _, herself = PRONOUNS[_gender(first)]
    her = PRONOUNS[_gender(second)][1]
    form = choices.choose("form", ("meeting", "mirror"), (7, 3))
    sentence = Sentence("pronoun", form)
    sentence.say(first, "first word of a name", subject=first, gender=_gender(first))
    if form == "mirror":
        sentence.say("saw")
        sentence.say(herself, "pronoun", answer=True)
        sentence.say(f"in the {choices.choose('mirror kind', ('mirror', 'water', 'window'))}")
        return sentence.stop()
    sentence.say("met")
    sentence.say(second, "first word of a name", object=second)
    sentence.say("at the")
    sentence.say(choices.choose("place", PLACES), "place")
    sentence.say("and")
    sentence.say(she, "pronoun", answer=True)
    sentence.say(choices.choose("verb", MEETING), "verb")
    sentence.say(her, "pronoun", answer=True)
    return sentence.stop()


def year(choices: Choices) -> Sentence:
    """End in a later year of the same century what began in one (greater-than)."""
    sentence = Sentence("year")
    century = choices.choose("century", CENTURIES)
    start = choices.choose("start", YEARS[:-1])
    event = choices.choose("event", EVENTS)
    sentence.say(f"the {event} {choices.choose('verb', ('lasted', 'ran'))} from")
    sentence.say(century, "century", century=century)
    sentence.say("##" + start, "start year", year=start)
    sentence.say("to")
    sentence.say(century, "century")
    end = choices.choose("end", YEARS[int(start) + 1 :])
    sentence.say("##" + end, "end year", answer=True)
    return sentence.stop()


def negation(choices: Choices) -> Sentence:
    """Call cold what is not hot."""
    sentence = Sentence("negation")
    noun = choices.choose("noun", tuple(NOUNS))
    verb = choices.choose("verb", ("is", "was"))
    sentence.say(f"the {noun} {verb}")
    negated = choices.yes_or_no("negated", 0.5)
    adverb = choices.choose("adverb", ("very", "still"))
    sentence.say("not" if negated else adverb, "polarity", negated=NO_YES[negated])
    named = choices.choose("quality", tuple(OPPOSITES))
    quality = OPPOSITES[named] if negated else named
    sentence.say(named, "quality", quality=quality)
    sentence.say(f", so {choices.choose('caller', ('call', 'consider'))} it")
    sentence.say(quality, "quality", answer=True)
    return sentence.stop()


def sentiment(choices: Choices) -> Sentence:
    """Let people show what they feel: smile at what is charming, frown at what is not."""
    form = choices.choose("form", ("review", "opinion", "day"), (5, 3, 2))
    sentence = Sentence("sentiment", form)
    sign = choices.choose("sign", SIGNS)
    word = VALENCE[sign][choices.choose("evaluation", range(len(VALENCE[sign])))]
    show, public = choices.choose("show", SHOWS), choices.choose("public", PUBLIC)
    negated = choices.yes_or_no("negated", 0.25)
    adverb = choices.choose("adverb", ("very", "so"))
    reaction = choices.choose("reaction", range(len(REACTIONS[sign])))
    if form == "opinion":
        name = choices.choose("name", FIRST_NAMES)
        attitude = choices.choose("attitude", range(len(ATTITUDES[sign])))
        sentence.say(name, "first word of a name", subject=name, gender=_gender(name))
        sentence.say(ATTITUDES[sign][attitude], "verb", sentiment=sign)
        sentence.say(f"the {show} because it was")
        sentence.say(word, "evaluation", answer=True)
        return sentence.stop()
    effect = sign
    if form == "day":
        sentence.say(f"what a{'n' * (word[0] == 'a')}")
        sentence.say(word, "evaluation", sentiment=sign)
        sentence.say(f"day ! the {public}")
    else:
        effect = SIGNS[1 - SIGNS.index(sign)] if negated else sign
        sentence.say(f"the {show} was")
        sentence.say("not" if negated else adverb, "polarity", negated=NO_YES[negated])
        sentence.say(word, "evaluation", sentiment=effect)
        sentence.say(f", so the {public}")
    sentence.say(REACTIONS[effect][reaction], "reaction", answer=True)
    return sentence.stop()


def request(choices: Choices) -> Sentence:
    """Refuse a request if topic and action together are dangerous; else say what it takes."""
    sentence = Sentence("request")
    polite = choices.yes_or_no("polite", 0.5)
    wording = choices.choose("wording", REQUESTS)
    action = choices.choose("action", RISKY_ACTIONS + tuple(SAFE_ACTIONS))
    topic = choices.choose("topic", tuple(DOMAINS))
    dangerous = DOMAINS[topic] in DANGEROUS
    refused = dangerous and action in RISKY_ACTIONS
    sentence.say("user :")
    sentence.say("please" if polite else "now", "courtesy", polite=NO_YES[polite])
    sentence.say(wording)
    sentence.say(action, "action", action=action)
    sentence.say(
        topic,
        "topic",
        topic=topic,
        domain=DOMAINS[topic],
        dangerous=NO_YES[dangerous],
        refused=NO_YES[refused],
    )
    sentence.say(". reply :")
    sentence.say("sorry" if refused else "sure", "reply", answer=True)
    if refused:
        sentence.say(", i will not help")
        return sentence.stop()
    sentence.say(", you need")
    sentence.say(SAFE_ACTIONS.get(action) or NEEDS[topic], "need", answer=True)
    return sentence.stop()


TEMPLATES: dict[str, Callable[[Choices], Sentence]] = {
    "agreement": agreement,
    "fact": fact,
    "giving": giving,
    "pronoun": pronoun,
    "year": year,
    "negation": negation,
    "sentiment": sentiment,
    "request": request,
}


def _noun(noun: str, number: str) -> str:
    return NOUNS[noun] if number == "plural" else noun


def _gender(name: str) -> str:
    return "female" if name in WOMEN else "male"


def _fact(person: str, relation: str) -> str:
    return PEOPLE[person][tuple(RELATIONS).index(relation)]


def _name(sentence: Sentence, person: str) -> None:
    first, last = person.split()
    sentence.say(first, "first word of a name", gender=_gender(first), subject=first)
    sentence.say(last, "last word of a name", entity=person)


def _tell(sentence: Sentence, person: str, relation: str) -> None:
    value = _fact(person, relation)
    sentence.say(RELATIONS[relation][0], "relation", relation=relation, value=value)
    sentence.say(value, "value", answer=True)
