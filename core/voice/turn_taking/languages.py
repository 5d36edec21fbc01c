"""Small words that tell how a turn goes on, as data: one table a language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ("LANGUAGES", "NO_LANGUAGE", "SmallWords")


@dataclass(frozen=True, slots=True)
class SmallWords:
    """The small words of one language, as `words_of` spells them: lower case, straight apostrophes.

    Attributes:
        open: after these something must come, whatever mark the transcript puts behind them:
            articles, conjunctions, prepositions that never stand last.
        leaning: after these something comes unless the transcript has a full stop: prepositions that
            also end a sentence ("turn it on"), auxiliaries ("yes, I have").
        fillers: sounds of somebody who thinks.
        openers: said alone, they promise that something follows.
        asking: a sentence that begins with one of these is a question, with or without its mark.
        assents: said while listening; the other need not stop for them.
        stops: a wish for silence, whole utterances.
    """

    open: frozenset[str] = frozenset()
    leaning: frozenset[str] = frozenset()
    fillers: frozenset[str] = frozenset()
    openers: frozenset[str] = frozenset()
    asking: frozenset[str] = frozenset()
    assents: frozenset[str] = frozenset()
    stops: frozenset[str] = frozenset()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phrases(text: str) -> frozenset[str]:
    return frozenset(phrase.strip() for phrase in text.split(","))


NO_LANGUAGE = SmallWords(
    fillers=_words("uh um uhm er erm hm hmm hmmm mm mmm äh ähm öh eh euh"),
    assents=_words("mm-hm mhm mm-hmm mmhm uh-huh aha okay ok oh ah"),
    stops=_phrases("stop"),
)
"""What most languages share; also where the language is not known."""

_ENGLISH = SmallWords(
    open=_words(
        "a an the my your our their its and or but nor because although though unless until while whereas "
        "if whether than of to from with without into onto upon toward towards between among during via per "
        "every very i'm you're we're they're i'd we'd they'd i'll you'll we'll they'll i've we've gonna "
        "wanna plus versus whose"
    ),
    leaning=_words(
        "in on at by for about over under up down out off through after before as like so that which who "
        "what when where why how is are was were am be been being do does did have has had can could will "
        "would shall should may might must it's that's there's what's i you we they he she this these those "
        "some any no not just then next only even more please"
    ),
    fillers=_words("uh um uhm er erm hm hmm hmmm mm mmm ah eh"),
    openers=_words("well so like now anyway actually"),
    asking=_words(
        "what who whom whose which when where why how is are was were do does did can could will would "
        "shall should may might have has had isn't aren't don't doesn't didn't can't couldn't won't "
        "wouldn't what's who's where's how's"
    ),
    assents=_words(
        "mm-hm mhm mm-hmm mmhm uh-huh aha yeah yep yup yes ok okay right sure good great nice cool alright "
        "true exactly indeed wow oh ah huh really interesting"
    ),
    stops=_phrases(
        "stop, stop it, stop that, stop talking, stop please, please stop, quiet, be quiet, silence, "
        "enough, that's enough, shut up, never mind, nevermind, cancel, hush, okay stop, ok stop, stop "
        "stop, no stop"
    ),
)

_GERMAN = SmallWords(
    open=_words(
        "der den dem des ein eine einen einem einer eines mein meine dein deine ihr ihre unser unsere und "
        "oder aber denn weil obwohl dass ob wenn falls damit sondern sowie als wie von vom zu zum zur für "
        "gegen ohne bei beim ins im am zwischen seit während wegen trotz pro sehr jede jeder jedes bzw"
    ),
    leaning=_words(
        "mit nach aus an auf in um über unter vor hinter neben durch die das ist sind war waren bin hat "
        "habe haben hatte kann können könnte will wollen würde wird werden soll sollte muss müssen darf ich "
        "du er sie es wir man nicht kein keine noch nur auch so dann also wo was wer wann warum welche "
        "welcher"
    ),
    fillers=_words("äh ähm öh öhm hm hmm mm mmm eh ehm"),
    openers=_words("tja naja na also nun"),
    asking=_words(
        "was wer wen wem wessen welche welcher welches wann wo woher wohin warum weshalb wieso wie ist sind "
        "war hat hast haben kann kannst können könntest könnten soll sollen darf dürfen wird werden"
    ),
    assents=_words(
        "mm-hm mhm mhmm aha ja jaja jo ok okay genau gut klar stimmt richtig schön super toll prima echt "
        "ach oh ah so alles"
    ),
    stops=_phrases(
        "stopp, stop, halt, halt stopp, hör auf, ruhe, sei still, still, schluss, genug, das reicht, es "
        "reicht, aufhören, sei ruhig, halt den mund, abbrechen, vergiss es"
    ),
)

_FRENCH = SmallWords(
    open=_words(
        "le la les l un une des du de d au aux mon ma mes ton ta tes son sa ses notre nos votre vos leur "
        "leurs et ou mais donc car ni que qu qui parce puisque lorsque quand comme à dans sur sous chez "
        "vers par pour sans entre dès depuis très cet cette ces ce je j tu il on"
    ),
    leaning=_words(
        "avec contre avant après pendant est sont était suis ai as a ont avait peut peux pourrait veux "
        "voudrais va vais vont dois doit faut nous vous elle ils elles pas plus aussi même où quoi si"
    ),
    fillers=_words("euh heu hum hm hmm mm eh"),
    openers=_words("ben bah bon alors enfin donc"),
    asking=_words(
        "qui que quoi quel quelle quels quelles quand où comment pourquoi combien est-ce qu'est-ce peux-tu "
        "pouvez-vous pourrais-tu pourriez-vous as-tu avez-vous es-tu êtes-vous y-a-t-il"
    ),
    assents=_words(
        "mm-hm mhm hm-hm oui ouais ok okay d'accord bien bon voilà exact exactement ah oh super cool "
        "vraiment parfait tiens"
    ),
    stops=_phrases(
        "stop, arrête, arrêtez, arrête-toi, silence, tais-toi, taisez-vous, chut, assez, ça suffit, c'est "
        "bon, laisse tomber, annule, annuler"
    ),
)

_SPANISH = SmallWords(
    open=_words(
        "el la los las un una unos unas mi mis tu tus su sus nuestro nuestra y e o u pero sino porque "
        "aunque pues que si cuando mientras como de del a al en con sin por para sobre entre desde hasta "
        "hacia según contra muy cada lo me te se nos"
    ),
    leaning=_words(
        "es son era está están estoy soy ha he han había puede puedo podría quiero quisiera va voy vamos "
        "debe tengo tiene hay no más también este esta ese esa yo usted ella donde quien cual"
    ),
    fillers=_words("eh em ehm mm mmm hm hmm"),
    openers=_words("pues bueno entonces esto"),
    asking=_words(
        "qué quién quiénes cuál cuáles cuándo dónde adónde cómo cuánto cuánta cuántos cuántas puedes puede "
        "podrías podría tienes hay"
    ),
    assents=_words(
        "mm-hm mhm ajá sí ok okay vale claro bien bueno ya exacto ah oh genial perfecto cierto verdad"
    ),
    stops=_phrases(
        "para, para ya, pare, detente, alto, basta, ya basta, silencio, cállate, cállese, suficiente, stop, "
        "cancela, cancelar, déjalo"
    ),
)

_ITALIAN = SmallWords(
    open=_words(
        "il lo la i gli le l un uno una del dello della dei degli delle al allo alla ai agli alle dal dalla "
        "nel nella nei sul sulla di a da in con su per tra fra e ed o ma però perché anche che se quando "
        "mentre come senza verso molto ogni mio mia tuo tua suo sua mi ti ci vi si"
    ),
    leaning=_words(
        "è sono era ho hai ha abbiamo hanno può posso potrebbe voglio vorrei va vado deve devo non più "
        "questo questa quello quella io tu lui lei noi dove chi cosa dopo prima sopra sotto"
    ),
    fillers=_words("eh ehm uhm mm mmm hm hmm"),
    openers=_words("beh cioè allora dunque insomma"),
    asking=_words(
        "chi che cosa cos'è quale quali quando dove dov'è come com'è perché quanto quanta quanti quante "
        "puoi può potresti potrebbe hai c'è"
    ),
    assents=_words(
        "mm-hm mhm sì ok okay certo bene va giusto esatto ah oh già davvero perfetto bello capito"
    ),
    stops=_phrases(
        "basta, fermati, ferma, fermo, silenzio, zitto, zitta, stai zitto, stop, smettila, è abbastanza, "
        "annulla, lascia stare, lascia perdere"
    ),
)

_PORTUGUESE = SmallWords(
    open=_words(
        "o a os as um uma uns umas do da dos das no na nos nas ao à aos às pelo pela meu minha seu sua "
        "nosso nossa e ou mas porém porque que se quando enquanto como de em com sem por para sobre entre "
        "desde até contra muito cada me te lhe"
    ),
    leaning=_words(
        "é são era está estão estou sou tem tenho há pode posso poderia quero queria vai vou vamos deve não "
        "mais também este esta esse essa isso eu você ele ela onde quem qual depois antes"
    ),
    fillers=_words("eh hum hm hmm ah ãh mm mmm"),
    openers=_words("bem então tipo bom"),
    asking=_words(
        "quem qual quais quando onde aonde como quanto quanta quantos quantas pode poderia você tem há será"
    ),
    assents=_words(
        "mm-hm mhm aham uhum sim ok okay certo claro bom bem isso exato ah oh legal tá verdade perfeito"
    ),
    stops=_phrases(
        "para, pare, pára, chega, basta, silêncio, quieto, cala a boca, cale-se, stop, cancela, cancelar, "
        "deixa, deixa pra lá, esquece"
    ),
)

_DUTCH = SmallWords(
    open=_words(
        "de het een mijn jouw zijn haar ons onze hun en of maar want omdat hoewel dat als indien zodat "
        "terwijl van naar voor met zonder bij tussen tijdens sinds wegens per heel erg elke ieder deze om "
        "te"
    ),
    leaning=_words(
        "in op aan uit over onder door na tot tegen is ben bent was waren heb hebt heeft hebben had kan kun "
        "kunnen zou wil willen wordt worden moet moeten mag zal ik jij je hij zij ze wij we u niet geen nog "
        "ook dan dus die dit er wie wat waar wanneer waarom hoe"
    ),
    fillers=_words("uh uhm eh ehm euh hm hmm mm mmm"),
    openers=_words("nou tja dus zeg"),
    asking=_words(
        "wat wie welke welk wanneer waar waarom waarheen hoe hoeveel is zijn kan kun kunt kunnen zou zal "
        "wil heb heeft mag moet"
    ),
    assents=_words(
        "mm-hm mhm ja jaja jep ok oké okay goed precies klopt juist mooi ah oh leuk zeker echt prima"
    ),
    stops=_phrases(
        "stop, hou op, houd op, stil, wees stil, stilte, genoeg, zo is het genoeg, hou je mond, ophouden, "
        "annuleer, laat maar"
    ),
)

LANGUAGES: Mapping[str, SmallWords] = MappingProxyType(
    {
        "en": _ENGLISH,
        "de": _GERMAN,
        "fr": _FRENCH,
        "es": _SPANISH,
        "it": _ITALIAN,
        "pt": _PORTUGUESE,
        "nl": _DUTCH,
    }
)
"""By ISO 639-1 code."""
