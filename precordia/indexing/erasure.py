"""Erasure as a transaction over three tables and all that is derived from them: a journal that is written first.

The journal names what is to go by what says nothing of the patient: case ids, which are hashes, and digests of rows of the
reject table. Whoever opens the knowledge base next finishes what it says; it goes last, when every byte is gone.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Final

from precordia.indexing.journals import end_journal, read_journal, write_journal
from precordia.indexing.schema import Reject
from precordia.indexing.seals import digest_of

JOURNAL: Final = "erasure.json"
_FORMAT: Final = "precordia erasure"

LEARNED: Final = "judgement"
"""Folder of a knowledge base that keeps what was learned from its cases: it goes with any of them, and is made again."""


@dataclass(frozen=True)
class Erasure:
    """What was removed.

    Attributes:
        case_ids: The cases.
        n_rejects: Number of rows of the reject table.
    """

    case_ids: tuple[int, ...]
    n_rejects: int


@dataclass(frozen=True)
class Journal:
    """What an erasure that has begun must remove.

    Attributes:
        case_ids: The cases.
        rejects: Digests of rows of the reject table.
        salt: Of ``patient``.
        patient: Tells, of someone who names a patient, whether it is this one; tells nobody else who it is.
    """

    case_ids: tuple[int, ...]
    rejects: tuple[str, ...]
    salt: str
    patient: str

    @classmethod
    def of(cls, patient_key: str, case_ids: Iterable[int], rejects: Iterable[Reject]) -> Journal:
        """The journal of an erasure that is about to begin."""
        salt = secrets.token_hex(16)
        return cls(tuple(case_ids), tuple(sorted(map(digest_of_reject, rejects))), salt, _hidden(patient_key, salt))

    @classmethod
    def load(cls, path: Path) -> Journal | None:
        """The journal of a knowledge base in which an erasure is not finished, else None.

        Raises:
            DamageError: it is not what was written.
        """
        return read_journal(
            path / JOURNAL,
            _FORMAT,
            lambda values: cls(tuple(values["case_ids"]), tuple(values["rejects"]), values["salt"], values["patient"]),
            "a patient's erasure had begun and must be asked for again",
        )

    def save(self, path: Path) -> None:
        """Write it, durably: the erasure has begun."""
        write_journal(path / JOURNAL, _FORMAT, asdict(self))

    @staticmethod
    def clear(path: Path) -> None:
        """The erasure is done."""
        end_journal(path / JOURNAL)

    def is_of(self, patient_key: str) -> bool:
        """Whether it is this patient whom it removes."""
        return _hidden(patient_key, self.salt) == self.patient


def digest_of_reject(reject: Reject) -> str:
    """Names a row of the reject table without saying what is in it."""
    return digest_of(repr(astuple(reject)).encode())


def _hidden(patient_key: str, salt: str) -> str:
    return hashlib.sha256(f"{salt}|{patient_key}".encode()).hexdigest()
