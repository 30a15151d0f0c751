"""Phrases by which pages announce, in many languages, that what follows is not their own text.

Each is a piece of a regular expression, matched at the start of a short block, whatever the case of its letters.
"""

COMMENTS = r"""
\d* ?comments?|leave a (?:reply|comment)|reader (?:comments|discussion)|(?:post|add|write) a comment|
join the (?:discussion|conversation)|what do you think|discussion|responses?|\d+ (?:responses|thoughts|replies)|
showing \d+ comments|\d* ?commentaires?|laisser un commentaire|réag(?:ir|issez)|vos réactions|\d* ?comentarios?|
\d* ?comentários?|dej[ae] (?:un|tu) comentario|deix[ae] (?:um|seu) comentário|\d* ?kommentare?|
kommentar (?:schreiben|verfassen)|schreib(?:en sie)? einen kommentar|leserkommentare|diskutieren sie|
\d* ?commenti|lascia un commento|\d* ?reacties|geef een reactie|\d* ?bình luận|ý kiến (?:bạn đọc|của bạn)|
để lại (?:một )?bình luận|комментари[ий]|оставить комментарий|коментар[иі]|обсуждение|komentarze|
dodaj komentarz|skomentuj|komentáře|hozzászólás(?:ok)?|yorumlar|yorum yap|
(?:网友|全部|最新|热门|读者)?(?:评论|留言|評論)|发表评论|
我要评论|コメント|댓글|(?:ال)?تعليقات|أضف تعليق|اترك تعليق
"""
"""A label of this and no more starts the comments."""

RELATED = r"""

related (?:articles?|posts?|stories|story|links|topics?|content|products?|items|news|reading|coverage|videos?)|
related$|you (?:may|might) (?:also )?(?:like|be interested|enjoy)|
recommended (?:for you|articles|stories|reading|posts)|
more (?:from|in|on|stories|news|articles|posts|like this)|read (?:more|also|next|this next)|also read|
see also:|(?:most|also) (?:read|popular|viewed|shared|commented|discussed)|
popular (?:posts|articles|now|stories)|trending|recent (?:posts|articles|comments|stories)|
latest (?:news|posts|stories|articles|videos)|(?:from|around) (?:around )?the web|customers (?:who|also)|
frequently bought|editors?['’]?s? (?:picks?|choice)|top stories|follow us|get (?:the|our) (?:newsletter|app)|
subscribe|sign up|newsletter|about the author|what to read next|up next|keep reading|don['’]t miss|
(?:à|a) lire aussi|lire (?:aussi|la suite|plus)|articles? (?:liés?|similaires?|associés)|
sur le même (?:sujet|thème)|dans la même rubrique|les plus (?:lus|vus|populaires)|voir aussi|
vous aimerez aussi|plus d['’]articles|noticias relacionadas|artículos? relacionados?|te puede interesar|
también te|lo más (?:leído|visto|popular)|más noticias|(?:lee|leer|lea|ver) (?:también|más)|
productos relacionados|más sobre|quizás te|mehr zum thema|lesen sie auch|das könnte (?:sie|dich)|
ähnliche (?:artikel|produkte|beiträge)|meist(?:gelesen|geklickt)|
weitere (?:artikel|beiträge|themen|meldungen|nachrichten)|verwandte|auch interessant|kunden kauften|
leggi anche|articoli correlati|potrebbe(?:ro)? (?:anche )?interessar|i più letti|altri articoli|
leia (?:também|mais)|veja (?:também|mais)|(?:artigos|notícias|posts|produtos) relacionad|mais lidas|
você (?:pode|também)|últimas notícias|publicidade|lees ook|gerelateerd|meer nieuws|
(?:bài viết|tin|sản phẩm|tin tức|chủ đề) (?:liên quan|tương tự|mới|khác|nổi bật)|có thể bạn|
xem (?:thêm|nhiều)|đọc (?:thêm|nhiều)|cùng chuyên mục|tin cùng|читайте также|похожие|по теме|ещё по теме|
новости (?:партн|по теме)|популярн|смотрите также|czytaj (?:także|też|również)|zobacz (?:także|też|również)|
polecane|podobne|kapcsolódó|ilgili haberler|çok okunan|още по темата|вижте още|
相关(?:新闻|阅读|文章|链接|推荐|内容|报道|专题)|推荐阅读|热门|更多|延伸阅读|猜你喜欢|相關|
関連(?:記事|ニュース|リンク|キーワード)|おすすめ|人気記事|あわせて読みたい|ランキング|관련 ?(?:기사|뉴스|글)|
추천 ?(?:기사|뉴스)|많이 본|인기 ?(?:기사|뉴스)|اقرأ أيضا|مواضيع ذات صلة|ذات صلة|الأكثر قراءة
"""
"""A label that begins so starts teasers, advertisements or buttons for sharing."""

LINES = r"""
posted (?:in|on|by)|filed under|tags?:|tagged|categor(?:y|ies):|topics?:|labels?:|permalink|\(c\) \d{4}|
copyright|all rights reserved|back to top|skip to|terms of (?:use|service)|privacy policy|
cookie (?:policy|settings)|mots-clés|étiquettes?:|publié (?:par|le|dans)|tous droits réservés|etiquetas?:|
publicado (?:por|en|em)|todos los derechos|todos os direitos|schlagwörter|schlagworte|
veröffentlicht (?:am|in|von)|alle rechte vorbehalten|pubblicato (?:da|in|il)|tutti i diritti|từ khóa|thẻ:|
bản quyền|теги|все права|标签|版权所有|責任編集|タグ:|태그:|جميع الحقوق|sponsored|advertisement|promoted|
share this|share on|partager|publicité|compartir|publicidad|anzeige|teilen|condividi|pubblicità|compartilhe|
chia sẻ|quảng cáo|поделиться|реклама|reklama|udostępnij|hirdetés|分享到|广告|シェア|広告|공유하기|광고|شارك|
إعلان
"""
"""A line that begins so is boilerplate itself."""

COUNTED_COMMENTS = r"""
comments?|replies|comment(?:aires?|i)|coment[aá]rios?|kommentare?|bình luận|комментари|коментар|komentarz
"""
"""A label that begins with a number and one of these starts the comments."""

COOKIE_NOTICES = r"""
\b(?:we|our|us|this (?:web)?site|wir|unsere?|diese (?:web)?seite|nous|nos|ce site|nosotros|nuestr[oa]s?|este siti?o|
usamos|utilizamos|noi|nostri|questo sito|nossos?|chúng tôi|мы|наш|używamy|wij|onze|vi)\b
"""
"""A notice about cookies speaks of the site itself; text about cookies seldom does."""
