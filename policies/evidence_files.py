"""Policy versions as files of evidence."""

from collections.abc import Iterator, Sequence

from audit import canonical
from audit.evidence.collectors import Data, EvidenceFile
from policies.models import PolicyVersion


def collect(subject: str, data: Sequence[Data]) -> Iterator[EvidenceFile]:
    """Yield each policy version that entries name by its digest."""
    digests = {each["policy_digest"] for each in data if isinstance(each.get("policy_digest"), str)}
    for version in PolicyVersion.objects.filter(digest__in=digests).order_by("number"):
        path = f"policies/version-{version.number}.json"
        yield EvidenceFile(path, canonical.encode(version.document), version.digest)
