from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ApprovalsConfig(AppConfig):
    name = "approvals"
    verbose_name = _("Approvals")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hand over what `policies` cannot ask for, because it knows nothing of proposals.

        Be told when a policy version comes into force, and tell which cards there are. What time brings about
        is told to people.
        """
        from approvals.cards import registry  # noqa: PLC0415
        from approvals.lifecycle import escalation, reevaluation  # noqa: PLC0415  # models are not there before
        from approvals.notices import occasions  # noqa: PLC0415  # models are not there before
        from policies import card_kinds  # noqa: PLC0415
        from policies.publishing.publish import policy_activated  # noqa: PLC0415

        policy_activated.connect(reevaluation.wake_for_a_new_policy, dispatch_uid="reevaluation")
        card_kinds.offer(registry.choices)
        escalation.people_to_tell.connect(occasions.tell_of_time, dispatch_uid="notices")
