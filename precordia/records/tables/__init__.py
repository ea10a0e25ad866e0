"""Report tables that stand beside an archive, joined to its recordings by id."""

from precordia.records.tables.report_table import ReportTable

__all__ = ["ReportTable"]
