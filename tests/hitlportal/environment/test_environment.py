from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from django.core.exceptions import ImproperlyConfigured

from hitlportal.environment import environment
from hitlportal.environment.reader import SECRET_NAMES

PEM = serialization.Encoding.PEM


@pytest.fixture
def complete():
    return {
        "SECRET_KEY": "k" * 64,
        "ALLOWED_HOSTS": "portal.example.com",
        "SITE_URL": "https://portal.example.com/",
        "TRUST_X_FORWARDED_PROTO": "true",
        "GRANT_SIGNING_KEY": environment.new_signing_key(),
        "LEDGER_SIGNING_KEY": environment.new_signing_key(),
        "DATABASE_URL": "postgres://portal@db.internal/portal",
    }


def read(source, var):
    return environment.read(source, default_var=var)


def problems(source, var):
    with pytest.raises(ImproperlyConfigured) as refused:
        read(source, var)
    return str(refused.value)


def public_pem():
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def test_an_empty_environment_is_refused_and_everything_missing_is_told(tmp_path):
    told = problems({}, tmp_path)
    keys = ("SECRET_KEY", "GRANT_SIGNING_KEY", "LEDGER_SIGNING_KEY")
    for name in (*keys, "ALLOWED_HOSTS", "SITE_URL", "HTTPS", "DATABASE_URL"):
        assert f"- {name}" in told
    assert "DEBUG=true" in told
    assert list(tmp_path.iterdir()) == [], "nothing is generated when DEBUG is off"


def test_a_complete_environment_is_read(complete, tmp_path):
    found = read(complete, tmp_path)
    assert (found.debug, found.is_https, found.site_url) == (False, True, "https://portal.example.com")
    assert (found.agent_rate_per_minute, found.time_zone) == (1200, "UTC")
    assert found.outbound_allowed_networks == []


@pytest.mark.parametrize(
    "missing",
    ["SECRET_KEY", "ALLOWED_HOSTS", "SITE_URL", "GRANT_SIGNING_KEY", "LEDGER_SIGNING_KEY", "DATABASE_URL"],
)
def test_each_missing_setting_is_named(complete, tmp_path, missing):
    del complete[missing]
    assert f"- {missing} is missing" in problems(complete, tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param({"SITE_URL": "http://portal.example.com"}, "SITE_URL must begin", id="http"),
        pytest.param({"SITE_URL": "portal.example.com"}, "is no address", id="no-scheme"),
        pytest.param({"SITE_URL": "https://other.example.com"}, "not among ALLOWED_HOSTS", id="other-host"),
        pytest.param({"TRUST_X_FORWARDED_PROTO": "false"}, "HTTPS is not set up", id="no-tls"),
        pytest.param({"TRUST_X_FORWARDED_PROTO": "perhaps"}, "say true or false", id="neither"),
        pytest.param({"TLS_CERTIFICATE": "/nowhere/c.pem"}, "belong together", id="half-tls"),
        pytest.param({"ALLOWED_HOSTS": "*"}, "admits any", id="any-host"),
        pytest.param({"SECRET_KEY": "short"}, "SECRET_KEY is too short", id="short-key"),
        pytest.param({"GRANT_SIGNING_KEY": "nonsense"}, "GRANT_SIGNING_KEY is not a PEM private key", id="no-pem"),
        pytest.param({"LEDGER_SIGNING_KEY": "nonsense"}, "LEDGER_SIGNING_KEY is not a PEM", id="no-ledger-pem"),
        pytest.param({"LEDGER_RETIRED_KEYS": "nonsense"}, "LEDGER_RETIRED_KEYS holds", id="no-retired-ledger-pem"),
        pytest.param({"GRANT_RETIRED_KEYS": "nonsense"}, "no PEM public key", id="no-public-pem"),
        pytest.param({"PORT": "80000"}, "PORT: say a whole number", id="port"),
        pytest.param({"AGENT_RATE_PER_MINUTE": "0"}, "AGENT_RATE_PER_MINUTE", id="rate"),
        pytest.param({"OUTBOUND_ALLOWED_NETWORKS": "10.0.0.1/8"}, "OUTBOUND_ALLOWED", id="network"),
        pytest.param({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL", id="level"),
        pytest.param({"TIME_ZONE": "Mars/Olympus"}, "TIME_ZONE", id="zone"),
        pytest.param({"DATABASE_URL": "sqlite:///x.db"}, "DATABASE_URL", id="sqlite"),
        pytest.param({"EMBEDDED_DATABASE": "yes"}, "EMBEDDED_DATABASE: say accept", id="half-accepted"),
        pytest.param({"REDIS_URL": "http://localhost"}, "REDIS_URL", id="redis"),
        pytest.param({"EMAIL_URL": "nonsense"}, "EMAIL_URL", id="email"),
        pytest.param({"LLM_BASE_URL": "https://llm.example.com/v1"}, "belong together", id="no-model"),
        pytest.param({"LLM_MODEL": "some-model"}, "belong together", id="no-endpoint"),
        pytest.param({"LLM_API_KEY": "key"}, "without LLM_BASE_URL", id="key-alone"),
        pytest.param(
            {"LLM_BASE_URL": "ftp://llm.example.com", "LLM_MODEL": "m"}, "LLM_BASE_URL is no", id="llm-scheme"
        ),
        pytest.param(
            {"LLM_BASE_URL": "https://u:p@example.com", "LLM_MODEL": "m"}, "LLM_BASE_URL is no", id="llm-user"
        ),
        pytest.param({"LLM_BASE_URL": "https://host:port", "LLM_MODEL": "m"}, "LLM_BASE_URL is no", id="llm-port"),
    ],
)
def test_wrong_values_are_told(complete, tmp_path, change, told):
    assert told in problems({**complete, **change}, tmp_path)


@pytest.mark.parametrize("written", [str, lambda pem: pem.replace("\n", "\\n"), lambda pem: f"\n{pem}\n\n"])
def test_grants_and_the_ledger_have_keys_of_their_own(complete, tmp_path, written):
    complete["LEDGER_SIGNING_KEY"] = written(complete["GRANT_SIGNING_KEY"])
    assert "LEDGER_SIGNING_KEY is the key of GRANT_SIGNING_KEY" in problems(complete, tmp_path)


def test_the_embedded_database_in_production_has_to_be_accepted(complete, tmp_path):
    del complete["DATABASE_URL"]
    assert "EMBEDDED_DATABASE=accept" in problems(complete, tmp_path)
    assert read({**complete, "EMBEDDED_DATABASE": "accept"}, tmp_path).database_url == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "localhost"])
def test_a_trial_listens_on_this_machine(tmp_path, host):
    assert read({"DEBUG": "true", "HOST": host}, tmp_path).host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "::ffff:10.0.0.1", "portal.example.com", "127.1"])
def test_a_trial_that_listens_to_others_is_refused(complete, tmp_path, host):
    assert "HOST: with DEBUG=true" in problems({"DEBUG": "true", "HOST": host}, tmp_path)
    assert read({**complete, "HOST": host}, tmp_path).host == host


def test_a_signing_key_of_another_kind_is_refused(complete, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    assert "not an Ed25519 key" in problems({**complete, "GRANT_SIGNING_KEY": pem.decode()}, tmp_path)


def test_retired_keys_are_split(complete, tmp_path):
    pems = [public_pem(), public_pem()]
    assert read({**complete, "GRANT_RETIRED_KEYS": "".join(pems)}, tmp_path).grant_retired_keys == pems


def test_keys_may_be_written_on_one_line(complete, tmp_path):
    pem = complete["GRANT_SIGNING_KEY"]
    source = {**complete, "GRANT_SIGNING_KEY": pem.replace("\n", "\\n")}
    assert read(source, tmp_path).grant_signing_key.strip() == pem.strip()


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_every_secret_may_come_from_a_file(complete, tmp_path, name):
    values = {
        **complete,
        "DATABASE_URL": "postgres://postgres@localhost/portal",
        "REDIS_URL": "redis://localhost/1",
        "EMAIL_URL": "smtp://localhost:25",
        "GRANT_RETIRED_KEYS": public_pem(),
        "SECRET_KEY_FALLBACKS": "old",
        "LEDGER_RETIRED_KEYS": public_pem(),
        "LLM_BASE_URL": "http://localhost:8080/v1",
        "LLM_MODEL": "some-model",
        "LLM_API_KEY": "key",
        "METRICS_TOKEN": "m" * 32,
        "OIDC_ISSUER": "https://id.example.com",
        "OIDC_CLIENT_ID": "portal",
        "OIDC_CLIENT_SECRET": "secret",
        "COMMAND_CODE": "123456",
        "COMMAND_PASSWORD": "a long enough password",
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_SIGNING_SECRET": "secret",
    }
    file = tmp_path / "secret"
    file.write_text(values[name] + "\n")
    from_file = {**values, f"{name}_FILE": str(file)}
    del from_file[name]
    assert read(from_file, tmp_path) == read(values, tmp_path)


def test_an_empty_secret_file_is_refused(complete, tmp_path):
    (tmp_path / "secret").write_text("\n")
    del complete["SECRET_KEY"]
    assert "is empty" in problems({**complete, "SECRET_KEY_FILE": str(tmp_path / "secret")}, tmp_path)


def test_a_missing_secret_file_is_refused(complete, tmp_path):
    told = problems({**complete, "REDIS_URL_FILE": str(tmp_path / "absent")}, tmp_path)
    assert "REDIS_URL_FILE: cannot read" in told


def test_a_secret_and_its_file_together_are_refused(complete, tmp_path):
    (tmp_path / "secret").write_text("k" * 64)
    told = problems({**complete, "SECRET_KEY_FILE": str(tmp_path / "secret")}, tmp_path)
    assert "SECRET_KEY and SECRET_KEY_FILE are both set" in told


def test_a_trial_makes_its_secrets_once_and_keeps_them_private(tmp_path):
    first, second = (read({"DEBUG": "true"}, tmp_path) for _ in range(2))
    assert first == second
    assert len(first.secret_key) > 50
    for name in ("secret_key", "grant_signing_key"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_two_trials_have_different_secrets(tmp_path):
    keys = {read({"DEBUG": "true"}, Path(tmp_path / name)).secret_key for name in "ab"}
    assert len(keys) == 2


OIDC = {
    "OIDC_ISSUER": "https://id.example.com/realms/staff",
    "OIDC_CLIENT_ID": "portal",
    "OIDC_CLIENT_SECRET": "secret",
}


def test_an_identity_provider_is_read_with_its_groups(complete, tmp_path):
    groups = {"OIDC_GROUP_MAP": "hitl-legal=Legal, CN=leads=Team lead", "OIDC_NAME": "Staff sign-in"}
    found = read({**complete, **OIDC, **groups}, tmp_path).sign_in.oidc
    assert found.group_map == {"hitl-legal": "Legal", "CN=leads": "Team lead"}
    assert (found.name, found.groups_claim, found.admits_unmapped) == ("Staff sign-in", "groups", False)


def test_groups_with_commas_are_read_from_json(complete, tmp_path):
    text = '{"CN=legal,OU=Groups,DC=corp": "Legal", " CN=leads,DC=corp ": "Team lead"}'
    found = read({**complete, **OIDC, "OIDC_GROUP_MAP": text}, tmp_path).sign_in.oidc
    assert found.group_map == {"CN=legal,OU=Groups,DC=corp": "Legal", "CN=leads,DC=corp": "Team lead"}


def test_without_one_none_is_offered(complete, tmp_path):
    found = read(complete, tmp_path).sign_in
    assert (found.oidc, found.require_second_factor) == (None, frozenset())


@pytest.mark.parametrize(("changes", "told"), [
    ({"OIDC_CLIENT_SECRET": ""}, "OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET belong together"),
    ({"OIDC_ISSUER": "http://id.example.com"}, "OIDC_ISSUER is no address"),
    ({"OIDC_ISSUER": "https://id.example.com/?x=1"}, "OIDC_ISSUER is no address"),
    ({"OIDC_GROUP_MAP": "hitl-legal"}, "'hitl-legal' is no pair"),
    ({"OIDC_GROUP_MAP": "a=Legal;b=Finance"}, "'a=Legal;b=Finance' is no pair"),
    ({"OIDC_GROUP_MAP": "a==Legal"}, "'a==Legal' is no pair"),
    ({"OIDC_GROUP_MAP": "a=Legal,a=Finance"}, "'a' stands there twice"),
    ({"OIDC_GROUP_MAP": "CN=legal,OU=Groups,DC=corp=Legal"}, '{"CN=legal,OU=Groups,DC=corp": "Legal"}'),
    ({"OIDC_GROUP_MAP": "CN=legal,OU=Groups,DC=corp=Legal"}, "'CN=legal' looks like a piece of a distinguished name"),
    ({"OIDC_GROUP_MAP": "hitl-legal=Legal, cn=a, ou=b=Finance"}, "'cn=a' looks like a piece"),
    ({"OIDC_GROUP_MAP": "2.5.4.3=legal,DC=corp=Legal"}, "'2.5.4.3=legal' looks like a piece"),
    ({"OIDC_GROUP_MAP": "Doe\\, Jane=Legal"}, "looks like a piece"),
    ({"OIDC_GROUP_MAP": '{"a": "Legal", "a": "Finance"}'}, "'a' stands there twice"),
    ({"OIDC_GROUP_MAP": '{"a": ["Legal"]}'}, "no JSON object of groups and roles, such as"),
    ({"OIDC_GROUP_MAP": '{"a": ""}'}, "no JSON object of groups and roles"),
    ({"OIDC_GROUP_MAP": '[["a", "Legal"]]'}, "no JSON object of groups and roles"),
    ({"OIDC_GROUP_MAP": '{"a": {"b": "Legal"}}'}, "no JSON object of groups and roles"),
    ({"OIDC_GROUP_MAP": '{"a": "Legal"'}, "no JSON object of groups and roles"),
    ({"OIDC_GROUP_MAP": "{" * 5000}, "no JSON object of groups and roles"),
    ({"OIDC_UNMAPPED": "maybe"}, "say refuse or admit"),
    ({"REQUIRE_SECOND_FACTOR": "signature,everything"}, "not everything"),
    ({"METRICS_TOKEN": "short"}, "METRICS_TOKEN is too short"),
])  # fmt: skip
def test_what_is_wrong_with_signing_in_is_told(complete, tmp_path, changes, told):
    assert told in problems({**complete, **OIDC, **changes}, tmp_path)


def test_slack_needs_both_its_secrets(complete, tmp_path):
    assert "belong together" in problems({**complete, "SLACK_BOT_TOKEN": "xoxb-1"}, tmp_path)
    assert read(complete, tmp_path).slack_api_url == "https://slack.com/api/"
    own = {**complete, "SLACK_API_URL": "https://slack-gov.com/api"}
    assert read(own, tmp_path).slack_api_url == "https://slack-gov.com/api/"
    assert "SLACK_API_URL must begin with" in problems({**complete, "SLACK_API_URL": "ftp://slack.com"}, tmp_path)
