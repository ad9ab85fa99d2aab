"""Words that carry praise or blame in shop reviews, English and Chinese, chosen by hand.

A word's value is -2 to 2. Words that mean the opposite by product ("small", "cheap", "light") are
left out: the shop's own stars teach those, see `stars.py`.
"""

from __future__ import annotations

from typing import Final


def _words(text: str) -> list[str]:
    return text.split()


_ENGLISH: Final = {
    2.0: """amazing awesome excellent exceptional fabulous fantastic flawless incredible
        love loved loves magnificent marvelous outstanding perfect perfectly phenomenal
        remarkable stellar stunning superb superior terrific unbeatable wonderful wonderfully
        favorite favourite best brilliant gem exquisite impeccable""",
    1.0: """accurate adequate admirable affordable appealing attractive beautiful beautifully
        beauty bargain benefit bonus bright charming clean clear clever comfortable comfy
        compliment compliments convenient cool crisp cute dandy decent delicious delight
        delighted delightful dependable durable easier easily easy effective effortless
        efficient effortlessly elegant enjoy enjoyable enjoyed enjoying enjoys ergonomic
        exceeded excited fair faster fine flexible fresh fun functional generous genuine gift
        glad good gorgeous great handy happier happy happily helpful helps hero honest ideal
        impress impressed impressive improve improved improvement improves intuitive joy keeper
        lightweight like liked likes lovely lucky nice nicely neat pleasant pleased pleasing
        pleasure plus powerful praise precise premium pretty pro pros  quick quickly quiet
        recommend recommended recommending recommends refined reliable responsive rich robust
        rugged safe satisfied satisfying satisfactory seamless secure securely sharp simple
        sleek smart smooth smoothly soft solid solidly  sparkling speedy spectacular stable
        steady sturdy stylish success successful suited super sweet tasty thank thankful thanks
        thrilled tidy top tough trust trustworthy unique upgrade useful valuable
        versatile vibrant warm well win winner works worth worthwhile worthy wow yummy""",
    -1.0: """ache annoy bad badly annoyed annoying bent bitter bland blurry bother bothered brittle
        bulky bug buggy bummer burn burned burning burnt careless clog clogged clumsy clunky
        complain complained complaint complaints complicated con concern concerned cons confused
        confusing crack cracked cracking cracks cramped creak creaky cumbersome damage damaged
        dead defect defects defective difficult difficulty dim dirty disappoint disappointed
        disappoints discolored dislike disliked doubt drawback drained dull error errors expensive
        fade faded fading fail failed failing fails failure fake fall falls fault faulty fell
        fiddly flaw flawed flaws flimsy floppy fragile frayed freeze freezes frustrated
        frustrating frustration gimmick glitch glitches glitchy grainy harsh hassle hate heavy
        hurt hurts impossible inaccurate inadequate inconsistent inconvenient incorrect inferior
        irritating issue issues itchy jam jammed jams lack lacking lacks lag leak leaked leaking
        leaks leaky limited lose loose loud lousy mediocre mess messy mislead misleading missing
        mistake muddy noise noisy nuisance odd overpriced painful peel peeled peeling pity poor
        poorly problem problems pricey regret refund refunded replace replaced return returned
        returning rip ripped rough ruin rust rusted rusty sad sadly scratch scratched scratches
        shabby shame shattered shoddy skimpy slip slips sloppy slow smell smells smelly snapped
        sore squeak squeaky stain stained stale static sticky stiff stink stinks stopped struggle
        stuck subpar suffer tear tears thin tinny tore torn trouble ugly unable uncomfortable
        underwhelming unfortunately unhappy unpleasant unreliable unstable upset useless
        vague warped weak weird wobble wobbles wobbly worn worried worse wrinkled wrong
        broke broken breaks""",
    -2.0: """abysmal atrocious awful crap crappy dangerous disappointing disappointment disaster
        disgusting dreadful garbage hated horrible horribly horrendous joke junk nightmare
        pathetic rubbish scam terrible terribly trash unacceptable unusable waste wasted worst
        worthless""",
}

_CHINESE: Final = {
    2.0: "完美 极好 超级好 太棒 很棒 最好 惊艳 超值 喜爱 爱不释手 一流 无可挑剔",
    1.0: """好 不错 满意 喜欢 推荐 舒服 舒适 漂亮 好看 好用 好吃 实用 方便 耐用 结实 值得 划算 便宜
        精致 干净 清晰 流畅 快速 合适 合身 柔软 正品 质量好 给力 赞 棒 开心 物美价廉 优秀 牢固 可爱
        新鲜 香 轻便 安静 快捷 贴心 惊喜 放心 好评 热情""",
    -1.0: """差 坏 破 烂 贵 慢 脏 臭 失望 难用 难看 难吃 不好 不行 不满 不值 粗糙 掉色 褪色 开线
        异味 刺鼻 卡顿 漏水 破损 瑕疵 退货 退款 假货 假 后悔 麻烦 噪音 太小 太大 断 裂 松动 生锈
        起球 敷衍 一般般 差评 投诉 骗 问题 变形 划痕""",
    -2.0: "垃圾 极差 最差 太差 恶心 骗子 骗人 糟糕 糟透 烂透 坑人 劣质",
}

WORD_VALUE: Final[dict[str, float]] = {
    word: value for value, words in _ENGLISH.items() for word in words.split()
}
CHINESE_VALUE: Final[dict[str, float]] = {
    word: value for value, words in _CHINESE.items() for word in words.split()
}

NEGATIONS: Final = frozenset(
    _words(
        """not no never none nothing neither nor cannot without hardly barely scarcely lacks dont
    doesnt didnt isnt wasnt werent arent wont wouldnt cant couldnt shouldnt havent hasnt hadnt
    aint don't doesn't didn't isn't wasn't weren't aren't won't wouldn't can't couldn't
    shouldn't haven't hasn't hadn't ain't"""
    )
)
INTENSIFIERS: Final[dict[str, float]] = dict.fromkeys(
    _words(
        """very really extremely so super absolutely totally incredibly highly truly completely"""
    ),
    1.5,
) | dict.fromkeys(_words("""somewhat slightly fairly rather kinda bit little mostly"""), 0.6)

CHINESE_NEGATIONS: Final = frozenset(_words("""不 没 没有 无 别 未 不是 并不 不太"""))
CHINESE_INTENSIFIERS: Final[dict[str, float]] = dict.fromkeys(
    _words("""很 非常 太 特别 十分 超 真 真的 挺 极其 相当"""), 1.5
) | dict.fromkeys(_words("""有点 稍微 略 还"""), 0.6)

TURNS: Final = frozenset(
    _words(
        """but however although though except yet unfortunately luckily 但 但是 可是 不过 然而"""
    )
)
"""Words after which a sentence may say the opposite."""

STOP_WORDS: Final = frozenset(
    _words(
        """a about above after again all also am an and any are as at be because been before being
    below between both but by can could did do does doing down during each even ever few first
    for from further get gets getting give go goes going got had has have having he her here
    hers him his how i if in into is it its i'm i've i'd i'll it's that's just know let like lot
    lots made make makes many me might more most much my need needs no nor not now of off on
    once one ones only or other our out over own put same say see she should since so some still
    such take than that the their them then there these they they're thing things think this
    those though through time times to too try two up us use used uses using very want wanted
    was way we well were what when where which while who why will with would year years you your
    day days week weeks month months really product item buy bought order ordered purchase
    purchased amazon star stars review reviews ve ll re don doesn didn isn bit little set three
    four five another every something anything everything nothing someone people person came
    come comes went done don't can't doesn't didn't isn't won't wasn't haven't around without
    anyone far long back new old big small different right part side end keep kept look looks
    looking feel feels seem seems sure actually definitely probably maybe pretty quite almost
    enough however although yet never always already less least own else instead per wife
    husband son daughter friend mom dad kid kids"""
    )
)
"""Words that are never what a review is about."""

DETERMINERS: Final = frozenset(
    _words("""the a an this that these those my your his her its our their no any some each""")
)
"""Words that come before a noun."""

NOT_ASPECTS: Final = frozenset(
    _words(
        """stuff way lot rest fact case point reason idea question answer note job look try use
        need amount couple bunch number plenty hundred thousand dollar buck penny cent one kind sort
        type sense place piece world moment minute hour second today yesterday tomorrow night
        morning week weekend month decade life guy girl man woman boy lady folk friend brother
        sister father mother dude hubby family daddy mum thank christmas birthday gift present
        review reviewer rating opinion experience purchase company seller amazon brand store shop
        person user buyer customer beginner player same only other best first last next second
        third main whole entire single double full half total very few several own new old used
        local long short wide huge tiny large big small little deep high low white black red blue
        green pink brown yellow grey gray purple orange gold silver dark light hot cold real true
        false usual normal regular basic standard typical average various different similar
        previous original current former recent final major minor certain exact actual possible
        additional extra free available said must built help inexpensive cheap longer allow
        mean past worry show drop non higher lower larger smaller shorter thicker thinner heavier
        lighter stronger straight must choice deal difference matter purpose result option
        american chinese general particular special common"""
    )
)
"""Nouns and adjectives that follow "the" and yet are no part or property of a product."""
