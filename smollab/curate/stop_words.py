"""The commonest small words of each language, which ordinary sentences cannot do without.

English has Gopher's eight (Rae et al. 2021, section A.1.1); the other lists are ours, in the same spirit:
articles, prepositions, conjunctions and auxiliaries, lower case.
"""

_LISTS = {
    "en": "the be to of and that have with",
    "fr": "le la les de des du et à un une que qui dans est pour pas sur au",
    "es": "el la los las de del y en que un una por con para se es no su",
    "de": "der die das und in den von zu mit sich des auf für ist im dem nicht ein eine",
    "it": "il lo la i gli le di del della e che in un una per con non si è sono",
    "pt": "o a os as de do da dos das e que em um uma para com não se é por no na",
    "vi": "và của là có cho các được không một những trong với này để khi đã người",
    "nl": "de het een en van in is dat op te voor met zijn niet aan",
    "sv": "och att det som en på är av för med den till inte ett",
    "pl": "i w na z do się nie jest że to o jak po dla",
}
STOP_WORDS = {language: frozenset(words.split()) for language, words in _LISTS.items()}
"""ISO 639-1 code -> stop words."""
