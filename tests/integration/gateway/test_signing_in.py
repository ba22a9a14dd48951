"""The way in: guesses are slowed wherever they are sent, and nobody learns who has an account."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import eventlet
import pyotp
import pytest

from gateway.audit.trail import Origin
from gateway.identity import operations, tokens
from gateway.sign_in import second_factor, settings, store
from gateway.sign_in.entrance import TICKET_SECONDS, Entrance
from services.common import keys
from services.common.clock import FixedClock
from services.common.config import Settings
from services.common.db import Database
from services.common.errors import Conflict, CreditError, TooManyRequests, Unauthenticated
from tests.integration.gateway.conftest import Begin

HERE = Origin("10.0.0.1", "test", "trace")
PASSWORD = "a long enough password"
Open = Callable[[], Entrance]


@pytest.fixture
def open_entrance(database: Database, clock: FixedClock, tmp_path: Path) -> Iterator[Open]:
    """Call it for the entrance of another gateway process on the same database."""
    keys.make_missing_keys(tmp_path)
    url = database.engine.url.render_as_string(hide_password=False)
    opened: list[Database] = []

    def make() -> Entrance:
        opened.append(Database(url, database.metadata, name="gateway", clock=clock))
        return Entrance(opened[-1], Settings(keys_dir=tmp_path))

    yield make
    for each in opened:
        each.dispose()


@pytest.fixture
def entrance(open_entrance: Open) -> Entrance:
    return open_entrance()


@pytest.fixture
def people(begin: Begin) -> list[str]:
    """Some people, all with the same password."""
    hashed = tokens.hash_password(PASSWORD)
    names = [f"person{number}" for number in range(6)]
    with begin() as work:
        for name in names:
            person = {"username": name, "name": name, "email": None, "department": None, "roles": ["finance"]}
            operations.create_user(work, person, hashed)
    return names


def _refusal(function: Callable[..., Any], *arguments: Any) -> CreditError:
    with pytest.raises(CreditError) as caught:
        function(*arguments)
    return caught.value


def _guess(entrance: Entrance, name: str, origin: Origin = HERE) -> CreditError:
    return _refusal(entrance.sign_in, name, "a wrong guess", origin)


def test_a_wrong_password_and_an_unknown_name_are_answered_alike(
    entrance: Entrance, people: list[str]
) -> None:
    def answer(name: str) -> tuple[dict[str, Any], float]:
        began = time.perf_counter()
        refusal = _guess(entrance, name)
        return refusal.to_dict(), time.perf_counter() - began

    known = [answer(name) for name in people]
    unknown = [answer(f"nobody{number}") for number in range(len(people))]
    assert {str(told) for told, _ in known} == {str(told) for told, _ in unknown}
    slow, fast = (statistics.median(seconds for _, seconds in told) for told in (known, unknown))
    assert 1 / 3 < slow / fast < 3, "the password's hash is computed either way"


def test_each_further_failure_costs_twice_the_wait(
    entrance: Entrance, people: list[str], clock: FixedClock
) -> None:
    for _ in range(3):
        assert isinstance(_guess(entrance, people[0]), Unauthenticated)
    for wait in (2, 4, 8, 16):
        assert isinstance(_guess(entrance, people[0]), Unauthenticated)
        assert isinstance(_guess(entrance, people[0]), TooManyRequests)
        clock.advance(timedelta(seconds=wait - 0.5))
        refusal = _refusal(entrance.sign_in, people[0], PASSWORD, HERE)
        assert refusal.data["retry_after"] == 1, "the right password waits as well, or guesses would go on"
        clock.advance(timedelta(seconds=0.6))
    assert "access_token" in entrance.sign_in(people[0], PASSWORD, HERE)
    assert isinstance(_guess(entrance, people[0]), Unauthenticated), "who was right begins anew"


def test_a_wait_outlives_a_restart_and_holds_in_every_replica(
    open_entrance: Open, people: list[str], clock: FixedClock
) -> None:
    first, second = open_entrance(), open_entrance()
    for place in range(4):
        _guess((first, second)[place % 2], people[0])
    for entrance in (first, second, open_entrance()):
        assert isinstance(_refusal(entrance.sign_in, people[0], PASSWORD, HERE), TooManyRequests)
    assert "access_token" in first.sign_in(people[1], PASSWORD, HERE), "others are not concerned"


def test_guesses_sent_together_to_several_replicas_are_counted_one_by_one(
    open_entrance: Open, people: list[str]
) -> None:
    replicas = [open_entrance() for _ in range(3)]
    sent = [eventlet.spawn(_guess, replicas[place % 3], people[0]) for place in range(30)]
    answers = [green.wait() for green in sent]
    assert sum(isinstance(answer, Unauthenticated) for answer in answers) == 4


def test_somebody_who_is_right_many_times_at_once_gets_in_each_time(
    entrance: Entrance, people: list[str]
) -> None:
    sent = [eventlet.spawn(entrance.sign_in, people[0], PASSWORD, HERE) for _ in range(15)]
    assert all("access_token" in green.wait() for green in sent)


def test_many_accounts_from_one_address_are_slowed_and_one_good_sign_in_pardons_none(
    entrance: Entrance, people: list[str]
) -> None:
    for number in range(30):
        assert isinstance(_guess(entrance, f"name{number}"), Unauthenticated)
    assert "access_token" in entrance.sign_in(people[0], PASSWORD, HERE)
    assert isinstance(_guess(entrance, "name30"), Unauthenticated)
    assert isinstance(_guess(entrance, "name31"), TooManyRequests)
    elsewhere = HERE._replace(address="10.0.0.2")
    assert isinstance(_guess(entrance, "name31", elsewhere), Unauthenticated)


# --- the second factor -----------------------------------------------------------------------------------


@pytest.fixture
def app(entrance: Entrance, people: list[str], begin: Begin, clock: FixedClock) -> pyotp.TOTP:
    """The app of the first of the people, whose second factor is in force."""
    with begin() as work:
        user = operations.get_user(work, people[0])
        secret = second_factor.enrol(work, user, entrance.seal)["secret"]
        app = pyotp.TOTP(secret)
        assert second_factor.confirm(work, user, app.at(clock.now()), entrance.seal)
    clock.advance(timedelta(seconds=60))
    return app


def test_a_code_follows_the_password(
    entrance: Entrance, app: pyotp.TOTP, people: list[str], clock: FixedClock
) -> None:
    answer = entrance.sign_in(people[0], PASSWORD, HERE)
    assert answer["second_factor"] == "confirmed"
    assert "access_token" not in answer
    assert _refusal(entrance.second_step, answer["ticket"], "000000", HERE).code == "code_wrong"
    signed_in = entrance.second_step(answer["ticket"], app.at(clock.now()), HERE)
    assert "access_token" in signed_in


def test_a_ticket_is_no_access_token(entrance: Entrance, app: pyotp.TOTP, people: list[str]) -> None:
    ticket = entrance.sign_in(people[0], PASSWORD, HERE)["ticket"]
    assert entrance.session_of(ticket) is None
    token = entrance.sign_in(people[1], PASSWORD, HERE)["access_token"]
    assert _refusal(entrance.second_step, token, "123456", HERE).code == "ticket_invalid"


def test_a_code_counts_once_and_only_near_its_time(
    entrance: Entrance, app: pyotp.TOTP, people: list[str], clock: FixedClock
) -> None:
    ticket = entrance.sign_in(people[0], PASSWORD, HERE)["ticket"]
    code = app.at(clock.now())
    old, early = (app.at(clock.now() + timedelta(seconds=away)) for away in (-60, 60))
    for wrong in (old, early):
        assert _refusal(entrance.second_step, ticket, wrong, HERE).code == "code_wrong"
    assert "access_token" in entrance.second_step(ticket, code, HERE)
    assert _refusal(entrance.second_step, ticket, code, HERE).code == "code_wrong"


def test_codes_cannot_be_guessed_by_someone_who_knows_the_password(
    entrance: Entrance, app: pyotp.TOTP, people: list[str]
) -> None:
    refusals = []
    for number in range(8):
        ticket = entrance.sign_in(people[0], PASSWORD, HERE)["ticket"]
        refusals.append(_refusal(entrance.second_step, ticket, f"00000{number}", HERE))
    assert sum(isinstance(refusal, Unauthenticated) for refusal in refusals) == 4


def test_a_ticket_runs_out_and_ends_with_the_password(
    entrance: Entrance, app: pyotp.TOTP, people: list[str], begin: Begin, clock: FixedClock
) -> None:
    late = entrance.sign_in(people[0], PASSWORD, HERE)["ticket"]
    clock.advance(timedelta(seconds=TICKET_SECONDS))
    assert _refusal(entrance.second_step, late, app.at(clock.now()), HERE).code == "ticket_invalid"
    ticket = entrance.sign_in(people[0], PASSWORD, HERE)["ticket"]
    with begin() as work:
        user = operations.get_user(work, people[0])
        store.save_password(work, user["id"], tokens.hash_password("another long password"))
    code = app.at(clock.now())
    assert _refusal(entrance.second_step, ticket, code, HERE).code == "ticket_invalid"


def test_a_recovery_code_counts_once(
    entrance: Entrance, app: pyotp.TOTP, people: list[str], begin: Begin
) -> None:
    with begin() as work:
        codes = second_factor.new_recovery_codes(work, operations.get_user(work, people[0]))
    assert len(set(codes)) == 10
    ticket = entrance.sign_in(people[0], PASSWORD, HERE)["ticket"]
    assert "access_token" in entrance.second_step(ticket, codes[3].upper(), HERE)
    assert _refusal(entrance.second_step, ticket, codes[3], HERE).code == "code_wrong"


def test_two_who_use_one_code_at_once_get_one_session(
    open_entrance: Open, entrance: Entrance, app: pyotp.TOTP, people: list[str], clock: FixedClock
) -> None:
    ticket = entrance.sign_in(people[0], PASSWORD, HERE)["ticket"]
    other = open_entrance()

    def use(who: Entrance) -> bool:
        try:
            return "access_token" in who.second_step(ticket, app.at(clock.now()), HERE)
        except CreditError:
            return False

    assert sum(green.wait() for green in [eventlet.spawn(use, who) for who in (entrance, other)]) == 1


def test_a_role_can_need_a_second_factor(
    entrance: Entrance, people: list[str], begin: Begin, clock: FixedClock
) -> None:
    before = entrance.sign_in(people[0], PASSWORD, HERE)
    with begin() as work:
        settings.change(work, {"second_factor_roles": ["finance"]})
    refusal = _refusal(entrance.refresh, before["refresh_token"], HERE)
    assert refusal.code == "second_factor_needed"
    answer = entrance.sign_in(people[0], PASSWORD, HERE)
    assert answer["second_factor"] == "needed"
    assert _refusal(entrance.second_step, answer["ticket"], "123456", HERE).code == "ticket_for_another_step"
    enrolled = entrance.enrol(answer["ticket"], HERE)
    assert enrolled["otpauth_uri"].startswith("otpauth://totp/")
    app = pyotp.TOTP(enrolled["secret"])
    assert _refusal(entrance.confirm, answer["ticket"], "000000", HERE).code == "code_wrong"
    signed_in = entrance.confirm(answer["ticket"], app.at(clock.now()), HERE)
    assert len(signed_in["recovery_codes"]) == 10
    assert "access_token" in entrance.refresh(signed_in["refresh_token"], HERE)
    with begin() as work, pytest.raises(Conflict):
        second_factor.remove(work, operations.get_user(work, people[0]))


def test_a_secret_is_sealed_where_it_lies(
    entrance: Entrance, app: pyotp.TOTP, people: list[str], begin: Begin
) -> None:
    with begin() as work:
        kept = store.second_factor(work, operations.get_user(work, people[0])["id"])
    assert kept is not None
    assert app.secret not in str(kept)
    assert entrance.seal.open(kept["secret"]) == app.secret


# --- refresh tokens --------------------------------------------------------------------------------------


def test_a_refresh_token_is_used_once_and_its_copy_ends_the_whole_family(
    entrance: Entrance, people: list[str]
) -> None:
    first = entrance.sign_in(people[0], PASSWORD, HERE)["refresh_token"]
    second = entrance.refresh(first, HERE)["refresh_token"]
    third = entrance.refresh(second, HERE)["refresh_token"]
    assert _refusal(entrance.refresh, first, HERE).code == "refresh_token_reused"
    assert _refusal(entrance.refresh, third, HERE).code == "session_ended"


def test_of_two_who_use_a_refresh_token_at_once_one_ends_the_session(
    open_entrance: Open, people: list[str]
) -> None:
    replicas = [open_entrance(), open_entrance()]
    token = replicas[0].sign_in(people[0], PASSWORD, HERE)["refresh_token"]

    def use(who: Entrance) -> str:
        try:
            return str(who.refresh(token, HERE)["refresh_token"])
        except CreditError as refusal:
            return refusal.code

    codes = [green.wait() for green in [eventlet.spawn(use, who) for who in replicas]]
    assert "refresh_token_reused" in codes
    (new,) = [code for code in codes if "." in code]
    assert _refusal(replicas[0].refresh, new, HERE).code == "session_ended"


@pytest.mark.parametrize("token", ["", "nonsense", "a.b", f"{'0' * 8}-0000-0000-0000-{'0' * 12}.x"])
def test_what_is_no_refresh_token_is_refused(entrance: Entrance, token: str) -> None:
    assert _refusal(entrance.refresh, token, HERE).code == "session_ended"
