from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PoliciesConfig(AppConfig):
    name = "policies"
    verbose_name = _("Policies")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Keep the history of people and roles; bring evidence, kinds of ledger entries and stored functions."""
        from audit.evidence import collectors  # noqa: PLC0415
        from audit.kinds import registry  # noqa: PLC0415
        from policies import entry_kinds, evidence_files  # noqa: PLC0415
        from policies.accounts import access, live_keys  # noqa: PLC0415  # models are there only now
        from policies.publishing import current  # noqa: PLC0415
        from policies.stored_functions import install_after_migrations  # noqa: PLC0415

        access.connect()
        collectors.register("policies", evidence_files.collect)
        registry.register(entry_kinds.KINDS)
        install_after_migrations(self, [live_keys.LIVE_KEY, current.CURRENT, current.IN_FORCE])
