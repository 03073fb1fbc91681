"""Rule-based text normalisation for European Spanish: one spoken string for each written token."""

import re
from collections.abc import Sequence

_words = str.split


def _table(text: str) -> dict[str, str]:
    """Read a compact list of key=value items; an underscore stands for a space."""
    return {key: value.replace("_", " ") for key, value in (item.split("=") for item in text.split())}


SMALL = _words(
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete "
    "dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete "
    "veintiocho veintinueve",
)
TENS = _words("- - - treinta cuarenta cincuenta sesenta setenta ochenta noventa")
HUNDREDS = _words("- - dosc tresc cuatroc quin seisc setec ochoc novec")
ORDINALS = _words(
    "- primero segundo tercero cuarto quinto sexto séptimo octavo noveno décimo undécimo duodécimo decimotercero "
    "decimocuarto decimoquinto decimosexto decimoséptimo decimoctavo decimonoveno",
)
ORDINAL_TENS = _words("- - vig trig cuadrag quincuag sexag septuag octog nonag cent")
MONTHS = _words("- enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre")
CURRENCIES = _table("€=euro $=dólar £=libra")
UNITS = CURRENCIES | _table(
    "km=kilómetro m=metro cm=centímetro mm=milímetro kg=kilogramo g=gramo t=tonelada l=litro ml=mililitro ha=hectárea "
    "h=hora min=minuto s=segundo W=vatio kW=kilovatio V=voltio CV=caballo MB=megabyte GB=gigabyte °=grado",
)
PLURALS = {key: name + ("es" if name.endswith("r") else "s") for key, name in UNITS.items()}
MARKS = _table("%=por_ciento +=más &=y @=arroba")
ABBREVIATIONS = _table(
    "sr=señor sra=señora dr=doctor dra=doctora d=don dña=doña avda=avenida pza=plaza ud=usted pág=página págs=páginas "
    "núm=número tel=teléfono etc=etcétera aprox=aproximadamente art=artículo cap=capítulo vol=volumen izq=izquierda "
    "dcha=derecha sto=santo sta=santa feb=febrero abr=abril ago=agosto sept=septiembre oct=octubre nov=noviembre "
    "dic=diciembre lun=lunes vie=viernes ee=estados uu=unidos jj=juegos oo=olímpicos rr=recursos hh=humanos",
)
LETTERS = _table(
    "b=be c=ce d=de f=efe g=ge h=hache j=jota k=ka l=ele m=eme n=ene ñ=eñe p=pe q=cu r=erre s=ese t=te v=uve "
    "w=uve_doble x=equis y=i_griega z=zeta",
)
SECTIONS = _words("capítulo capítulos tomo volumen libro tema apartado anexo acto escena título artículo")
LETTER_HEADS = _words("letra rayos una de plan talla vitamina grupo")
PLAIN_WORDS = _words("a al con de del e el en la las los no o para por que se si u y")
ROMAN = re.compile(r"(?=[IVX])(X{0,3})(IX|IV|V?I{0,3})")
ROMAN_ONES = _words("- I II III IV V VI VII VIII IX")
PRONOUNCEABLE = re.compile(r"(?=...)(?:[^AEIOU]?[AEIOU][^AEIOU]?)+")
NUMBER = re.compile(r"\d{1,3}(?:\.\d{3})+|\d+")
DATE = re.compile(r"\d\d? (?:/ (?:0?[1-9]|1[0-2])(?: / (?:\d\d){1,2})?|- (?:0?[1-9]|1[0-2]) - \d{4})(?= [^/\d]|$)")
MONTH_PLACE = 2
PADDING = [""] * len("d/m/y")


def _feminine(noun: str) -> bool:
    """Guess whether a noun is feminine from its ending."""
    return noun.endswith(("a", "as", "ción", "dad")) and noun not in PLAIN_WORDS


def _below_thousand(number: int, one: str) -> str:
    """Spell 0 to 999; one is the wanted form of a final "uno"."""
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    words = SMALL[rest] if rest < len(SMALL) else TENS[tens] + (f" y {SMALL[ones]}" if ones else "")
    if words.endswith("uno"):
        words = "veintiún" if (words, one) == ("veintiuno", "un") else words.removesuffix("uno") + one
    if not hundreds:
        return words
    ending = "ientas" if one == "una" else "ientos"
    head = HUNDREDS[hundreds] + ending if hundreds > 1 else "ciento" if rest else "cien"
    return f"{head} {words}" if rest else head


def cardinal(number: int, one: str = "uno") -> str:
    """Spell a cardinal; one is "uno", "un" or "una"."""
    millions, below = divmod(number, 1_000_000)
    thousands, rest = divmod(below, 1000)
    if millions:
        head = "un millón" if millions == 1 else f"{cardinal(millions, 'un')} millones"
        return f"{head} {cardinal(below, one)}" if below else head
    if not thousands:
        return _below_thousand(rest, one)
    head = "mil" if thousands == 1 else f"{_below_thousand(thousands, one.replace('uno', 'un'))} mil"
    return f"{head} {_below_thousand(rest, one)}" if rest else head


def ordinal(number: int, *, feminine: bool = False) -> str:
    """Spell an ordinal from 1 to 100."""
    tens, ones = divmod(number, 10)
    words = [ORDINALS[number]] if number < len(ORDINALS) else [f"{ORDINAL_TENS[tens]}ésimo", ORDINALS[ones]]
    return " ".join(word[:-1] + "a" if feminine else word for word in words if word != "-")


def _date_place(words: Sequence[str], at: int) -> int:
    """Return the place of a token in a numeric date (0 is the day), or -1 outside dates."""
    matches = ((back, DATE.match(" ".join(words[at - back :]))) for back in reversed(range(len(PADDING))))
    return next((back for back, match in matches if match and back < len(match[0].split())), -1)


def _one_form(words: Sequence[str], at: int) -> str:
    """Choose "uno", "un" or "una" for a number from the words around it."""
    noun = UNITS.get(words[at + 1], words[at + 1])
    if _feminine(noun) or noun == ":" or words[at - 1] in {"la", "las"}:
        return "una"
    return "un" if noun.isalpha() and noun not in PLAIN_WORDS and words[at - 1] != "," else "uno"


def _number(words: Sequence[str], at: int) -> str | None:
    """Read numbers, months of numeric dates, full hours and amounts after a currency sign."""
    raw, before = words[at], words[at - 1]
    if not NUMBER.fullmatch(raw):
        return None
    value = int(raw.replace(".", ""))
    if _date_place(words, at) >= 0:
        return MONTHS[value] if _date_place(words, at) == MONTH_PLACE else cardinal(value)
    if (before, raw) == (":", "00"):
        return "" if words[at + 1] == "h" else "en punto"
    if before in CURRENCIES and not NUMBER.fullmatch(words[at - 2]):
        name = UNITS[before] if value == 1 else PLURALS[before]
        return f"{cardinal(value, 'una' if _feminine(name) else 'un')} {name}"
    return cardinal(value, _one_form(words, at))


def _ordinal(words: Sequence[str], at: int) -> str | None:
    """Read ordinals such as 2º, 3ª and 1er, and the sign nº."""
    match = re.fullmatch(r"([1-9]\d?|100)(º|ª|er)", words[at])
    if not match:
        return "número" if words[at] == "nº" else None
    spoken = ordinal(int(match[1]), feminine=match[2] == "ª")
    return spoken[:-1] if match[2] == "er" else spoken


def _unit(words: Sequence[str], at: int) -> str | None:
    """Read units and currencies after a number or a slash."""
    raw, before, earlier = words[at], words[at - 1], words[at - 2]
    if raw in UNITS and before == "/" and earlier in UNITS:
        return UNITS[raw]
    if raw in UNITS and (NUMBER.fullmatch(before) or (raw in CURRENCIES and before == "de")):
        return UNITS[raw] if before == "1" and earlier != "," else PLURALS[raw]
    return "celsius" if (before, raw) == ("°", "C") else None


def _mark(words: Sequence[str], at: int) -> str | None:
    """Read the marks that are spoken and silence the others."""
    raw, before, after = words[at], words[at - 1], words[at + 1]
    if raw.isalnum() or len(raw) > 1:
        return None
    if _date_place(words, at) >= 0:
        return "de"
    if NUMBER.fullmatch(before) and NUMBER.fullmatch(after) and after != "00":
        comma = "con" if words[at + 2] in CURRENCIES else "coma"
        return {",": comma, "-": "a", ".": "y", ":": "y"}.get(raw, "")
    if raw == "-" and after.isdigit() and before.islower():
        return "menos"
    return "por" if raw == "/" and before in UNITS and after in UNITS else MARKS.get(raw, "")


def _roman(words: Sequence[str], at: int) -> str | None:
    """Read roman numerals below forty as cardinals or ordinals."""
    match, before, after = ROMAN.fullmatch(words[at]), words[at - 1], words[at + 1]
    if not match or before in LETTER_HEADS:
        return None
    number = 10 * len(match[1]) + (ROMAN_ONES.index(match[2]) if match[2] else 0)
    if before.lower() in {"", "el", "la"} and after.istitle():
        return ordinal(number, feminine=_feminine(after))
    if number <= len(ROMAN_ONES) and (before.istitle() or before == "siglo") and before.lower() not in SECTIONS:
        return ordinal(number, feminine=_feminine(before) or before == "Isabel")
    return cardinal(number)


def _abbreviation(words: Sequence[str], at: int) -> str | None:
    """Expand abbreviations before a point and the eras a. C. and d. C."""
    raw, after = words[at], words[at + 1]
    if raw == "C" and (after == "/" or words[at - 2] in {"a", "d"}):
        return "calle" if after == "/" else "de cristo"
    if (after, words[at + 2]) == (".", "C") and raw in {"a", "d"}:
        return "antes" if raw == "a" else "después"
    return ABBREVIATIONS.get(raw.lower()) if after == "." else None


def _acronym(words: Sequence[str], at: int) -> str | None:
    """Spell initialisms, single consonants and names such as A1; leave pronounceable acronyms."""
    match = re.fullmatch(r"([A-ZÑ]+|[b-df-hj-np-tvwxz])(\d*)", words[at])
    if not match or words[at] == "Y" or PRONOUNCEABLE.fullmatch(words[at]):
        return None
    letters = [LETTERS.get(letter, letter) for letter in match[1].lower()]
    return " ".join([*letters, cardinal(int(match[2]))] if match[2] else letters)


def normalise(tokens: Sequence[str]) -> list[str]:
    """Return the spoken form of each token: "" when silent, the token itself when unchanged."""
    words = [*PADDING, *tokens, *PADDING]
    rules = (_ordinal, _unit, _number, _mark, _roman, _abbreviation, _acronym)
    return [
        next((text for rule in rules if (text := rule(words, at)) is not None), raw)
        for at, raw in enumerate(tokens, len(PADDING))
    ]
