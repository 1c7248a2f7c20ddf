from django.db import migrations


def create(apps, schema_editor):
    apps.get_model("policies", "KillSwitch").objects.get_or_create(scope="everywhere")


class Migration(migrations.Migration):
    """The kill switch for everything exists from the start: a claim ships nothing without its row."""

    dependencies = [("policies", "0001_initial")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
