from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from core.routing.breaker import BreakerPolicy, CircuitBreaker

POLICY = BreakerPolicy(
    window=60, minimum_calls=3, failure_rate=0.5, open_for=30, longest_open=100, probe_deadline=20
)


def opened(now: float = 0.0) -> CircuitBreaker:
    breaker = CircuitBreaker(POLICY)
    for _ in range(3):
        breaker.failed(now)
    assert breaker.state(now) == "open"
    return breaker


def test_too_few_calls_never_open_it():
    breaker = CircuitBreaker(POLICY)
    breaker.failed(0.0)
    breaker.failed(1.0)
    assert breaker.state(1.0) == "closed"
    assert breaker.admits(1.0)


def test_failures_below_the_rate_do_not_open_it():
    breaker = CircuitBreaker(POLICY)
    for second in range(50):
        (breaker.failed if second % 3 == 2 else breaker.succeeded)(float(second))
        assert breaker.state(float(second)) == "closed"


def test_failures_outside_the_window_are_forgotten():
    breaker = CircuitBreaker(POLICY)
    for second in (0.0, 61.0, 122.0, 183.0):
        breaker.failed(second)
        assert breaker.state(second) == "closed"
    assert breaker.failures(183.0) == (1, 1)


def test_a_rare_failure_never_adds_up_over_a_lifetime():
    breaker = CircuitBreaker(POLICY)
    for call in range(2000):
        (breaker.failed if call % 100 == 99 else breaker.succeeded)(call * 5.0)
        assert breaker.state(call * 5.0) == "closed"


def test_it_opens_for_at_least_what_the_server_asks():
    breaker = CircuitBreaker(POLICY)
    for _ in range(3):
        breaker.failed(0.0, retry_after=45)
    assert breaker.state(44.9) == "open"
    assert breaker.state(45.0) == "half_open"


def test_half_open_lets_a_single_probe_through_and_its_success_closes():
    breaker = opened()
    assert not breaker.admits(29.9)
    assert breaker.admits(30.0)
    breaker.started(30.0)
    assert not breaker.admits(31.0)
    breaker.succeeded(31.0)
    assert breaker.state(31.0) == "closed"
    assert breaker.failures(31.0) == (0, 1)


def test_a_failed_probe_opens_again_for_longer_up_to_a_bound():
    breaker, now = opened(), 0.0
    for seconds in (30, 60, 100, 100):
        assert breaker.admits_at(now) == now + seconds
        now += seconds
        breaker.started(now)
        breaker.failed(now)


def test_a_hung_probe_does_not_hold_it_half_open_for_ever():
    breaker = opened()
    breaker.started(30.0)
    assert breaker.admits_at(40.0) == 50.0
    assert breaker.admits(50.0)


def test_a_probe_that_tells_nothing_frees_the_place():
    breaker = opened()
    breaker.started(30.0)
    breaker.released()
    assert breaker.state(31.0) == "half_open"
    assert breaker.admits(31.0)


def test_a_success_through_an_open_circuit_closes_it():
    breaker = opened()
    breaker.succeeded(5.0)
    assert breaker.state(5.0) == "closed"


def test_tripping_opens_at_once():
    breaker = CircuitBreaker(POLICY)
    breaker.trip(0.0, 60)
    assert breaker.state(59.0) == "open"
    assert breaker.admits(60.0)


class BreakerMachine(RuleBasedStateMachine):
    """Any order of calls, outcomes and pauses."""

    @initialize()
    def begin(self):
        self.breaker, self.now = CircuitBreaker(POLICY), 0.0
        self.probes = 0

    @rule(seconds=st.floats(0, 200))
    def time_passes(self, seconds):
        self.now += seconds

    @rule()
    def call_starts(self):
        admitted = self.breaker.admits(self.now)
        probing = self.breaker.state(self.now) == "half_open"
        self.breaker.started(self.now)
        if admitted and probing:
            assert not self.breaker.admits(self.now), "a second probe beside the first"

    @rule(retry_after=st.one_of(st.none(), st.floats(0, 500)))
    def call_fails(self, retry_after):
        was = self.breaker.state(self.now)
        self.breaker.failed(self.now, retry_after)
        assert self.breaker.state(self.now) != "half_open"
        assert was != "half_open" or self.breaker.state(self.now) == "open"

    @rule()
    def call_succeeds(self):
        self.breaker.succeeded(self.now)
        assert self.breaker.state(self.now) == "closed"

    @rule()
    def call_tells_nothing(self):
        was = self.breaker.state(self.now)
        self.breaker.released()
        assert self.breaker.state(self.now) == was

    @invariant()
    def it_always_admits_again(self):
        again = self.breaker.admits_at(self.now)
        assert self.now <= again <= self.now + 500
        assert self.breaker.admits(again)

    @invariant()
    def closed_admits_and_open_does_not(self):
        state = self.breaker.state(self.now)
        assert state != "closed" or self.breaker.admits(self.now)
        assert state != "open" or not self.breaker.admits(self.now)

    @invariant()
    def the_window_is_bounded_in_time(self):
        failed, calls = self.breaker.failures(self.now)
        assert 0 <= failed <= calls


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
