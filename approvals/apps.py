from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ApprovalsConfig(AppConfig):
    name = "approvals"
    verbose_name = _("Approvals")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Be told when a policy version comes into force: `policies` knows nothing of proposals."""
        from approvals import reevaluation  # noqa: PLC0415  # models are not there before
        from policies.publishing import policy_activated  # noqa: PLC0415

        policy_activated.connect(reevaluation.wake_for_a_new_policy, dispatch_uid="reevaluation")
