"""The ledger in the standard layout: from the hashes alone the root that was signed can be rebuilt."""

import hashlib

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from audit import published
from audit.ledger import keys, merkle
from audit.ledger.notes import Note, TreeHead
from tests.audit.ledger.log import grow, signed


@pytest.fixture
def reader(db):
    """A browser of somebody who may read the ledger."""
    user = User.objects.create_user("reader", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_entry"))
    client = Client()
    client.force_login(user)
    return client


def get(path, client=None):
    return (client or Client()).get(f"/ledger/{path}")


@pytest.mark.django_db
def test_the_signed_root_follows_from_the_tiles_alone():
    signed(300)
    answer = get("checkpoint")
    assert (answer.status_code, answer["Content-Type"], answer["Cache-Control"]) == (
        200, "text/plain; charset=utf-8", "no-cache",
    )  # fmt: skip
    note = Note.parse(answer.content.decode())
    head = TreeHead.parse(note.text)
    assert note.verified(keys.verifier_keys(head.origin))
    whole, partial = get("tile/0/000"), get("tile/0/001.p/44")
    assert "immutable" in whole["Cache-Control"]
    data = whole.content + partial.content
    hashes = [data[at : at + 32] for at in range(0, len(data), 32)]
    assert (len(hashes), merkle.root_of(hashes)) == (300, head.root)
    assert get("tile/1/000.p/1").content == merkle.root_of(hashes[:256])


@pytest.mark.django_db
def test_entries_are_for_who_may_read_the_ledger(reader):
    signed(3)
    assert get("tile/entries/000.p/3").status_code == 404
    answer = get("tile/entries/000.p/3", reader)
    assert answer["Cache-Control"] == "private, no-store"
    data, leaves = answer.content, []
    while data:
        length = int.from_bytes(data[:2], "big")
        leaves.append(data[2 : 2 + length])
        data = data[2 + length :]
    assert b"".join(hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves) == get("tile/0/000.p/3").content
    assert b"ann" not in answer.content, "names are committed to and not told"


@pytest.mark.django_db
def test_before_the_first_checkpoint_there_is_nothing():
    grow(3)
    assert get("checkpoint").status_code == 404
    assert get("tile/0/000.p/3").status_code == 404, "only what is signed is published"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        "0/000", "0/000.p/0", "0/000.p/256", "0/000.p/9", "0/000.p/03", "0/001.p/1", "1/000", "8/000.p/1", "00/000.p/3",
        "0/0", "0/x000/000.p/3", "0/000.p/3/", "entries/000", "0/x001/000", "0/٠٠٠.p/3", "-1/000", "",
    ],
)  # fmt: skip
def test_there_are_no_other_tiles(path, reader):
    signed(5)
    assert get(f"tile/{path}", reader).status_code == 404


@pytest.mark.parametrize(
    ("index", "path"), [(0, "000"), (7, "007"), (999, "999"), (1000, "x001/000"), (1234067, "x001/x234/067")]
)
def test_numbers_are_written_in_groups(index, path):
    assert published.tile_path(index) == path


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_it_is_only_read(method):
    assert getattr(Client(), method)("/ledger/checkpoint").status_code == 405
