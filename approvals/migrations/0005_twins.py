import re

from django.db import migrations, models

_DIGESTS = """
UPDATE approvals_proposal SET payload_digest = revision.digest
  FROM approvals_revision AS revision WHERE revision.id = approvals_proposal.revision_id"""

# Names as `policies.plain_text.name` keeps them: on one line, trimmed, in NFC, each once and in its place.
_NAME = r"normalize(btrim(regexp_replace({}, '\s+', ' ', 'g')), NFC)"
_NAMES = """
UPDATE approvals_proposal SET {column} = ARRAY(
    SELECT left(kept, {longest}) FROM (
        SELECT {name} AS kept, min(place) AS place
          FROM unnest({column}) WITH ORDINALITY AS named (raw, place) GROUP BY 1
    ) AS once WHERE kept <> '' ORDER BY place)
 WHERE EXISTS (SELECT FROM unnest({column}) AS raw WHERE raw <> {name})"""
_SHIPPED = """
INSERT INTO approvals_lastshipped (target, proposal_id, at)
SELECT DISTINCT ON (kept) kept, proposal_id, at
  FROM (SELECT left({name}, 200) AS kept, proposal_id, at FROM approvals_lastshipped
         WHERE target <> {name}) AS other
 ORDER BY kept, at DESC
    ON CONFLICT (target) DO UPDATE SET proposal_id = excluded.proposal_id, at = excluded.at
 WHERE approvals_lastshipped.at < excluded.at"""  # noqa: S608  # words of our own

# Such titles are refused now; those that are there already are kept with what was hidden written out.
_HIDDEN = "[\u200b\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"


def keep_names_in_one_spelling(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(_DIGESTS)
        for column, longest in (("targets", 200), ("tags", 80)):
            cursor.execute(_NAMES.format(column=column, longest=longest, name=_NAME.format("raw")))
        cursor.execute(_SHIPPED.format(name=_NAME.format("target")))
    rows = apps.get_model("approvals", "Proposal").objects
    for pk, title in rows.filter(title__regex=f"{_HIDDEN}|[\n\r\t\v\f\u0085\u2028\u2029]").values_list("pk", "title"):
        written = re.sub(_HIDDEN, lambda char: f"⟨U+{ord(char[0]):04X}⟩", " ".join(title.split()))
        rows.filter(pk=pk).update(title=written[:300])


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0004_currencies"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("policies", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="proposal",
            name="payload_digest",
            field=models.CharField(blank=True, editable=False, max_length=71, verbose_name="payload digest"),
        ),
        migrations.RunPython(keep_names_in_one_spelling, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="proposal",
            index=models.Index(
                condition=models.Q(("state__in", ("pending", "edited", "returned", "approved"))),
                fields=["payload_digest", "surface", "action"],
                name="proposal_live_twins",
            ),
        ),
    ]
