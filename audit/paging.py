"""Pages of long lists without counting millions of rows."""

from functools import cached_property
from typing import Any, Final

from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.http import HttpRequest

MOST_COUNTED: Final = 5_000


class CappedPaginator(Paginator[Any]):
    """Counts up to MOST_COUNTED rows. Further back one filters instead of paging."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, at most MOST_COUNTED."""
        return min(self._counted, MOST_COUNTED)

    @property
    def is_capped(self) -> bool:
        """Whether there are more rows than were counted."""
        return self._counted > MOST_COUNTED

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        # Without annotations and order, the database may stop as soon as it has seen enough.
        return int(rows.order_by().values("pk")[: MOST_COUNTED + 1].count())


class CappedChangeList(ChangeList):
    """A list that says how many rows it found only once, at its foot."""

    def get_results(self, request: HttpRequest) -> None:
        """Find this page's rows."""
        super().get_results(request)
        self.full_result_count = self.result_count
