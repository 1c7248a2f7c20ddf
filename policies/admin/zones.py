"""Time zones in forms."""

from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


def require_time_zone(name: str) -> None:
    """Raise ValidationError unless there is such a time zone."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        raise ValidationError(_("There is no time zone %s. An example is Europe/Berlin.") % name) from error
