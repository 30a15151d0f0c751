"""Words of adult sites and of abuse, in seven languages: short lists of ours, to be read and disputed.

**This file holds offensive words**; it has to, to find them.

Left out on purpose: words of medicine and of the body, names of people and groups that are no insult by themselves,
and words with a harmless meaning that is common (German *Schwanz*, Portuguese *bicha*, Italian *Troia*). Whoever lists
*sex* or *breast* drops pages about health and about minorities: Dodge et al. 2021 ("Documenting Large Webtext Corpora",
section 5) found that of C4's list.
"""

_ADULT = {
    # Read in every language: names of sites and genres travel.
    "": """
        porn porno pornos pornstar pornstars pornhub xvideos xhamster redtube youporn xnxx brazzers onlyfans hentai
        milf milfs xxx bdsm gangbang bukkake creampie creampies cumshot cumshots blowjob blowjobs handjob handjobs
        deepthroat camgirl camgirls sexcam sexcams livesex sexchat upskirt shemale shemales swingers nsfw dildo
        dildos
    """,
    "en": """
        pussy pussies tits titties boobs boobies cum cums cumming horny slutty sluts fuck fucked fucking fucks
        threesome threesomes orgy orgies masturbates stripper strippers busty naughty topless nudes
    """,
    "fr": """
        salope salopes nichons branlette branler partouze partouzes levrette sodomie baise baisée baiseuse coquine
        coquines libertine libertines libertin éjac gicle suceuse suceuses cochonne cochonnes bite bites
    """,
    "es": """
        follar follada folladas follando mamada mamadas tetas tetona tetonas culazo culona cachonda cachondas polla
        pollas coño putas zorras pajas chupando guarras maduritas
    """,
    "de": """
        ficken fick fickt gefickt titten möpse muschi fotze fotzen geile geiler geil wichsen wichst nutten schlampen
        sexkontakte bumsen gebumst hobbyhuren huren vögeln gevögelt abspritzen arschfick livecams
    """,
    "it": """
        scopare scopata scopate pompino pompini tettone tette figa fighe troie puttane sborra sborrata trombata
        trombare culo cazzo cazzi inculata inculate zoccole
    """,
    "pt": """
        buceta bucetas boceta gostosa gostosas putaria fodendo fodida safada safadas boquete boquetes punheta
        novinha novinhas gozada gozadas gozando bunduda rabuda peituda caralho putas
    """,
    "vi": "jav vlxx lồn cặc buồi địt chịch nứng xoạc sếch dâm",
}
_ABUSIVE = {
    "": "",
    "en": """
        fuck fucking fucked fucker fuckers motherfucker motherfuckers fuckface shit shitty bullshit asshole assholes
        bitch bitches bitchy cunt cunts whore whores slut sluts dickhead dickheads dumbass jackass wanker wankers
        twat twats faggot faggots fag fags nigger niggers nigga kike kikes spic spics chink chinks wetback wetbacks
        raghead towelhead tranny trannies retard retards subhuman subhumans untermensch
    """,
    "fr": """
        putain putes pute salope salopes salaud salauds enculé enculés enculer connard connards connasse connasses
        conne merde chier foutre niquer nique enfoiré enfoirés pédé pédés tapettes bougnoule bougnoules bicot bicots
        négro négros youpin youpins bamboula gouine gouines tarlouze trouduc pouffiasse pétasse batard
    """,
    "es": """
        puta putas puto putos mierda coño joder jodido gilipollas cabrón cabrones cabrona hijoputa hijueputa maricón
        maricones marica pendejo pendejos chingar chingada chingado culero culeros mamón sudaca sudacas panchito
        panchitos negrata negratas bollera zorras hijueputas malparido
    """,
    "de": """
        arschloch arschlöcher fotze fotzen hurensohn hurensöhne hure huren wichser ficken fick gefickt scheiße
        scheiß scheisse schlampe schlampen nutte nutten schwuchtel schwuchteln kanake kanaken nigger neger
        missgeburt spast spasti spasten vollidiot drecksau untermensch untermenschen judensau kümmeltürke
    """,
    "it": """
        cazzo cazzi stronzo stronzi stronza stronzate puttana puttane vaffanculo merda merde coglione coglioni
        minchia frocio froci ricchione ricchioni bastardo bastardi zoccola zoccole fottuto fottuti fottiti fottere
        rottinculo troione cagare
    """,
    "pt": """
        caralho porra foder fodido fodida puta putas puto putos merda cuzão cuzões viado viados arrombado arrombada
        vadia vadias otário otários babaca babacas paneleiro paneleiros cabrão cabrões escroto desgraçado piranha
        bosta
    """,
    "vi": "địt đụ đéo đĩ lồn cặc buồi vcl vkl đm đmm dcm clm cđm",
}
LISTS = {
    name: {language: frozenset((lists[""] + " " + words).split()) for language, words in lists.items()}
    for name, lists in (("adult", _ADULT), ("abusive", _ABUSIVE))
}
"""`adult` or `abusive` -> ISO 639-1 code, or empty for any other language -> words, lower case."""
