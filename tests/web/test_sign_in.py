"""Signing in and out with a real browser, on a stage with authentication."""

import re

import pytest
from playwright.sync_api import expect

from tests.web.browser import Visit
from tests.web.fake_api import QUARANTINED, Backend
from tests.web.pool import EMAIL, SUB, Pool
from tests.web.test_states import image, open_page


@pytest.fixture
def pool(backend: Backend) -> Pool:
    backend.pool = Pool()
    return backend.pool


def sign_in(visit: Visit, address: str) -> None:
    visit.page.goto(address)
    visit.page.get_by_role("button", name="Sign in").click()
    expect(visit.page.get_by_text(EMAIL)).to_be_visible()
    expect(visit.page.locator(".skeleton")).to_have_count(0)


def test_the_page_requests_nothing_before_the_user_has_signed_in(
    screen: Visit, site: str, backend: Backend, pool: Pool
) -> None:
    screen.page.goto(site)
    expect(screen.page.get_by_role("heading", name="Sign in to see your photos")).to_be_visible()
    assert (backend.requests, pool.grants) == ([], [])
    screen.check("sign-in")


def test_a_user_signs_in_and_sees_photos(screen: Visit, site: str, pool: Pool) -> None:
    sign_in(screen, site)
    expect(screen.page.get_by_role("link", name="scene-")).not_to_have_count(0)
    assert pool.grants == ["authorization_code"]
    screen.check("signed-in")


def test_a_sign_in_returns_to_the_same_address(visit: Visit, site: str, pool: Pool) -> None:
    sign_in(visit, f"{site}?image={image(2)}")
    expect(visit.page.get_by_role("heading", name="scene-02.jpg")).to_be_visible()
    assert "code=" not in visit.page.url


def test_a_session_survives_a_reload_of_its_tab(visit: Visit, site: str, pool: Pool) -> None:
    sign_in(visit, site)
    visit.page.reload()
    expect(visit.page.get_by_text(EMAIL)).to_be_visible()
    assert pool.grants == ["authorization_code"]


def test_another_tab_has_no_session(visit: Visit, site: str, pool: Pool) -> None:
    sign_in(visit, site)
    other = visit.page.context.new_page()
    other.goto(site)
    expect(other.get_by_role("button", name="Sign in")).to_be_visible()
    stored = visit.page.evaluate("JSON.stringify([localStorage, document.cookie])")
    assert "token" not in stored


def test_signing_out_ends_the_session_in_the_tab_and_in_the_pool(
    visit: Visit, site: str, pool: Pool
) -> None:
    sign_in(visit, site)
    visit.page.get_by_role("button", name="Sign out").click()
    expect(visit.page.get_by_role("button", name="Sign in")).to_be_visible()
    assert pool.sign_outs == 1
    assert visit.page.evaluate("sessionStorage.length") == 0


def test_an_expiring_token_is_refreshed_once_for_all_requests(
    visit: Visit, site: str, pool: Pool
) -> None:
    pool.expires_in = 30  # s: less than the page's margin, so it is refreshed at once
    sign_in(visit, site)
    expect(visit.page.get_by_role("link", name="scene-")).not_to_have_count(0)
    assert pool.grants[0] == "authorization_code"
    assert set(pool.grants[1:]) == {"refresh_token"}
    assert len(pool.refresh_tokens) == 1


def test_a_user_whose_token_is_refused_has_to_sign_in_again(
    visit: Visit, site: str, pool: Pool
) -> None:
    sign_in(visit, site)
    pool.access_tokens.clear()
    visit.page.get_by_role("link", name="scene-").first.click()
    expect(visit.page.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_session_whose_refresh_is_refused_ends(visit: Visit, site: str, pool: Pool) -> None:
    sign_in(visit, site)
    pool.refresh_tokens.clear()
    expire = """() => {
        const tokens = JSON.parse(sessionStorage.getItem("darkroom-tokens"));
        sessionStorage.setItem("darkroom-tokens", JSON.stringify({ ...tokens, expires: 0 }));
    }"""
    visit.page.evaluate(expire)
    visit.page.get_by_role("link", name="scene-").first.click()
    expect(visit.page.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_code_of_another_sign_in_is_not_used(visit: Visit, site: str, pool: Pool) -> None:
    """Otherwise a link could sign a user in as its sender, who would then own their uploads."""
    visit.page.goto(f"{site}?code=theirs&state=theirs")
    expect(visit.page.get_by_text("This sign-in was not started here.")).to_be_visible()
    assert pool.grants == []
    assert "code=" not in visit.page.url


def test_the_reason_of_a_failed_sign_in_is_shown(visit: Visit, site: str, pool: Pool) -> None:
    pool.refusal = "User is disabled."
    visit.page.goto(site)
    visit.page.get_by_role("button", name="Sign in").click()
    expect(visit.page.get_by_text("User is disabled.")).to_be_visible()
    visit.page.get_by_role("button", name="Try again").click()
    expect(visit.page.get_by_role("button", name="Sign in")).to_be_visible()


def test_the_owner_of_a_photo_is_shown(
    visit: Visit, site: str, backend: Backend, pool: Pool
) -> None:
    backend.photos[2].owner, backend.photos[3].owner = SUB, "another-user"
    sign_in(visit, f"{site}?image={image(2)}")
    expect(visit.page.get_by_text("You", exact=True)).to_be_visible()
    open_page(visit, f"{site}?image={image(3)}")
    expect(visit.page.get_by_text("another-user", exact=True)).to_be_visible()


@pytest.mark.parametrize(("groups", "buttons"), [((), 0), (("operators",), 1)])
def test_only_an_operator_sees_the_release_button(
    visit: Visit, site: str, pool: Pool, groups: tuple[str, ...], buttons: int
) -> None:
    pool.groups = groups
    sign_in(visit, f"{site}?image={image(QUARANTINED)}")
    expect(visit.page.get_by_role("heading", name=re.compile("scene-"))).to_be_visible()
    expect(visit.page.get_by_role("button", name="Release")).to_have_count(buttons)


def test_an_injected_script_does_not_run(visit: Visit, site: str) -> None:
    """The browser enforces the policy, so the other tests show that the page complies with it."""
    visit.page.goto(site)
    injected = """() => new Promise((done) => {
        addEventListener("securitypolicyviolation", (event) => done(event.violatedDirective));
        const script = document.createElement("script");
        script.append("window.injected = true");
        document.head.append(script);
    })"""
    violated = visit.page.evaluate(injected)
    assert violated in ("script-src-elem", "require-trusted-types-for")
    assert visit.page.evaluate("window.injected") is None
    visit.console_errors.clear()  # the violation is expected
