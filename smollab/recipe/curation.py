"""The sections `[data]` and `[curate]`: where documents come from, and the thresholds of every curation step.

All defaults of the package are here, in `model.py` and in `training.py`, each with its unit and source. Techniques take
their own section (or plain arguments), never the whole recipe.
"""

from dataclasses import dataclass, field
from typing import Literal

WEB_STEPS = (
    "url",
    "extract_html",
    "language",
    "gopher_repetition",
    "gopher_quality",
    "c4_quality",
    "fineweb_quality",
    "exact_dedup",
    "minhash_dedup",
    "pii",
)
"""FineWeb's chain in its published order (datatrove, examples/fineweb.py), with exact deduplication added."""
PDF_STEPS = ("byte_dedup", "extract_pdf", "page_language", "exact_dedup", "minhash_dedup", "pii")
"""The order of FinePDFs: text, language by page, exact then fuzzy deduplication, personal data."""
TEXT_STEPS = ("language", "exact_dedup", "minhash_dedup", "pii")
"""Texts that need no extraction and are trusted to be good, as published data sets are: a second filtering would drop
documents that their makers kept."""
WET_STEPS = tuple(step for step in WEB_STEPS if step != "extract_html")
"""Pages whose text CommonCrawl has extracted (WET files): menus and all."""
CODE_STEPS = ("exact_dedup",)
"""Programs: prose rules would drop them all."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where documents come from, and the steps they pass."""

    address: str
    """`KIND:PLACE`. Kinds: warc, wet, html, pdf, text, code, jsonl, parquet (a file, a folder, an http(s) URL, or a
    file, folder or pattern in a store: s3://, gs://, hf://), cc (pages of CommonCrawl by its index:
    `cc:CC-MAIN-2024-10?url=*.example.org`) and hub (`hub:NAME[:CONFIG[:SPLIT]]`, streamed with `datasets`)."""
    steps: tuple[str, ...] | None = None
    """Curation steps in order; left out: the published chain for this kind (`WEB_STEPS`, `PDF_STEPS`, ...). Texts of
    jsonl, parquet, hub and text pass no rules of quality, since most such data sets were filtered when they were made;
    for unfiltered web text give the steps of wet (`WET_STEPS`)."""
    language: str = ""
    """Declared language, for sources without language identification."""
    limit: int | None = None
    """Read at most this many documents."""
    stream: bool = False
    """Train on it as it is read, without curation, shards of tokens or held-out text; for hub, parquet and jsonl, and
    with a `tokenizer.path`."""

    @property
    def kind(self) -> str:
        """The part of the address before the first colon."""
        return self.address.partition(":")[0]

    @property
    def place(self) -> str:
        """The part of the address after the first colon."""
        return self.address.partition(":")[2]

    @property
    def resolved_steps(self) -> tuple[str, ...]:
        """The steps as given, or the published chain for this kind of source."""
        if self.steps is not None:
            return self.steps
        chains = {"warc": WEB_STEPS, "wet": WET_STEPS, "cc": WEB_STEPS, "html": WEB_STEPS, "pdf": PDF_STEPS}
        return {**chains, "code": CODE_STEPS}.get(self.kind, TEXT_STEPS)


@dataclass(frozen=True, kw_only=True)
class Data:
    """Where the documents come from."""

    sources: dict[str, Source] = field(default_factory=dict)
    """Name of the source -> its address and steps. Stages weigh these names."""
    held_out: float = 0.05
    """Share of the documents kept for evaluation, chosen by a hash of their id and never trained on."""


@dataclass(frozen=True, kw_only=True)
class Url:
    """The URL filter of RefinedWeb and FineWeb (Penedo et al. 2023, appendix G.1; datatrove's URLFilter).

    Lists are files with one entry a line, plain or packed; where none is named, a short list of ours is used.
    """

    blocked_domains: str = ""
    """File of domains, which are refused with their subdomains: plain, hosts file, or an ad blocker's `||domain^`."""
    blocked_urls: str = ""
    """File of single addresses."""
    hard_words: str = ""
    """File of words of which one in the address is enough."""
    soft_words: str = ""
    """File of words that are refused in company."""
    banned_strings: str = ""
    """File of strings that are refused anywhere in the address without its separators."""
    refuse_domains: bool = True
    """Refuse what is on the list of domains."""
    refuse_urls: bool = True
    """Refuse what is on the list of addresses."""
    refuse_hard_words: bool = True
    """Refuse addresses with a hard word."""
    maximum_soft_words: int = 1
    """Most different soft words (FineWeb: two are refused)."""
    refuse_strings: bool = True
    """Refuse addresses with a banned string."""


@dataclass(frozen=True, kw_only=True)
class ExtractPdf:
    """Text of PDF files that carry text; scans are sorted out."""

    engine: Literal["pymupdf", "pypdfium2"] = "pymupdf"
    """The library that reads pages: `pymupdf` (AGPL-3.0), or `pypdfium2` (Apache-2.0), which knows less of fonts."""
    keep_places: bool = False
    """Put into the metadata where the text stands, as `places`: lists of start, end, page, x0, y0, x1, y1 (points from
    the top left). They double the size of a document, and can be had again by reading the file."""
    cpu_seconds: int = 60
    """CPU time for one file, after which it is dropped."""
    memory_mb: int = 4096
    """Address space for one file; MiB."""
    maximum_pages: int = 10_000
    """Files of more pages are dropped."""
    maximum_characters: int = 50_000_000
    """Files of more text are dropped."""
    minimum_characters_per_page: float = 25.0
    """Files with less text, after all that could be read was read, need OCR."""
    scan_probability: float = 0.2
    """Pages at least so likely to be scans go to OCR (FinePDFs: 0.2)."""
    ocr: Literal["none", "tesseract"] = "none"
    """Who reads scans. `none`: they are counted as needing OCR; `tesseract` wants `pip install "smollab[ocr]"` and
    Tesseract's language data, and where either is missing they are counted too."""
    ocr_languages: tuple[str, ...] = ("en", "fr", "es", "de", "it", "pt", "vi")
    """That a scan may be in; which it is, is found on its first page, unless the file says so."""


@dataclass(frozen=True, kw_only=True)
class Language:
    """Language identification."""

    languages: tuple[str, ...] = ("en", "fr", "es", "de", "it", "pt", "vi")
    """Keep documents in these; ISO 639-1. With `other` among them the rest is kept too, as the language `other`."""
    minimum_score: float = 0.65
    """Least probability of the best language (FineWeb: 0.65 with fastText's lid.176)."""
    model: Literal["lid.176", "py3langid"] = "lid.176"
    """Who tells the language: fastText's model (CC-BY-SA-3.0), as in FineWeb, or py3langid (BSD-3)."""


@dataclass(frozen=True, kw_only=True)
class PageLanguage:
    """Language identification page by page, averaged, as FinePDFs does for PDFs."""

    languages: tuple[str, ...] | None = None
    """Keep documents in these; left out: those of `[curate.language]`."""
    minimum_score: float = 0.4
    """Least average of the best language's probability over the pages, where `by_language` gives none (FinePDFs: by
    language, English 0.395)."""
    minimum_alphabetic_bytes: int = 50
    """Pages with fewer letters, in bytes of UTF-8, have no say (FinePDFs)."""
    minimum_alphabetic_ratio: float = 0.2
    """Nor have pages where they are a smaller share (FinePDFs)."""


@dataclass(frozen=True, kw_only=True)
class GopherRepetition:
    """Repetition rules of Gopher (Rae et al. 2021, table A1), as in datatrove's GopherRepetitionFilter."""

    duplicate_line_fraction: float = 0.30
    """Most lines that repeat an earlier line, as a share of all lines."""
    duplicate_paragraph_fraction: float = 0.30
    """Most paragraphs that repeat an earlier paragraph, as a share of all paragraphs."""
    duplicate_line_character_fraction: float = 0.20
    """Most characters in repeated lines, as a share of all characters."""
    duplicate_paragraph_character_fraction: float = 0.20
    """Most characters in repeated paragraphs, as a share of all characters."""
    top_n_grams: dict[str, float] = field(default_factory=lambda: {"2": 0.20, "3": 0.18, "4": 0.16})
    """n -> most characters covered by the most frequent n-gram of words."""
    duplicate_n_grams: dict[str, float] = field(
        default_factory=lambda: {"5": 0.15, "6": 0.14, "7": 0.13, "8": 0.12, "9": 0.11, "10": 0.10}
    )
    """n -> most characters covered by all repeated n-grams of words."""


@dataclass(frozen=True, kw_only=True)
class GopherQuality:
    """Quality rules of Gopher (Rae et al. 2021, section A.1.1), as in datatrove's GopherQualityFilter."""

    minimum_words: int = 50
    """Fewest words that are not symbols."""
    maximum_words: int = 100_000
    """Most words that are not symbols."""
    minimum_mean_word_length: float = 3.0
    """Characters."""
    maximum_mean_word_length: float = 10.0
    """Characters."""
    maximum_symbol_ratio: float = 0.1
    """Most hash signs, and most ellipses, per word."""
    maximum_bullet_lines: float = 0.9
    """Most lines that begin with a bullet, as a share."""
    maximum_ellipsis_lines: float = 0.3
    """Most lines that end with an ellipsis, as a share."""
    minimum_alphabetic_words: float = 0.8
    """Fewest words with at least one letter, as a share."""
    minimum_stop_words: int = 2
    """Fewest different stop words of the document's language."""


@dataclass(frozen=True, kw_only=True)
class C4Quality:
    """The rules of C4 (Raffel et al. 2020, section 2.2) that FineWeb keeps; terminal punctuation is not asked for."""

    minimum_sentences: int = 5
    """Fewest sentences left after lines were removed."""
    minimum_words_per_line: int = 3
    """Shorter lines are removed."""
    maximum_word_length: int = 1000
    """Lines with a longer word are removed; characters."""
    drop_curly_bracket: bool = True
    """Drop documents with a `{`: C4's guard against code."""


@dataclass(frozen=True, kw_only=True)
class FineWebQuality:
    """FineWeb's own rules (Penedo et al. 2024, section 3.6), as in datatrove's FineWebQualityFilter."""

    minimum_punctuated_lines: float = 0.12
    """Fewest lines that end in punctuation, as a share."""
    maximum_short_lines: float = 0.67
    """Most lines of at most 30 characters, as a share."""
    maximum_duplicate_line_characters: float = 0.01
    """Most characters in repeated lines, as a share."""
    maximum_newlines_per_word: float = 0.3
    """Above it the page is a list, not prose."""


@dataclass(frozen=True, kw_only=True)
class MinHash:
    """MinHash-LSH near-duplicate removal with FineWeb's parameters (112 hashes)."""

    n_gram: int = 5
    """Words per shingle."""
    buckets: int = 14
    """Bands; two documents are candidates when all hashes of one band agree."""
    hashes_per_bucket: int = 8
    """Rows; the similarity at the steepest point is (1/buckets)^(1/hashes_per_bucket), here 0.72."""
    seed: int = 1
    """Of the hash family."""
    maximum_characters: int | None = None
    """Compare only so many characters from the beginning of a text; left out: all (FinePDFs: 1,000,000)."""
    keep: Literal["first", "longest", "newest", "best"] = "first"
    """Which document of a cluster stays. newest: by `date` of the metadata; best: by `quality_score` of the metadata,
    which a quality model must have set before. datatrove keeps the root of its union-find, in effect any."""
    scope: Literal["all", "source", "language"] = "all"
    """Compare all documents, or only those of one source (FineWeb: per snapshot) or language (FineWeb2)."""
    pairs: int = 1000
    """Near-duplicate pairs written to OUTPUT/pairs/ for looking at, a fair sample; 0: none."""
    index: str = ""
    """Folder with the keys of documents kept earlier. Near-duplicates of those are dropped too, and what this run keeps
    is added; left out: none."""
    snapshot: str = ""
    """Name of what this run adds to the index. Running a snapshot again replaces what it had added."""


@dataclass(frozen=True, kw_only=True)
class RepeatedPieces:
    """Paragraphs or lines that occurred before, in any document, are cut out, as in CCNet (Wenzek et al. 2020)."""

    minimum_piece_words: int = 1
    """Shorter pieces stay, however often they occur (CCNet: 1, all are compared)."""
    minimum_words: int = 50
    """Documents that were cut and have fewer words left are dropped (datatrove's sentence deduplication: 50)."""


@dataclass(frozen=True, kw_only=True)
class EduQuality:
    """Educational value, 0 to 5, as FineWeb-Edu scores it (Penedo et al. 2024, section 4)."""

    model: str = ""
    """A `transformers` classifier (a folder, or a name on the hub such as `HuggingFaceFW/fineweb-edu-classifier`), or
    an .npz file made by `make quality`; empty: the small model that comes with smollab."""
    minimum_score: float | None = None
    """Least score; left out: 2.5 for a classifier (FineWeb-Edu keeps a rounded 3), 1.5 for the small model, where F1
    is best on sites it has not seen (notebook 1.4)."""
    chunks: int = 1
    """Score the beginning of so many equal parts of a text; the best counts. 1: the beginning of the text only
    (FineWeb-Edu). FinePDFs scores chunks of 2,048 tokens: a long document need not begin with what it teaches."""


@dataclass(frozen=True, kw_only=True)
class Toxicity:
    """Words of adult sites and abuse, counted in the language of the document."""

    maximum_adult_words: float = 0.01
    """Most words of adult sites, as a share of all words; one such word, as on a page about health, is no reason."""
    maximum_abusive_words: float = 0.01
    """Most slurs and vulgar insults, as a share of all words."""
    minimum_different_words: int = 3
    """Fewer different words of a list count as none: a page about one word quotes it often."""
    drop_any_word: bool = False
    """Drop on a single word of either list: C4's rule (Raffel et al. 2020, section 2.2), which FineWeb does not use."""


@dataclass(frozen=True, kw_only=True)
class Pii:
    """Personal data and secrets that are replaced by placeholders. On by default: what FineWeb replaces."""

    emails: bool = True
    """E-mail addresses."""
    ipv4: bool = True
    """Public IPv4 addresses."""
    ipv6: bool = False
    """Public IPv6 addresses."""
    phones: bool = False
    """Telephone numbers: international ones (+ or 00), and national ones of the countries that speak the document's
    language if they are written in groups or follow a word such as `Tel.`."""
    secrets: bool = False
    """Access keys of known services, private keys, web tokens (JWT), and random values assigned to names such as
    `password`."""
    payment: bool = False
    """Credit card numbers and IBANs, if their check digits are right."""


@dataclass(frozen=True, kw_only=True)
class Decontaminate:
    """Documents that hold examples of the evaluation sets, so that a model cannot have seen what it is asked."""

    evaluations: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """JSONL file -> the fields of its rows that hold text: `{ "questions.jsonl" = ["question", "answer"] }`."""
    n_gram: int = 13
    """Words in a row that count as the same text (GPT-3: Brown et al. 2020, appendix C)."""
    minimum_words: int = 8
    """Shorter examples are not looked for; those below n_gram words must occur whole (GPT-3's shortest n-gram: 8)."""
    maximum_n_grams: int = 0
    """Most n-grams of one example in a document."""
    maximum_similarity: float = 0.6
    """Most of an example's word triples in a stretch of the document as long as the example, as a share: finds copies
    with a few changed words. Of examples with at least n_gram words."""


@dataclass(frozen=True, kw_only=True)
class Curate:
    """Thresholds of the curation steps; which steps run is said by each source."""

    workers: int | None = None
    """Processes; left out: one per core."""
    ledger: bool = True
    """Keep what every rule measured of every document, and each text as extracted, so that other thresholds need no
    new computation; costs as much disk again as the documents."""
    cpu_seconds: float = 30.0
    """CPU time that one step may spend on one document, after which it is dropped; 0: no limit."""
    engine: Literal["processes", "ray"] = "processes"
    """Where the work is done: `processes` of this machine, or `ray`: a Ray cluster (`pip install "smollab[ray]"`)."""
    ray_address: str = ""
    """Of the cluster's head, `HOST:6379` or `auto`; empty: a Ray of this machine's own."""
    url: Url = field(default_factory=Url)
    """Addresses."""
    extract_pdf: ExtractPdf = field(default_factory=ExtractPdf)
    """Text of PDF files."""
    language: Language = field(default_factory=Language)
    """Language identification."""
    page_language: PageLanguage = field(default_factory=PageLanguage)
    """Language identification of PDFs."""
    gopher_repetition: GopherRepetition = field(default_factory=GopherRepetition)
    """Repetition."""
    gopher_quality: GopherQuality = field(default_factory=GopherQuality)
    """Quality."""
    c4_quality: C4Quality = field(default_factory=C4Quality)
    """Lines and sentences."""
    fineweb_quality: FineWebQuality = field(default_factory=FineWebQuality)
    """Shape of the lines."""
    minhash_dedup: MinHash = field(default_factory=MinHash)
    """Near-duplicates."""
    paragraph_dedup: RepeatedPieces = field(default_factory=RepeatedPieces)
    """Repeated paragraphs."""
    line_dedup: RepeatedPieces = field(default_factory=RepeatedPieces)
    """Repeated lines."""
    edu_quality: EduQuality = field(default_factory=EduQuality)
    """Educational value."""
    toxicity: Toxicity = field(default_factory=Toxicity)
    """Adult and abusive words."""
    pii: Pii = field(default_factory=Pii)
    """Personal data."""
    decontaminate: Decontaminate = field(default_factory=Decontaminate)
    """Examples of evaluation sets."""
    by_language: dict[str, dict[str, float]] = field(default_factory=dict)
    """Language -> thresholds that differ there, by `step.setting`, as in FineWeb2:
    `fr = { "gopher_quality.maximum_mean_word_length" = 11 }`."""
