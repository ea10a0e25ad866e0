"""The grammar of clinical queries: what words ask for, as findings, numbers, people and times; for search and questions."""

from precordia.retrieval.grammar.reader import read_query
from precordia.retrieval.grammar.understood import Bound, Understood, Wish

__all__ = ["Bound", "Understood", "Wish", "read_query"]
