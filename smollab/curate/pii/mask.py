"""The step `pii`: the kinds that the recipe names, in an order in which no placeholder is taken for another kind."""

from collections.abc import Callable

from smollab.curate.pii.addresses import mask_emails, mask_ipv4, mask_ipv6
from smollab.curate.pii.payment import mask_payment
from smollab.curate.pii.phones import mask_phones
from smollab.curate.pii.secrets import mask_secrets
from smollab.documents import Document, replace
from smollab.recipe import Pii

__all__ = ["mask_pii"]

DEFAULTS = Pii()


def mask_pii(document: Document, settings: Pii = DEFAULTS) -> Document:
    """Replace what the settings name; the metadata counts how many were replaced."""
    kinds: tuple[tuple[bool, Callable[[str], tuple[str, int]]], ...] = (
        (settings.secrets, mask_secrets),
        (settings.emails, mask_emails),
        (settings.ipv4, mask_ipv4),
        (settings.ipv6, mask_ipv6),
        (settings.payment, mask_payment),  # before telephone numbers, of which a card number may contain one
        (settings.phones, lambda text: mask_phones(text, document.language)),
    )
    text, total = document.text, 0
    for wanted, mask in kinds:
        if wanted:
            text, count = mask(text)
            total += count
    if not total:
        return document
    return replace(document, text=text, metadata={**document.metadata, "pii_masked": total})
