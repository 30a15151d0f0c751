"""Captions of figures and tables: they begin with a name and a number, in the seven languages."""

import re

_NAMES = (
    "figure|fig|table|tab|listing|algorithm|chart|box|plate|scheme|exhibit|"  # en
    "abbildung|abb|tabelle|"  # de
    "tableau|graphique|"  # fr
    "figura|tabla|cuadro|gráfico|ilustración|"  # es
    "tabella|grafico|"  # it
    "tabela|quadro|"  # pt
    "hình|bảng"  # vi
)
_NUMBER = r"(?:[A-Z]\.?)?(?:\d{1,3}|[IVX]{1,5})(?:[.\-–]\d{1,3})*[a-z]?"
_CAPTION = re.compile(rf"(?:{_NAMES})\.?\s+{_NUMBER}\s*(?:[:.—–|]|-\s|$)", re.IGNORECASE)
_LABEL = re.compile(rf"(?:{_NAMES})\.?\s+{_NUMBER}\s+[A-Z]", re.IGNORECASE)


def begins_caption(text: str, set_apart: bool = False) -> bool:
    """Tell whether a line begins a caption.

    Args:
        text: the line.
        set_apart: it stands below a figure or table, or is in another font than the text: then no mark of punctuation
            is needed after the number.
    """
    if not text[:1].isupper():
        return False
    return _CAPTION.match(text) is not None or (set_apart and _LABEL.match(text) is not None)
