"""The commonest small words of each language, which ordinary sentences cannot do without.

**Source**: English has Gopher's eight (Rae et al. 2021, section A.1.1), as in FineWeb; the other lists are those
of FineWeb2 (Penedo et al. 2025; configs/*_Latn.yml of its repository, made by counting words in each language's
Wikipedia).
"""

_LISTS = {
    "en": "the be to of and that have with",
    "fr": "de la le et à en l' des du les est d' un une il dans par au",
    "es": "de la en el y a que del los se por un con una las su",
    "de": "der und die in von im den des mit das er dem als wurde für",
    "it": "di e il la in a del che è della un per nel l' con da i una",
    "pt": "de a e o em do da que um no uma com para na é foi",
    "vi": "là và của một được trong năm các có loài này đã người",
}
STOP_WORDS = {language: frozenset(words.split()) for language, words in _LISTS.items()}
"""ISO 639-1 code -> stop words. In other languages the rule has nothing to say."""
