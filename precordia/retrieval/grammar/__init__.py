"""The grammar of clinical queries: what words ask for, as findings, numbers, people and times; for search and questions."""

from precordia.retrieval.grammar.leads import in_order, leads_in
from precordia.retrieval.grammar.numbers import named_in, size_in
from precordia.retrieval.grammar.reader import read_query, without_people
from precordia.retrieval.grammar.spelled_out import spelled_out
from precordia.retrieval.grammar.understood import Bound, Groups, Order, Understood, Wish

__all__ = [
    "Bound",
    "Groups",
    "Order",
    "Understood",
    "Wish",
    "in_order",
    "leads_in",
    "named_in",
    "read_query",
    "size_in",
    "spelled_out",
    "without_people",
]
