"""What a tag means to the text of a page: its role by its name, and what its attributes say about it."""

from functools import lru_cache
from typing import NamedTuple

from smollab.curate.html.vocabulary import (
    BLOCK_TAGS,
    HEADINGS,
    LEAVES,
    PASSED_OVER,
    PLAIN,
    Traits,
    read_attributes,
    split,
)

NOTHING, INLINE, LINK, LINK_END, BREAK, RULE, BUTTON, SKIP, CLOSE, LEAF, PART, BOX = range(12)
"""Roles. From `LEAF` on they open blocks: of text and no other blocks, parts of a text, whatever there may be."""
MAIN_TAGS = ("article", "main")
_PARTS = split("li ul ol tr tbody thead tfoot dl dd center fieldset hgroup blockquote figure details")
_SPANS = split("span b strong i em u s small big sub sup code cite abbr time font label q tt")
ROLES = {
    **dict.fromkeys(BLOCK_TAGS, BOX),
    **dict.fromkeys(_PARTS, PART),  # no candidates for the main container, being parts of a text
    **dict.fromkeys(LEAVES, LEAF),
    **dict.fromkeys((f"/{tag}" for tag in BLOCK_TAGS), CLOSE),
    **dict.fromkeys(PASSED_OVER, SKIP),
    **dict.fromkeys(_SPANS, INLINE),  # only what they say about themselves can matter
    **dict.fromkeys((f"/{tag}" for tag in _SPANS), NOTHING),
    **dict.fromkeys(("img", "input", "source", "link", "meta"), NOTHING),
    **{"a": LINK, "/a": LINK_END, "br": BREAK, "hr": RULE, "button": BUTTON},
}
"""Name -> role, for all the common tags; see `read_role` for others."""
_NEVER_SUSPECTED = HEADINGS | {"body", *MAIN_TAGS}
_SUSPECTED_TAGS = {"footer": "legal", "aside": "aside", "form": "form", "search": "form"}


class Tag(NamedTuple):
    """An opening tag."""

    name: str
    role: int
    suspicion: str
    """Why its element is probably not the page's own text: a category of `vocabulary.SUSPICIONS`, or empty."""
    traits: Traits


@lru_cache(maxsize=1024)
def read_role(name: str) -> int:
    """Return what a tag means by its name, for tags with attributes and for rare ones."""
    role = ROLES.get(name)
    if role is not None:
        return role
    if "-" in name:  # a custom element, with whatever inside
        return CLOSE if name[0] == "/" else BOX
    return NOTHING if name[:1] == "/" else INLINE


@lru_cache(maxsize=4096)
def read_tag(tag: str) -> Tag:
    """Judge an opening tag with its attributes; pages and sites repeat theirs."""
    name, _, attributes = tag.partition(" ")
    traits = read_attributes(attributes) if attributes else PLAIN
    suspicion = "" if name in _NEVER_SUSPECTED else traits.category or _SUSPECTED_TAGS.get(name, "")
    return Tag(name, read_role(name), suspicion, traits)
