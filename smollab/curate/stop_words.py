"""The commonest small words of each language, which ordinary sentences cannot do without.

English has Gopher's eight (Rae et al. 2021, section A.1.1); the other lists are ours, in the same spirit:
articles, prepositions, conjunctions and auxiliaries, lower case, none of them shared by most neighbors.
"""

STOP_WORDS: dict[str, frozenset[str]] = {
    "en": frozenset(["the", "be", "to", "of", "and", "that", "have", "with"]),
    "fr": frozenset(["le", "la", "les", "de", "des", "du", "et", "à", "un", "une", "que", "qui", "dans", "est", "pour", "pas", "sur", "au"]),
    "es": frozenset(["el", "la", "los", "las", "de", "del", "y", "en", "que", "un", "una", "por", "con", "para", "se", "es", "no", "su"]),
    "de": frozenset(["der", "die", "das", "und", "in", "den", "von", "zu", "mit", "sich", "des", "auf", "für", "ist", "im", "dem", "nicht", "ein", "eine"]),
    "it": frozenset(["il", "lo", "la", "i", "gli", "le", "di", "del", "della", "e", "che", "in", "un", "una", "per", "con", "non", "si", "è", "sono"]),
    "pt": frozenset(["o", "a", "os", "as", "de", "do", "da", "dos", "das", "e", "que", "em", "um", "uma", "para", "com", "não", "se", "é", "por", "no", "na"]),
    "vi": frozenset(["và", "của", "là", "có", "cho", "các", "được", "không", "một", "những", "trong", "với", "này", "để", "khi", "đã", "người"]),
    "nl": frozenset(["de", "het", "een", "en", "van", "in", "is", "dat", "op", "te", "voor", "met", "zijn", "niet", "aan"]),
    "sv": frozenset(["och", "att", "det", "som", "en", "på", "är", "av", "för", "med", "den", "till", "inte", "ett"]),
    "pl": frozenset(["i", "w", "na", "z", "do", "się", "nie", "jest", "że", "to", "o", "jak", "po", "dla"]),
}
