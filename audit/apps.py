from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = _("Audit")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Declare which entries the ledger makes about itself."""
        from audit.kinds import own, registry  # noqa: PLC0415  # translations are there only now

        registry.register(own.KINDS)
