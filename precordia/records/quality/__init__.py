"""How far a recording can be trusted: one file an idea, put together by :func:`assess`."""

from precordia.records.quality.assessment import assess

__all__ = ["assess"]
