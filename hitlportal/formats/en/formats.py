"""Time formats of Django's own pages: the day first, twenty-four hours."""

from typing import Final

DATE_FORMAT: Final = "j M Y"
DATETIME_FORMAT: Final = "j M Y, H:i"
TIME_FORMAT: Final = "H:i"
MONTH_DAY_FORMAT: Final = "j M"
