import pytest

BEARER = {"Authorization": "Bearer hp_0123456789abcdef"}
PAGES = ["/", "/admin/", "/admin/login/", "/accounts/login/", "/accounts/logout/", "/healthz", "/nowhere/"]


@pytest.fixture
def page(client):
    return client.get("/accounts/login/")


@pytest.mark.django_db
def test_pages_run_nothing_but_the_portals_own_files(page):
    policy = dict(part.split(" ", 1) for part in page["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'self'",
        "object-src": "'none'",
        "base-uri": "'self'",
        "frame-ancestors": "'none'",
        "form-action": "'self'",
    }


@pytest.mark.django_db
def test_the_sign_in_page_needs_nothing_inline(page):
    html = page.content.decode()
    assert "<style" not in html
    assert "style=" not in html
    assert not [part for part in html.split("<script")[1:] if " src=" not in part.split(">")[0]]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ],
)
def test_security_headers(page, header, value):
    assert page[header] == value


@pytest.mark.django_db
def test_no_page_needs_a_device(page):
    assert {"camera=()", "microphone=()", "geolocation=()"} <= set(page["Permissions-Policy"].split(", "))


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "head", "options"])
@pytest.mark.parametrize("path", PAGES)
def test_agent_keys_are_refused_outside_the_api(admin_client, path, method):
    response = getattr(admin_client, method)(path, headers=BEARER)
    assert response.status_code == 403
    assert response["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", " Bearer"])
def test_the_scheme_is_recognised_however_it_is_written(client, scheme):
    assert client.get("/healthz", headers={"Authorization": f"{scheme} key"}).status_code == 403


@pytest.mark.parametrize("authorization", ["", "Basic dXNlcjpwYXNz", "Bearing north"])
def test_other_schemes_pass(client, authorization):
    assert client.get("/healthz", headers={"Authorization": authorization}).status_code == 200


@pytest.mark.parametrize("path", ["/apiary/", "/API/v1/", "//api/v1/"])
def test_only_the_api_itself_takes_agent_keys(client, path):
    assert client.get(path, headers=BEARER).status_code == 403


CALL = "/api/v1/proposals/"
SHARED = (
    "Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy", "Permissions-Policy",
    "Cross-Origin-Opener-Policy", "Content-Language", "Content-Length",
)  # fmt: skip


@pytest.mark.django_db
def test_a_call_with_a_key_has_the_headers_of_every_answer(client, page):
    answer = client.get(CALL, headers=BEARER)
    assert answer.status_code == 401
    assert {name: answer[name] for name in SHARED[:-1]} == {name: page[name] for name in SHARED[:-1]}
    assert int(answer["Content-Length"]) == len(answer.content)


@pytest.mark.django_db
def test_a_call_with_a_key_asks_for_no_session(admin_client, django_assert_num_queries):
    with django_assert_num_queries(0):  # not even this key's: it has not the form of one
        answer = admin_client.get(CALL, headers=BEARER)
    assert answer.status_code == 401


@pytest.mark.django_db
def test_a_call_without_a_key_is_a_persons(admin_client):
    assert admin_client.get(CALL).status_code == 200


@pytest.mark.django_db
def test_what_is_not_there_is_not_found_with_a_key_either(client):
    assert client.get("/api/v1/nowhere/", headers=BEARER).status_code == 404
