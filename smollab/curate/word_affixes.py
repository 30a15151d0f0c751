"""How a piece of text between two white spaces becomes words: what is split off in front, behind and within.

    "(don't,"  ->  (  do  n't  ,

The rules are those of spaCy's tokenizer for English, German, French, Spanish, Italian and Portuguese, which datatrove
uses, because thresholds on words mean what they were set for only if words are the same words. Signs are taken from
both ends, one after the other, as long as the rest is no known abbreviation, contraction or address; what remains is
cut at signs between letters. Every piece is cut once and remembered, so a word costs one look into a dictionary.

**Source**: spaCy (MIT), `tokenizer.pyx` for the algorithm, `lang/punctuation.py` and `lang/*/punctuation.py` for what
is split; the lists of abbreviations are selections. Other languages get the rules that English has.

**Deviations**: emoticons and some rare exceptions are not known; a Chinese or Japanese character is a word.
"""

from collections.abc import Callable
from functools import cache

import regex

__all__ = ["CJK", "split_piece", "splitter"]

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
REMEMBERED = 200_000
"""Pieces remembered in each language."""

_LOWER, _UPPER, _LETTER = r"[\p{Ll}\p{Lo}\p{Lm}]", r"[\p{Lu}\p{Lt}\p{Lo}\p{Lm}]", r"\p{L}"
_QUOTES = "'\"”“`‘´’‚,„»«「」『』（）〔〕【】《》〈〉〈〉⟦⟧"
_SIGNS = rf"…|[,:;!?¿؟¡()\[\]{{}}<>_#*&。？！，、；：～·।،۔؛٪]|\.\.+|[{regex.escape(_QUOTES)}]"
_ICON = r"\p{So}"
_CURRENCY = r"US\$|C\$|A\$|\p{Sc}"
_HYPHEN = r"(?:---|--|—|–|-|~)"
_UNIT = (
    "km|km²|km³|m|m²|m³|dm|dm²|dm³|cm|cm²|cm³|mm|mm²|mm³|ha|µm|nm|yd|in|ft|kg|g|mg|µg|t|lb|oz|m/s|km/h|kmh|mph|hPa|Pa|"
    "mbar|mb|MB|kb|KB|gb|GB|tb|TB|T|G|M|K"
)
_PREFIX = rf"[§%=—–]|\+(?!\d)|{_SIGNS}|{_CURRENCY}|{_ICON}"
_SUFFIX = (
    rf"{_SIGNS}|{_ICON}|'s|'S|’s|’S|—|–|(?<=\d)\+|(?<=°[FfCcKk])\.|(?<=\d)(?:{_CURRENCY})|(?<=\d)(?:{_UNIT}|%)"
    rf"|(?<=[\d\p{{Ll}}\p{{Lo}}%²\-+…,:;!?()\[\]{{}}<>_#*&{regex.escape(_QUOTES)}])\.|(?<={_UPPER}{_UPPER})\."
)
_INFIX_DOT = rf"\.\.+|…|{_ICON}|(?<=[\p{{Ll}}\p{{Lo}}{regex.escape(_QUOTES)}])\.(?=[\p{{Lu}}\p{{Lo}}'\"”“‘’„»«])"
_INFIX_SIGN = rf"(?<={_LETTER}),(?={_LETTER})|(?<=[\p{{L}}\d])[:<>=/](?={_LETTER})"
_INFIX_HYPHEN = rf"(?<={_LETTER}){_HYPHEN}(?={_LETTER})"
_ENGLISH_HYPHEN = rf"(?<=[\p{{L}}\d]){_HYPHEN}(?={_LETTER})"
_INFIX = rf"{_INFIX_DOT}|(?<=\d)[+\-*^](?=[\d-])|{_INFIX_SIGN}|{_INFIX_HYPHEN}"
_ELISION = rf"(?<={_LETTER}['’])(?={_LETTER})"
_FRENCH_PRONOUNS = "ce|clés|elle|en|il|ils|je|là|moi|nous|on|t|vous"
_FRENCH_FIRST_PARTS = (
    "anti|arrière|après|arc|au|auto|avant|bas|bien|bio|blanc|bon|chef|co|contre|court|demi|double|eau|entre|ex|extra|"
    "faux|franco|garde|gauche|grand|grande|gros|haut|haute|hors|hyper|infra|inter|intra|jeune|libre|lance|macro|mal|"
    "maxi|méga|mi|micro|mini|mono|mot|multi|non|nouveau|ouvre|par|passe|petit|petite|pluri|poly|porte|post|pré|presque|"
    "pro|pseudo|quasi|rez|sans|savoir|semi|serre|simple|socio|sous|sub|super|sur|tiers|tire|tout|toute|trans|très|tri|"
    "trois|ultra|uni|vice|vis"
)

PREFIXES = {"es": _PREFIX, "it": rf"'\d\d|\d+°|{_PREFIX}", "de": rf"``|{_PREFIX}", "pt": rf"\w{{1,3}}\$|{_PREFIX}",
            "fr": rf"(?:[dln]['’])(?=\p{{L}})|(?:[DLN]['’])(?=\p{{L}})|{_PREFIX}"}  # fmt: skip
"""Language -> what is split off in front, where it differs from English."""
SUFFIXES = {
    "de": rf"''|/|{_SUFFIX}".replace(r"[\d\p{Ll}\p{Lo}%²", r"[\p{Ll}\p{Lo}%²", 1).replace("|'s|'S|’s|’S", "", 1),
    "fr": rf"{_SUFFIX}|(?<=\p{{L}})-(?:{_FRENCH_PRONOUNS}|{_FRENCH_PRONOUNS.upper()})".replace("|'s|'S|’s|’S", "", 1),
    "es": _SUFFIX.replace("|'s|'S|’s|’S", "", 1).replace("|%)", ")", 1),
}
"""Language -> what is split off behind."""
INFIXES = {
    "en": _INFIX.replace(_INFIX_HYPHEN, _ENGLISH_HYPHEN, 1),
    "es": rf"{_INFIX_DOT}|(?<=\d)[+*^](?=[\d-])|{_INFIX_SIGN}",
    "it": rf"{_INFIX}|(?<=\p{{L}}['’])(?=[\p{{L}}\d\"])".replace(
        _INFIX_HYPHEN, rf"(?<={_LETTER}){_HYPHEN}(?={_LOWER})", 1
    ),
    "fr": rf"{_INFIX}|{_ELISION}",
    "pt": rf"\w+-\w+(?:-\w+)*|{_INFIX}",
    "de": rf"\.\.+|…|{_ICON}|(?<={_LOWER})\.(?={_UPPER})|(?<=\p{{L}})[,!?:<>=](?=\p{{L}})"
    rf"|(?<=[\d\p{{L}}])/(?=[\d\p{{L}}])|(?<=\p{{L}})--(?=\p{{L}})|(?<=\d)-(?=\d)"
    rf"|(?<=\p{{L}})[{regex.escape(_QUOTES.replace(chr(39), ''))})\]\(\[](?=\p{{L}})",
}
"""Language -> where the rest is cut."""
ABBREVIATIONS = {
    "en": "a.m. p.m. Mt. Ala. Apr. Ariz. Ark. Aug. Calif. Colo. Conn. Dec. Del. Feb. Fla. Ga. Ill. Ind. Jan. Jul. Jun. "
    "Kan. Ky. La. Mar. Mass. Mich. Minn. Miss. N.C. N.D. N.H. N.J. N.M. N.Y. Neb. Nev. Nov. Oct. Okla. Ore. Pa. S.C. "
    "Sep. Sept. Tenn. Va. Wash. Wis. Adm. Bros. co. Co. Corp. D.C. Dr. e.g. E.g. E.G. Gen. Gov. i.e. I.e. I.E. Inc. "
    "Jr. Ltd. Md. Messrs. Mo. Mont. Mr. Mrs. Ms. Ph.D. Prof. Rep. Rev. Sen. St. vs. v.s. and/or w/o",
    "de": "Abb. Abs. Abt. Apr. Aug. B.A. Bd. Bsp. Co. Dez. Dipl. Dr. Fa. Feb. Fr. Frl. Hr. Hrsg. I. II. III. IV. "
    "Inc. Ing. Jan. Jh. Jr. Jul. Jun. M.A. Mio. Mo. Mr. Mrd. MwSt. Nov. Nr. Okt. Orig. P.S. Prof. Sa. Sep. Sept. So. "
    "St. Std. Str. Tel. Tsd. U.S. U.S.A. Univ. Vol. a.D. a.M. abzgl. al. allg. betr. bspw. bzgl. bzw. ca. co. d.h. "
    "dgl. e.V. e.g. ebd. ehem. eigtl. engl. entspr. etc. ev. evtl. frz. geb. gegr. gem. ggf. h.c. hrsg. i.A. i.O. "
    "i.V. i.d.R. i.e. incl. inkl. insb. jr. jur. kath. lat. lt. m.E. max. min. mind. n.Chr. o.a. o.g. o.ä. orig. "
    "p.a. s.o. sen. sog. std. stellv. tägl. u.U. u.a. u.s.w. u.v.m. usf. usw. v.Chr. v.a. vgl. vs. wiss. z.B. z.T. "
    "z.Z. zzgl. österr.",
    "es": "Av. Avda. Cía. Dr. Dra. EE.UU. Gral. Ing. J.C. Lic. P.D. Prof. Profa. S.A. S.L. Sr. Sra. Srta. Ud. Uds. Vd. "
    "Vds. a.C. a.m. apdo. aprox. d.C. dpto. ej. esq. etc. fig. m. m.n. núm. p.ej. p.m. pág. vol.",
    "fr": "J. M. MM. Mlle. Mme. Mr. Dr. No. St. Ste. Vol. apr. av. avr. cf. déc. etc. févr. janv. juill. nov. oct. pp. "
    "sept. aujourd'hui Aujourd'hui aujourd’hui Aujourd’hui celle-ci celles-ci celui-ci ci-dessous elle-même lui-même "
    "peut-être quelques-uns rendez-vous au-dessus au-delà en-dessous jusque-là n° d°",
    "it": "Art. Avv. Civ. Cod. Jr. St. a.C. al. art. artt. att. avv. c.d. cm. col. d.C. ecc. etc. pag. prof. s.p.a. "
    "sett. ss. tel. e-mail e/o n° nord-est po' week-end L'art. l'art. dell'art. all'art. dall'art. nell'art.",
    "pt": "Adm. Art. Av. Cia. Dr. E.G. E.g. Fund. Gen. Gov. I.E. I.e. Inc. Jr. Ltd. Mr. Ph.D. Rep. Rev. Sen. Sr. Sra. "
    "art. av. dom. dr. e.g. ed. eng. etc. i.e. p.m. pag. pág. sr. sra. tel. vs.",
}  # fmt: skip
"""Language -> words that are not split although they contain or end in a sign."""
EVERYWHERE = "C++ '' :) :( :-) :-( ;) ;-) :] :[ =) =( ): (: :D :P :p :/ :') :'( <3 ^_^ -_- o.O O.o <space>"
_SINGLE_LETTERS = frozenset(f"{letter}." for letter in "abcdefghijklmnopqrstuvwxyzäöü")
_CONTRACTION = regex.compile(
    r"(?i:(ca|could|do|does|did|had|may|might|must|need|ought|sha|should|wo|would|ai|are|is|was|were|have|has|dare)(n['’]t))"
    r"|(?i:(i|you|he|she|it|we|they|who|what|when|where|why|how|there|that|this|let)(['’](?:ll|d|m|ve|re|s)))"
    r"|([Cc]an)(not)|([Gg]on)(na)|([Gg]ot)(ta)"
)
_ADDRESS = regex.compile(
    r"(?:[\w+\-.]{2,}://)?(?:\S+(?::\S*)?@)?"
    r"(?:(?!(?:10|127)(?:\.\d{1,3}){3})(?!(?:169\.254|192\.168)(?:\.\d{1,3}){2})[1-9]\d{0,2}(?:\.\d{1,3}){2}\.[1-9]\d{0,2}"
    r"|(?:[A-Za-z0-9\u00a1-\uffff](?:[A-Za-z0-9\u00a1-\uffff_-]{0,62}[A-Za-z0-9\u00a1-\uffff])?\.)+[\p{Ll}\p{Lo}]{2,63})"
    r"(?::\d{2,5})?(?:[/?#]\S*)?"
)
_FRENCH_COMPOUND = regex.compile(rf"(?i:(?:{_FRENCH_FIRST_PARTS})[-‐][\p{{L}}\-‐']+)")
_CJK = regex.compile(rf"[{CJK}]|[^{CJK}]+")
LONGEST_PIECE = 1000
"""Characters; longer ones, such as encoded images, are one word."""


@cache
def splitter(language: str) -> Callable[[str], list[str]]:
    """Return the function that splits a text into the words of a language."""
    known = language if language in ABBREVIATIONS else "en"
    memory: dict[str, tuple[str, ...]] = {}

    def split(text: str) -> list[str]:
        words: list[str] = []
        for piece in text.split():
            found = memory.get(piece)
            if found is None:
                if len(memory) >= REMEMBERED:
                    memory.clear()
                found = memory[piece] = tuple(split_piece(piece, known))
            words += found
        return words

    return split


def split_piece(piece: str, language: str) -> list[str]:
    """Split one piece of text without white space into words."""
    if piece.isalpha() and piece.isascii() and not _exception(piece, language):
        return [piece]
    if len(piece) > LONGEST_PIECE:
        return [piece]
    prefix, suffix, infix = _patterns(language)
    front: list[str] = []
    back: list[str] = []
    while piece and not _exception(piece, language):
        before = prefix.match(piece)
        length = before.end() if before else 0
        if length and _exception(piece[length:], language):
            front.append(piece[:length])
            piece = piece[length:]
            break
        behind = suffix.search(piece, length)
        if behind and _exception(piece[: behind.start()], language):
            back.append(piece[behind.start() :])
            piece = piece[: behind.start()]
            break
        if not length and not behind:
            break
        end = behind.start() if behind and behind.start() >= length and behind.end() > behind.start() else len(piece)
        if length:
            front.append(piece[:length])
        if end < len(piece):
            back.append(piece[end:])
        piece = piece[length:end]
    words = [*front, *(_split_rest(piece, infix, language) if piece else ()), *reversed(back)]
    return [part for word in words for part in (_CJK.findall(word) if _has_cjk(word) else (word,))]


def _split_rest(piece: str, infix: regex.Pattern[str], language: str) -> list[str]:
    found = _exception(piece, language)
    if found:
        return list(found)
    if _ADDRESS.fullmatch(piece):
        return [piece]
    words, start = [], 0
    for match in infix.finditer(piece):
        if match.start() > start:
            words.append(piece[start : match.start()])
        if match[0] and match.start() > 0:
            words.append(match[0])
            start = match.end()
        elif match.start() > 0:
            start = match.start()
        else:
            start = 0
    words.append(piece[start:])
    return [word for word in words if word]


def _exception(piece: str, language: str) -> tuple[str, ...]:
    """Return the words of a piece that is known as a whole; empty for others."""
    if piece in _whole(language) or piece in _SINGLE_LETTERS:
        return (piece,)
    if language == "en" and (match := _CONTRACTION.fullmatch(piece)):
        return tuple(part for part in match.groups() if part)
    if language == "fr" and _FRENCH_COMPOUND.fullmatch(piece):
        return (piece,)
    return ()


@cache
def _whole(language: str) -> frozenset[str]:
    return frozenset(f"{ABBREVIATIONS[language]} {EVERYWHERE}".split())


@cache
def _patterns(language: str) -> tuple[regex.Pattern[str], regex.Pattern[str], regex.Pattern[str]]:
    return (
        regex.compile(PREFIXES.get(language, _PREFIX)),
        regex.compile(f"(?:{SUFFIXES.get(language, _SUFFIX)})$"),
        regex.compile(INFIXES.get(language, _INFIX)),
    )


def _has_cjk(word: str) -> bool:
    return not word.isascii() and any("\u3040" <= character <= "\uff9f" for character in word)
