"""Several processes that use one key, beside the simulator's own account of its limits, in virtual time."""

import asyncio
import math
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.simulator.limits import ModelLimits
from app.simulator.options import Limits
from core.catalogue import load_catalogue
from core.chat import RateLimits, ToldLimit
from core.providers.limit_headers import rate_limits
from core.routing.limits.allowance import Allowance
from core.routing.limits.files import LimitFile, LimitFiles
from core.routing.limits.queue import Place, Turns, wait_in_queue
from tests.core.routing.virtual_loop import run_virtually

PLANS = tuple(load_catalogue().find("groq", "openai/gpt-oss-20b").limits.values())
FREE = Limits(requests_per_minute=30, requests_per_day=1_000, tokens_per_minute=8_000, tokens_per_day=200_000)
SLOW = Limits(requests_per_minute=12, tokens_per_minute=8_000)


class Account:
    """As much of a provider as names whose limits are used."""

    account = "of this test"


class Crowd:
    """Processes on one folder.

    Attributes:
        dead: ids of those that are gone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 0.0
        self.dead: set[int] = set()
        self._last = 0

    def process(self, clock=None) -> tuple[LimitFile, int]:
        """A new one."""
        self._last += 1
        clock = clock or (lambda: self.now)
        files = LimitFiles(
            self.folder,
            clock=clock,
            wall=clock,
            is_alive=lambda process: process not in self.dead,
            process=self._last,
        )
        return files.of(Account(), "m"), self._last

    def at(self, seconds: float) -> float:
        """It is that time now."""
        self.now = seconds
        return seconds

    def allowance(self, plans=PLANS) -> Allowance:
        return Allowance(plans, self.process()[0])


@pytest.fixture
def crowd(tmp_path):
    return Crowd(tmp_path / "limits")


def headers(remaining: int, *, limit: int = 8_000, requests: int = 999) -> RateLimits:
    return RateLimits(
        limit_requests=1_000,
        remaining_requests=requests,
        reset_requests=(1_000 - requests) * 86.4,
        limit_tokens=limit,
        remaining_tokens=remaining,
        reset_tokens=(limit - remaining) / (limit / 60),
    )


def free(allowance: Allowance, now: float = 0.0) -> float:
    allowance.catch_up(now)
    return allowance.free(now)


def levels(allowance: Allowance, now: float = 0.0) -> dict[str, float]:
    return {level.kind: level.free for level in allowance.levels(now)}


def test_a_fresh_process_knows_the_limits_and_what_is_left_of_them(crowd):
    one = crowd.allowance()
    made = one.reserve(6_000, 0)
    one.reported(made, headers(2_000), 0)
    other = crowd.allowance()
    assert free(other) == 2_000
    assert other.largest == 8_000
    assert other.presumed == math.inf
    one.settle(made, 500, 0)
    assert free(other) == 7_500
    assert levels(other) == levels(one)


def test_what_one_process_has_set_aside_is_not_there_for_another(crowd):
    one, other = crowd.allowance(), crowd.allowance()
    one.reported(one.reserve(100, 0), headers(7_900), 0)
    held = other.reserve(6_000, crowd.at(60))
    assert free(one, 60) == 2_000
    other.release(held, 60)
    assert free(one, 60) == 8_000


def test_before_the_first_answer_others_are_kept_within_the_least_plan(crowd):
    one, other = crowd.allowance(), crowd.allowance()
    first = one.reserve(5_000, 0)
    other.catch_up(0)
    room = other.room(5_000, 0)
    assert room.wait == pytest.approx(15, abs=0.05)
    assert not room.told
    one.reported(first, headers(245_000, limit=250_000), crowd.at(0.2))
    other.catch_up(0.2)
    assert other.room(5_000, 0.2).wait == 0


def test_the_last_room_goes_to_one(crowd):
    one, other = crowd.allowance(), crowd.allowance()
    one.reported(one.reserve(100, 0), headers(7_900), 0)
    now = crowd.at(60)
    assert free(one, now) == free(other, now) == 8_000
    granted = []
    for allowance in (one, other):
        with allowance.exclusive(now):
            if allowance.room(5_000, now).wait == 0:
                granted.append(allowance.reserve(5_000, now))
    assert len(granted) == 1


def test_a_refusal_is_known_to_all(crowd):
    one, other = crowd.allowance(), crowd.allowance()
    one.reported(one.reserve(100, 0), headers(7_900), 0)
    one.refused(ToldLimit("tokens_per_day", 100_000, 97_050, 3_619), crowd.at(60))
    other.catch_up(60)
    assert other.room(3_619, 60).wait == pytest.approx(578.016, abs=0.1)


def test_whoever_has_waited_longest_anywhere_goes_first_while_it_is_there(crowd):
    one, other = crowd.allowance(), crowd.allowance()

    def wait(allowance, turn, tokens):
        allowance.catch_up(crowd.now)
        return pytest.approx(allowance.room(tokens, crowd.now, turn).wait, abs=0.05)

    one.reported(one.reserve(8_000, 0), headers(0), 0)
    one.join(1.0, 2_000, print)
    one.announce(crowd.at(1))
    assert wait(other, 2.0, 1_000) == 21.5
    assert wait(other, 0.5, 1_000) == 6.5
    assert wait(one, 1.0, 2_000) == 14
    crowd.at(5)
    assert wait(other, 2.0, 1_000) == 2.5  # it has not been heard of since
    one.announce(5)
    assert wait(other, 2.0, 1_000) == 17.5
    one.leave(1.0, print)
    one.announce(5)
    assert wait(other, 2.0, 1_000) == 2.5


def test_what_a_process_that_is_gone_had_under_way_counts_as_used_and_fills_up_again(crowd):
    one = crowd.allowance()
    file, gone = crowd.process()
    dying = Allowance(PLANS, file)
    one.reported(one.reserve(100, 0), headers(7_900), 0)
    dying.reserve(6_000, crowd.at(60))
    crowd.dead.add(gone)
    assert free(one, crowd.at(62)) == pytest.approx(2_000)
    assert free(one, crowd.at(77)) == pytest.approx(4_000)
    assert free(crowd.allowance(), crowd.at(120)) == 8_000


def test_a_process_that_is_stopped_holds_nothing_for_ever(crowd):
    one, stopped = crowd.allowance(), crowd.allowance()
    one.reported(one.reserve(100, 0), headers(7_900), 0)
    made = stopped.reserve(6_000, crowd.at(60))
    assert free(one, crowd.at(115)) == 2_000
    assert free(one, crowd.at(122)) == 2_000  # from here on it comes back
    assert free(one, crowd.at(137)) == pytest.approx(4_000)
    stopped.reported(made, headers(7_900), crowd.at(200))  # it is counted once
    stopped.settle(made, 0, 200)
    assert free(one, 200) == pytest.approx(8_000)


def test_a_limit_that_was_told_long_ago_keeps_no_large_call_from_asking(crowd):
    one = crowd.allowance()
    one.reported(one.reserve(100, 0), headers(7_900), 0)
    other = crowd.allowance()
    assert (free(other, crowd.at(3_000)), other.largest) == (8_000, 8_000)
    other = crowd.allowance()
    assert (free(other, crowd.at(4_000)), other.largest) == (8_000, math.inf)
    other.reported(other.reserve(20_000, 4_000), headers(230_000, limit=250_000), 4_000)
    assert (free(one, 4_000), one.largest) == (230_000, 250_000)


@pytest.mark.parametrize("plans", [(), PLANS])
def test_where_there_are_no_limits_no_file_is_touched(crowd, plans):
    allowance = crowd.allowance(plans)
    first, second = allowance.reserve(1_000, 0), allowance.reserve(1_000, 0)
    allowance.reported(first, None, 0)
    (file,) = crowd.folder.iterdir()
    file.unlink()
    allowance.settle(first, 10, 0)
    allowance.settle(second, 10, 0)
    third = allowance.reserve(1_000, crowd.at(1))
    allowance.catch_up(1)
    allowance.reported(third, None, 1)
    allowance.settle(third, 10, 1)
    assert list(crowd.folder.iterdir()) == []
    allowance.refused(ToldLimit("tokens_per_minute", 8_000, 6_000, 3_000), 1)  # there are some after all
    assert free(crowd.allowance(plans), 1) == 2_000


@dataclass(frozen=True)
class Call:
    pause: float  # seconds before it is asked for
    prompt: int
    cap: int
    written: float  # how much of the cap
    network: float  # seconds on the way, each way
    seconds: float  # from the headers to the end
    share: float  # the prompt, as part of what was estimated at most
    killed: str = ""  # where on its way its process is


CALLS = st.lists(
    st.builds(
        Call,
        st.floats(0, 100),
        st.integers(1, 4_000),
        st.integers(1, 4_000),
        st.floats(0, 1),
        st.floats(0.005, 0.3),
        st.floats(0.0, 5.0),
        st.floats(0.8, 1.0),
        st.sampled_from(["", "", "", "", "reserved", "sent", "told", "over"]),
    ),
    min_size=1,
    max_size=6,
)


class Killed(Exception):
    """The process is."""


@dataclass
class Play:
    """Processes before one strict server.

    Attributes:
        waits: seconds for which calls had no room.
    """

    crowd: Crowd
    limits: Limits
    waits: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = asyncio.get_running_loop().time
        self.server = ModelLimits(self.limits, self.clock, organization="org", model="m")

    async def live(self, calls: list[Call]) -> None:
        """One process after another, until all of the calls have been made: each but the last is killed."""
        left = list(calls)
        while left:
            file, process = self.crowd.process(self.clock)
            allowance, turns = Allowance([self.limits], file), Turns(self.clock)
            try:
                async with asyncio.TaskGroup() as group:
                    for call in tuple(left):
                        group.create_task(self._ask(allowance, turns, call, left))
            except* Killed:
                self.crowd.dead.add(process)
            file._usable = False

    async def _ask(self, allowance: Allowance, turns: Turns, call: Call, left: list[Call]) -> None:
        await asyncio.sleep(call.pause)
        left.remove(call)
        made = await self._admitted(allowance, turns.next(), call)
        self._die(allowance, call, "reserved")
        await asyncio.sleep(call.network)
        prompt = math.ceil(call.prompt * call.share)
        reservation = self.server.admit(prompt + call.cap)
        self._die(allowance, call, "sent")
        told = self.server.headers()
        await asyncio.sleep(call.network)
        allowance.reported(made, rate_limits(told), self.clock())
        self._die(allowance, call, "told")
        await asyncio.sleep(call.seconds)
        used = prompt + int(call.written * call.cap)
        self.server.settle(reservation, used)
        self._die(allowance, call, "over")
        await asyncio.sleep(call.network)
        allowance.settle(made, used, self.clock())

    async def _admitted(self, allowance: Allowance, turn: float, call: Call):
        tokens, began = call.prompt + call.cap, self.clock()
        while True:
            now = self.clock()
            with allowance.exclusive(now):
                if not (wait := allowance.room(tokens, now, turn).wait):
                    self.waits.append(now - began)
                    return allowance.reserve(tokens, now, doubt=call.prompt / 4)
            await wait_in_queue(Place(allowance, turn, tokens), wait, self.clock, asyncio.sleep)

    def _die(self, allowance: Allowance, call: Call, where: str) -> None:
        if call.killed == where:
            allowance._shared._usable = False  # it says nothing to anybody any more
            raise Killed


@settings(max_examples=60, deadline=None)
@given(st.lists(CALLS, min_size=2, max_size=4), st.sampled_from([FREE, SLOW]))
def test_no_interleaving_of_processes_and_their_deaths_is_ever_refused(processes, limits):
    async def play():
        with TemporaryDirectory() as folder:
            the = Play(Crowd(Path(folder)), limits)
            async with asyncio.TaskGroup() as group:
                for calls in processes:
                    group.create_task(the.live(calls))
            last, _ = the.crowd.process(the.clock)
            allowance = Allowance([limits], last)
            now = the.clock()
            allowance.catch_up(now)
            for kind, told in (("tokens_per_minute", the.server._tokens_per_minute),):
                if kind in allowance._count.buckets:
                    assert allowance._count.buckets[kind].used(now) + allowance._count.held >= told.used - 1

    run_virtually(play())


async def _ask_in_turn(the: Play, calls: int) -> None:
    await the.live([Call(0.5 * n, 300, 1_700, 0.1, 0.05, 0.5, 0.9) for n in range(calls)])


def test_nobody_starves_and_what_is_given_back_is_seen_by_those_who_wait_elsewhere(tmp_path):
    async def play():
        the = Play(Crowd(tmp_path), FREE)
        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(_ask_in_turn(the, 10))
        return the

    the = run_virtually(play())
    assert len(the.waits) == 40
    # 40 calls of about 440 tokens are 17,600: 8,000 at once, the others at 133 a second.
    assert max(the.waits) < 1.2 * (17_600 - 8_000) / 133
