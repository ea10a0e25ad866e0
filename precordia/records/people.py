"""Age and sex as files and tables of many countries write them: one table for every reader and for report tables."""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import datetime
from typing import Final

from precordia.core.recording import Sex

_MALE: Final = (
    "m male males man men boy masc masculine "  # English
    "mannlich maennlich mann herr junge knabe mannelijk jongen "  # German, Dutch
    "h homme garcon masculin "  # French
    "hombre varon nino masculino homem rapaz menino "  # Spanish, Portuguese
    "maschio maschile uomo ragazzo "  # Italian
    "mand dreng gutt mannlig kille pojke mies "  # Danish, Norwegian, Swedish, Finnish
    "mezczyzna muz 男 男性 男子 남 남성 男孩"  # Polish, Czech, Chinese, Japanese, Korean
)
_FEMALE: Final = (
    "f female females woman women girl fem feminine "
    "w weiblich frau madchen maedchen v vrouw vrouwelijk meisje "
    "femme fille feminin "
    "mujer femenino femenina nina mulher feminino feminina menina "
    "femmina femminile donna ragazza "
    "k kvinde pige kvinne kvinnelig jente kvinna flicka nainen "
    "kobieta zena 女 女性 女子 여 여성 女孩"
)
_YES: Final = {"true", "1", "1.0", "yes", "y"}
_NO: Final = {"false", "0", "0.0", "no", "n"}
_FLAGS: Final[dict[str, tuple[Sex, Sex]]] = {
    **dict.fromkeys(("male", "ismale"), ("M", "F")),
    **dict.fromkeys(("female", "isfemale"), ("F", "M")),
}
"""Columns that ask for one sex, letters only: what yes and no mean."""

_AGE: Final = re.compile(r"\s*+([>≥]?)=?\s*+(\d+(?:[.,]\d+)?)\s*+\+?\s*+-?\s*+([^\W\d_]*)")
_SHARES: Final = (
    (("mo", "mes", "mês", "mån", "må", "maan", "m", "个月", "個月", "月"), 12.0),
    (("stu", "std", "heu", "hor", "hou", "hr", "ore", "uur", "timm", "time", "h", "小时"), 365.25 * 24),
    (("sem", "set", "wee", "wk", "woc", "wo", "w", "uge", "uke", "vec", "周", "週"), 365.25 / 7),
    (("day", "dia", "día", "dag", "tag", "jou", "gio", "d", "t", "g", "天", "日"), 365.25),
)  # fmt: skip
"""Beginnings of the words for months, hours, weeks and days, and how many of them make a year."""
_YEARS: Final = ("jah", "jaa", "ja", "y", "a", "år", "岁", "歳")

_SOMEONE: Final = r"(?:patient(?:en|s)?|pat|pt|subject|person|paciente|paziente)?"
_WHO: Final = re.compile(
    rf"{_SOMEONE}(?:(?:full|first|last|given|family|middle|fore|sur|maiden|birth|nach|vor|familien|geburts)?names?|initial(?:s|en)"
    r"|nom(?:defamille)?|prenom|nombres?|apellidos?|cognome|nome|sobrenome|(?:voor|achter)?naam"
    r"|(?:home|street|postal)?address|street|adresse|anschrift|strasse|wohnort|direccion|indirizzo"
    r"|(?:mobile|cell|home)?(?:tele)?(?:phone|fon|fono)(?:number|nummer)?|mobile|handy(?:nummer)?|e?mail(?:address|adresse)?"
    r"|ssn|socialsecurity(?:number|no)?|(?:insurance|nhs)(?:number|no)|(?:kranken)?versicher(?:ten|ungs)nummer"
    r"|dateofbirth|birth(?:date|day)|dob|geb(?:urts)?(?:datum|tag)|datedenaissance|fechadenacimiento|datadinascita)"
)
"""Names of fields that hold who somebody is, letters only: the safe harbor's names, places, numbers and dates of birth."""

HIDDEN_AGE: Final = 90.0
"""What stands for ages that an archive hides: PTB-XL writes 300, MIMIC 300 to 311, HIPAA's safe harbor ">89"."""

OLDEST: Final = 120.0
"""Highest age believed, years."""


def parse_sex(text: object, field: str = "") -> Sex | None:
    """ "F" or "M" from a file's or a table's spelling, or None.

    Args:
        text: A word, a letter, or for a field that asks for one sex a truth value.
        field: The field's or column's name; "is_male" and "is_female" are understood.

    >>> parse_sex("Female"), parse_sex("Féminin"), parse_sex("女"), parse_sex("U"), parse_sex(True, "is_male")
    ('F', 'F', 'F', None, 'M')
    """
    word = _plain(text)
    if flag := _FLAGS.get("".join(filter(str.isalpha, _plain(field)))):
        return flag[0] if word in _YES else flag[1] if word in _NO else None
    return _SEX.get(word)


def tells_who(field: str) -> bool:
    """Whether a field of this name holds who somebody is: a name, an address, a number of theirs, a date of birth.

    Nothing needs these, so no reader keeps them; the patient's id is a field of its own.

    >>> tells_who("Patient_Last-Name"), tells_who("Geburtsdatum"), tells_who("file_name"), tells_who("ward")
    (True, True, False, False)
    """
    letters = "".join(filter(str.isalpha, _plain(field).replace("ß", "ss")))
    return _WHO.fullmatch(letters) is not None


def parse_age(text: object) -> float | None:
    """Age in years, or None when there is none.

    A number without a unit, or with an unknown one, is in years. Ages that archives hide ("300", ">89") become
    :data:`HIDDEN_AGE`. What stands for "not known" ("000Y", "999", "-1") and what is no age (a year of birth; see
    :func:`age_at`) is None.

    >>> parse_age("56"), parse_age("300"), parse_age("NaN"), parse_age("034Y"), parse_age("6 months"), parse_age("61 ans")
    (56.0, 90.0, None, 34.0, 0.5, 61.0)
    """
    match = _AGE.match(str(text).lower())
    if not match:
        return None
    more, digits, unit = match.groups()
    value = float(digits.replace(",", "."))
    if not math.isfinite(value) or (value == 0 and unit.startswith(_YEARS)) or unit == "j":
        return None  # "j" alone is Jahre or jours
    if not unit.startswith(_YEARS):
        value /= next((share for words, share in _SHARES if unit.startswith(words)), 1.0)
    if more and value >= 89:
        return HIDDEN_AGE
    if value > OLDEST:
        return HIDDEN_AGE if 300 <= value < 400 else None
    return value


def age_at(time: datetime | None, stated: object = None, born: datetime | None = None) -> float | None:
    """Age in years at the recording: as stated, else from the date or year of birth; None when neither tells.

    Args:
        time: When it was recorded.
        stated: What the file gives as age; a year of birth (1850 to 2100) is understood as one.
        born: The date of birth.

    >>> age_at(datetime(2021, 5, 10), born=datetime(1950, 1, 31)), age_at(datetime(2021, 5, 10), "1951")
    (71.0, 70.0)
    """
    age = parse_age(stated) if stated is not None else None
    if age is not None or time is None:
        return age
    year = re.fullmatch(r"\s*(\d{4})(?:\.0+)?\s*", str(stated))
    if year and 1850 <= int(year.group(1)) <= time.year:
        return _believed(float(time.year - int(year.group(1))))
    # 1 January 1900 and before is what databases put for "no date".
    if born is None or born.year < 1850 or (born.year, born.month, born.day) == (1900, 1, 1) or born > time:
        return None
    days = (time - born).days
    if days < 2 * 365:
        return round(days / 365.25, 2)
    return _believed(float(time.year - born.year - ((time.month, time.day) < (born.month, born.day))))


def _believed(age: float) -> float | None:
    return age if age <= OLDEST else None


def _plain(text: object) -> str:
    """Lower case without accents, points and white space around."""
    letters = unicodedata.normalize("NFKD", str(text).casefold().replace("ø", "o").replace("æ", "ae"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).strip(" .\t\"'")


_SEX: Final[dict[str, Sex]] = {
    **dict.fromkeys(map(_plain, _MALE.split()), "M"),
    **dict.fromkeys(map(_plain, _FEMALE.split()), "F"),
}
