"""Document masking on accelerators: FlexAttention compiles a mask function into one fused kernel.

    a token looks at another if that is not later, of the same document, and within the window

The mask is held as blocks of 128 x 128 tokens; blocks in which nothing is seen are skipped, so packed short documents
cost what they cost alone. Building it reads the document ids on the device: the host waits for nothing.

On CPUs the same functions run uncompiled and without a backward pass, which is enough to test them.

Source: Dong et al. 2024 (FlexAttention), section 4.
"""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention


class FlexDocuments:
    """The mask of a packed batch; the block masks are made once and shared by all layers.

    Args:
        document_ids: (batch, seq); a token sees only equal ids next to each other in its row.
    """

    def __init__(self, document_ids: Tensor) -> None:
        self.rows, self.length = document_ids.shape
        changes = torch.zeros_like(document_ids)
        changes[:, 1:] = document_ids[:, 1:] != document_ids[:, :-1]
        self.document_ids = changes.cumsum(dim=1)  # so that an id that comes again is another document
        self._masks: dict[tuple[int | None, int, int], BlockMask] = {}

    def sees(self, window: int | None, first: int = 0) -> Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]:
        """The mask function of FlexAttention: (row, head, place that looks, place looked at) -> boolean.

        Places that look are counted from `first`.
        """
        ids = self.document_ids

        def mask(row: Tensor, head: Tensor, query_place: Tensor, looked_at: Tensor) -> Tensor:
            looking = query_place + first
            visible = (looking >= looked_at) & (ids[row, looking] == ids[row, looked_at])
            return visible if window is None else visible & (looking - looked_at < window)

        return mask

    def attend(self, query: Tensor, key: Tensor, value: Tensor, window: int | None = None, first: int = 0) -> Tensor:
        """Attention of (tokens, heads, head_dim) within documents, as `document_attention` defines it.

        The queries may be those of a slice of every row, which begins at `first`.
        """
        device = self.document_ids.device
        q, k, v = (x.view(self.rows, -1, *x.shape[1:]).transpose(1, 2) for x in (query, key, value))
        place = (window, first, q.shape[-2])
        if place not in self._masks:
            make, sees = _compiled(create_block_mask, device.type), self.sees(window, first)
            self._masks[place] = make(sees, self.rows, None, q.shape[-2], self.length, device=device)
        attend = _compiled(flex_attention, device.type)
        output: Tensor = attend(q, k, v, block_mask=self._masks[place], enable_gqa=q.shape[1] != k.shape[1])
        return output.transpose(1, 2).flatten(0, 1)


@functools.cache
def _compiled(function: Callable[..., Any], device_type: str) -> Callable[..., Any]:
    return torch.compile(function) if device_type == "cuda" else function
