from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ApprovalsConfig(AppConfig):
    name = "approvals"
    verbose_name = _("Approvals")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hand over what `policies` cannot ask for, because it knows nothing of proposals.

        Be told when a policy version comes into force, and tell which cards and channels there are. Roles are
        named on proposals. The database's functions are kept as they are here.
        """
        from approvals import entry_kinds  # noqa: PLC0415
        from approvals.api.http import idempotency  # noqa: PLC0415
        from approvals.cards import registry  # noqa: PLC0415
        from approvals.evaluation import conflicts  # noqa: PLC0415
        from approvals.evaluation.limits import room  # noqa: PLC0415
        from approvals.lifecycle import reevaluation  # noqa: PLC0415  # models are not there before
        from approvals.messaging import registry as channel_registry  # noqa: PLC0415
        from approvals.notices import channels  # noqa: PLC0415
        from approvals.people import held_roles  # noqa: PLC0415
        from approvals.presentation import evidence_files  # noqa: PLC0415
        from approvals.shipping import claimable  # noqa: PLC0415
        from audit.evidence import collectors  # noqa: PLC0415
        from audit.kinds import registry as ledger_kinds  # noqa: PLC0415
        from policies import card_kinds  # noqa: PLC0415
        from policies.publishing.publish import policy_activated  # noqa: PLC0415
        from policies.registry.kill_switches import switch_released  # noqa: PLC0415
        from policies.stored_functions import install_after_migrations  # noqa: PLC0415

        for signal in (policy_activated, switch_released):
            signal.connect(reevaluation.wake_for_a_new_policy, dispatch_uid="reevaluation")
        install_after_migrations(
            self,
            [conflicts.NEIGHBOURS, room.COUNT, idempotency.FIRST_ANSWER, held_roles.HELD, claimable.HOLD_TARGETS],
        )
        card_kinds.offer(registry.choices)
        channels.offer(channel_registry.channels)
        collectors.register("approvals", evidence_files.collect)
        ledger_kinds.register(entry_kinds.KINDS)
        _name_roles()


def _name_roles() -> None:
    """Tell where roles are named, so that none is taken away that somebody needs."""
    from approvals.models import Absence, Proposal, Timer  # noqa: PLC0415
    from policies.accounts import roles  # noqa: PLC0415

    roles.register(
        "proposals",
        _("proposals on which its people decide or decided"),
        lambda name: Proposal.objects.filter(deciding_roles__contains=[name]).exists(),
    )
    roles.register(
        "absences",
        _("absences in which it is lent"),
        lambda name: Absence.objects.filter(roles__contains=[name]).exists(),
    )
    roles.register(
        "timers",
        _("escalations of proposals that call it"),
        lambda name: Timer.objects.filter(role=name).exists(),
    )
