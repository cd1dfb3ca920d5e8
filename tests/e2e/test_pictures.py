"""Pictures that are decoded in a child process, and pictures that end it, on MiniStack.

The unit tests run the same corpus without a function; these run the function from its zip.
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
"""The scans would take minutes: their child process is stopped after 8 s."""


def attempts(stack: Stack, image: str) -> int:
    """The attempts of ``resize`` at this image's upload, from the ledger."""
    answer = stack.client("dynamodb").query(
        TableName=stack.outputs.tables["ledger"],
        KeyConditionExpression="image = :image AND begins_with(claim, :service)",
        ExpressionAttributeValues={
            ":image": {"S": image},
            ":service": {"S": "resize/image.uploaded.v1/"},
        },
    )
    (claim,) = answer["Items"]
    return int(claim["attempts"]["N"])


def test_pictures_decoded_in_a_child_process_complete(ministack: Stack) -> None:
    keys = {form: f"child/picture.{form.lower()}" for form in ("WEBP", "HEIC", "AVIF", "TIFF")}
    with ministack.listening() as listener:
        for form, key in keys.items():
            ministack.upload(key, encoded(photo(1200, 800), form))
        notifications = listener.notifications(*keys.values())
    for form, key in keys.items():
        notification = notifications[key]
        assert (notification["status"], notification["format"]) == ("completed", form)
        assert [r["width"] for r in notification["renditions"]] == [256, 1024, 1200]


def test_hostile_pictures_fail_with_their_reason_and_harm_no_other_picture(
    ministack: Stack,
) -> None:
    with ministack.listening() as listener:
        for key, (original, _) in HOSTILE.items():
            ministack.upload(key, original)
        ministack.upload("hostile/good.webp", encoded(photo(300, 200), "WEBP"))
        failed = listener.notifications(*HOSTILE, "hostile/good.webp")
    good = failed.pop("hostile/good.webp")
    assert good["status"] == "completed"
    assert {key: failure["failure"]["reason"] for key, failure in failed.items()} == {
        key: reason for key, (_, reason) in HOSTILE.items()
    }
    images = [failure["image"] for failure in failed.values()]
    assert [ministack.objects(image) for image in images] == [[]] * len(HOSTILE)
    # if a function had died, there would be a second attempt and finally a dead letter
    assert {attempts(ministack, image) for image in (good["image"], *images)} == {1}
    assert [key for key in ministack.objects("dead-letters/") if "/resize/" in key] == []
