"""End to end on MiniStack: pictures that are decoded in a child, and those that end it.

The same corpus is proved on the picture work alone; here it is the real function from its zip.
"""

from tests.corpus import beginning, gif_bomb, scan_bomb, tiff_tile_bomb
from tests.e2e.stack import Stack
from tests.pictures import encoded, photo

HOSTILE = {
    "hostile/bomb.gif": (gif_bomb(65_535), "too-many-pixels"),
    "hostile/scans.jpg": (scan_bomb(10_000), "too-costly"),
    "hostile/half.heic": (beginning("HEIC", 50), "truncated"),
    "hostile/tile.tiff": (tiff_tile_bomb(), "corrupt"),
}
"""The scans take minutes: their child is stopped after eight seconds."""


def tries(stack: Stack, image: str) -> int:
    """How often ``resize`` was at work on this image's upload, by its row in the ledger."""
    rows = stack.client("dynamodb").query(
        TableName=stack.outputs.tables["ledger"],
        KeyConditionExpression="image = :image AND begins_with(claim, :service)",
        ExpressionAttributeValues={
            ":image": {"S": image},
            ":service": {"S": "resize/image.uploaded.v1/"},
        },
    )
    (row,) = rows["Items"]
    return int(row["attempts"]["N"])


def test_what_is_decoded_in_a_child_is_completed(ministack: Stack) -> None:
    keys = {form: f"child/picture.{form.lower()}" for form in ("WEBP", "HEIC", "AVIF", "TIFF")}
    with ministack.listening() as listener:
        for form, key in keys.items():
            ministack.upload(key, encoded(photo(1200, 800), form))
        told = listener.hear(*keys.values())
    for form, key in keys.items():
        assert (told[key]["status"], told[key]["format"]) == ("completed", form)
        assert [r["width"] for r in told[key]["renditions"]] == [256, 1024, 1200]


def test_hostile_pictures_fail_with_their_reason_and_take_nothing_with_them(
    ministack: Stack,
) -> None:
    with ministack.listening() as listener:
        for key, (original, _) in HOSTILE.items():
            ministack.upload(key, original)
        ministack.upload("hostile/good.webp", encoded(photo(300, 200), "WEBP"))
        told = listener.hear(*HOSTILE, "hostile/good.webp")
    good = told.pop("hostile/good.webp")
    assert good["status"] == "completed"
    assert {key: one["failure"]["reason"] for key, one in told.items()} == {
        key: reason for key, (_, reason) in HOSTILE.items()
    }
    assert [ministack.made(one["image"]) for one in told.values()] == [[]] * len(HOSTILE)
    # a function that had died would have left a second try, and in the end a dead letter
    assert {tries(ministack, one["image"]) for one in (good, *told.values())} == {1}
    assert [key for key in ministack.made("dead-letters/") if "/resize/" in key] == []
