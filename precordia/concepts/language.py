"""Which language a report is written in, told by the words of the vocabulary that only one language uses."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

from precordia.concepts.lexicon import TOKEN, expand, stem
from precordia.concepts.terms import read_table

LANGUAGES = ("en", "de", "sv")
"""English, German, Swedish; the first wins a tie."""

_FUNCTION_WORDS = {
    "en": "the this is are of with and or due be may consistent rhythm trace only requested",
    "de": "der die das und oder bei nach mit ohne kein nicht bericht unbestätigter ableitungen lagetyp sinusrhythmus ekg"
    " sinusbradykardie sinustachykardie",
    "sv": "och eller med vid såsom av ej kan sinusrytm vänster höger förlopp",
}


def language_of(text: str) -> str:
    """``"en"``, ``"de"`` or ``"sv"``.

    >>> language_of("sinusrhythmus lagetyp normal"), language_of("sinus rhythm. normal ecg."), language_of("sinusrytm")
    ('de', 'en', 'sv')
    """
    votes = Counter(
        _own_words().get(stem(match.group())) for match in TOKEN.finditer(text) if match.lastgroup == "word"
    )
    return max(LANGUAGES, key=lambda language: votes.get(language, 0))


@lru_cache(maxsize=1)
def _own_words() -> dict[str, str]:
    users: dict[str, set[str]] = {}
    for row in read_table("wording.tsv"):
        if row["language"] in LANGUAGES:
            for tokens in expand(row["wording"]):
                for token in tokens:
                    users.setdefault(token, set()).add(row["language"])
    for language, words in _FUNCTION_WORDS.items():
        for word in words.split():
            users[stem(word)] = {language}
    return {token: next(iter(languages)) for token, languages in users.items() if len(languages) == 1}
