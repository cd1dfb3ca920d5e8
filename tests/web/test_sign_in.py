"""Signing in and out, done by a real browser, where the stage asks who calls."""

import re

import pytest
from playwright.sync_api import expect

from tests.web.browser import Visit
from tests.web.fake_api import QUARANTINED, World
from tests.web.pool import EMAIL, SUB, Pool
from tests.web.test_states import image, loaded


@pytest.fixture
def pool(world: World) -> Pool:
    world.pool = Pool()
    return world.pool


def sign_in(visit: Visit, address: str) -> None:
    visit.page.goto(address)
    visit.page.get_by_role("button", name="Sign in").click()
    expect(visit.page.get_by_text(EMAIL)).to_be_visible()
    expect(visit.page.locator(".skeleton")).to_have_count(0)


def test_nothing_is_asked_of_the_api_before_somebody_signed_in(
    seen: Visit, site: str, world: World, pool: Pool
) -> None:
    seen.page.goto(site)
    expect(seen.page.get_by_role("heading", name="Sign in to see your photos")).to_be_visible()
    assert (world.asked, pool.grants) == ([], [])
    seen.look("sign-in")


def test_somebody_signs_in_and_sees_photos(seen: Visit, site: str, pool: Pool) -> None:
    sign_in(seen, site)
    expect(seen.page.get_by_role("link", name="scene-")).not_to_have_count(0)
    assert pool.grants == ["authorization_code"]
    seen.look("signed-in")


def test_who_signs_in_comes_back_to_where_they_were(visit: Visit, site: str, pool: Pool) -> None:
    sign_in(visit, f"{site}?image={image(2)}")
    expect(visit.page.get_by_role("heading", name="scene-02.jpg")).to_be_visible()
    assert "code=" not in visit.page.url


def test_a_reload_keeps_the_session_of_the_tab(visit: Visit, site: str, pool: Pool) -> None:
    sign_in(visit, site)
    visit.page.reload()
    expect(visit.page.get_by_text(EMAIL)).to_be_visible()
    assert pool.grants == ["authorization_code"]


def test_another_tab_knows_nothing_of_it(visit: Visit, site: str, pool: Pool) -> None:
    sign_in(visit, site)
    other = visit.page.context.new_page()
    other.goto(site)
    expect(other.get_by_role("button", name="Sign in")).to_be_visible()
    stored = visit.page.evaluate("JSON.stringify([localStorage, document.cookie])")
    assert "token" not in stored


def test_signing_out_forgets_everything_here_and_there(visit: Visit, site: str, pool: Pool) -> None:
    sign_in(visit, site)
    visit.page.get_by_role("button", name="Sign out").click()
    expect(visit.page.get_by_role("button", name="Sign in")).to_be_visible()
    assert pool.left == 1
    assert visit.page.evaluate("sessionStorage.length") == 0


def test_a_token_about_to_end_is_exchanged_once_for_all_requests(
    visit: Visit, site: str, pool: Pool
) -> None:
    pool.lasts = 30  # s: less than the page's margin, so used up as soon as it is there
    sign_in(visit, site)
    expect(visit.page.get_by_role("link", name="scene-")).not_to_have_count(0)
    assert pool.grants[0] == "authorization_code"
    assert set(pool.grants[1:]) == {"refresh_token"}
    assert len(pool.refreshing) == 1


def test_who_is_not_taken_any_more_is_asked_to_sign_in_anew(
    visit: Visit, site: str, pool: Pool
) -> None:
    sign_in(visit, site)
    pool.taken.clear()
    visit.page.get_by_role("link", name="scene-").first.click()
    expect(visit.page.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_session_whose_refresh_is_refused_ends(visit: Visit, site: str, pool: Pool) -> None:
    sign_in(visit, site)
    pool.refreshing.clear()
    aged = """() => {
        const kept = JSON.parse(sessionStorage.getItem("darkroom-tokens"));
        sessionStorage.setItem("darkroom-tokens", JSON.stringify({ ...kept, expires: 0 }));
    }"""
    visit.page.evaluate(aged)
    visit.page.get_by_role("link", name="scene-").first.click()
    expect(visit.page.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_code_that_somebody_else_began_is_not_used(visit: Visit, site: str, pool: Pool) -> None:
    """Else a link could sign one in as another, whose pictures one's own would then be."""
    visit.page.goto(f"{site}?code=theirs&state=theirs")
    expect(visit.page.get_by_text("This sign-in was not begun here.")).to_be_visible()
    assert pool.grants == []
    assert "code=" not in visit.page.url


def test_why_a_sign_in_failed_is_told(visit: Visit, site: str, pool: Pool) -> None:
    pool.refusal = "User is disabled."
    visit.page.goto(site)
    visit.page.get_by_role("button", name="Sign in").click()
    expect(visit.page.get_by_text("User is disabled.")).to_be_visible()
    visit.page.get_by_role("button", name="Try again").click()
    expect(visit.page.get_by_role("button", name="Sign in")).to_be_visible()


def test_ones_own_photo_says_so(visit: Visit, site: str, world: World, pool: Pool) -> None:
    world.photos[2].owner, world.photos[3].owner = SUB, "somebody-else"
    sign_in(visit, f"{site}?image={image(2)}")
    expect(visit.page.get_by_text("You", exact=True)).to_be_visible()
    loaded(visit, f"{site}?image={image(3)}")
    expect(visit.page.get_by_text("somebody-else", exact=True)).to_be_visible()


@pytest.mark.parametrize(("groups", "buttons"), [((), 0), (("operators",), 1)])
def test_only_an_operator_is_offered_to_release(
    visit: Visit, site: str, pool: Pool, groups: tuple[str, ...], buttons: int
) -> None:
    pool.groups = groups
    sign_in(visit, f"{site}?image={image(QUARANTINED)}")
    expect(visit.page.get_by_role("heading", name=re.compile("scene-"))).to_be_visible()
    expect(visit.page.get_by_role("button", name="Release")).to_have_count(buttons)


def test_a_script_of_anybody_elses_does_not_run(visit: Visit, site: str) -> None:
    """The header is there, and the browser holds to it: else no other test would show a thing."""
    visit.page.goto(site)
    injected = """() => new Promise((done) => {
        addEventListener("securitypolicyviolation", (one) => done(one.violatedDirective));
        const script = document.createElement("script");
        script.append("window.injected = true");
        document.head.append(script);
    })"""
    violated = visit.page.evaluate(injected)
    assert violated in ("script-src-elem", "require-trusted-types-for")
    assert visit.page.evaluate("window.injected") is None
    visit.complaints.clear()  # that one was meant
