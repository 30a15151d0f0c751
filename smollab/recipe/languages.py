"""Codes of the languages that can be told from each other: ISO 639-1, or 639-3 where there is no shorter one.

**Source**: the labels of fastText's lid.176 (Grave et al. 2018) and of py3langid (Lui & Baldwin 2012); a test compares.
"""

_CODES = """
ace af als am an ar ary arz as ast av az azb ba bar bcl be bg bh bn bo bpy br bs bxr ca cbk ce ceb ckb co crh cs
cv cy da de diq dsb dty dv dz el eml en eo es et eu ext fa fi fo fr frr fuv fy ga gcf gcr gd gl gn gom grc gu
gug guw gv ha hbo he hi hif hr hsb ht hu hy ia id ie ig ilo io is it ja jbo jv ka kab kik kk km kn ko krc ku kv
kw ky la lb lez lg li lij lmo ln lo lrc lt ltg lv mai mg mhr min mk ml mn mr mrj ms mt mwl my myv mzn nah nap
nds ne new nl nn no nso oc om or os pa pam pcm pfl pl pms pnb ps pt qu rm ro ru rue rw sa sah sc scn sco sd sdh
se sh si sk sl sn so sq sr st su sv sw ta te tg th tk tl tr tt tyv ug uk ur uz uzs vec vep vi vls vo wa war wuu
xal xh xmf yi yo yue zh zu zxx
"""
KNOWN_LANGUAGES = frozenset(_CODES.split())
"""What language identification may return."""
OTHER_LANGUAGES = "other"
"""Stands in a recipe for all languages that it does not name."""
