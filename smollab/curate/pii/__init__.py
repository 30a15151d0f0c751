"""Replace personal data and secrets by placeholders; the text around them stays.

A model should not learn to recite anyone's address. `addresses.py` has what FineWeb replaces, e-mail and public IP
addresses; `phones.py`, `secrets.py` and `payment.py` have what a recipe may add.
"""

from smollab.curate.pii.addresses import mask_emails, mask_ipv4, mask_ipv6
from smollab.curate.pii.mask import mask_pii
from smollab.curate.pii.payment import mask_payment
from smollab.curate.pii.phones import mask_phones
from smollab.curate.pii.secrets import mask_secrets

__all__ = ["mask_emails", "mask_ipv4", "mask_ipv6", "mask_payment", "mask_phones", "mask_pii", "mask_secrets"]
