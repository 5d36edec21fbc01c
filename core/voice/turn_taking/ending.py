"""How a turn ends: closing, finishing, and what becomes of its text."""

from __future__ import annotations

from core.voice.turn_taking.backchannel import is_filler, is_stop
from core.voice.turn_taking.endpoint import Verdict, done_or_wait
from core.voice.turn_taking.floor import Floor
from core.voice.turn_taking.open_turn import OpenTurn

__all__ = ("close", "finish", "settle", "speculate")

_WAITS_FOR_SURE = 1.0
"""A verdict of this is an unfinished sentence: an answer to it would be thrown away."""


def close(floor: Floor, turn: OpenTurn) -> None:
    """It is silent: wait as long as the words ask for, then finish.

    Called again when the words are known, and when the time is up.
    """
    if not turn.final_asked:
        floor.ask_final(turn, max(floor.voicing.heard_until, turn.since))
    closes_at = _closes_at(floor, turn)
    if closes_at is not None and _silent_until(floor) >= closes_at:
        finish(floor, turn, decided=floor.now, until=max(floor.voicing.heard_until, turn.since))
    else:
        floor.go("closing", closes_at)


def finish(floor: Floor, turn: OpenTurn, *, decided: float, until: float) -> None:
    """The turn is over: settle it, or wait for its transcript."""
    turn.decided = decided
    turn.until = until
    if not _enough(floor, turn):
        floor.discard("nothing was said" if turn.keyed else "")
        floor.rest()
    elif turn.text is not None:
        settle(floor, turn)
    else:
        if turn.failed:
            floor.revise(turn)
            turn.decided, turn.until = decided, until
        if not turn.final_asked:
            floor.ask_final(turn, until)
        floor.go("transcribing")


def settle(floor: Floor, turn: OpenTurn) -> None:
    """The turn is over and its text is there: commit it, unless it is nothing to answer."""
    text = turn.text or ""
    if not text:
        floor.discard("nothing was understood")
    elif not turn.keyed and _nothing_meant(floor, turn, text):
        floor.discard()
    else:
        send = _sends(floor, turn)
        if not turn.keyed and floor.loop_breaker.looping(text):
            floor.loop_breaker.reset()
            floor.hands_free = send = False
            floor.notice("Hands-free is paused: the last turns were all alike, as when it hears itself.")
        floor.commit(turn, text, send=send)
        if send:
            floor.go("thinking")
            return
    floor.rest()


def speculate(floor: Floor, turn: OpenTurn) -> None:
    """Ask for the answer early, where the text is there and may well be all."""
    policy = floor.policy
    text = turn.text
    if not (policy.speculate and text and text != turn.speculation) or turn.keyed:
        return
    if turn.speculated >= policy.speculations or not _sends(floor, turn):
        return
    if _verdict(floor, text).wait < _WAITS_FOR_SURE and not _nothing_meant(floor, turn, text):
        floor.speculate(turn, text)


def _verdict(floor: Floor, text: str) -> Verdict:
    return done_or_wait(text, floor.language)


def _closes_at(floor: Floor, turn: OpenTurn) -> float | None:
    """When silence ends the turn: late while the words are unknown, never while it is held open."""
    if turn.held_open:
        return None
    if turn.text is None:
        wait = 1.0
    elif turn.interrupted and is_stop(turn.text, floor.language):
        wait = 0.0
    else:
        wait = _verdict(floor, turn.text).wait
    return turn.spoke_until + max(floor.policy.endpoint_silence, floor.patience.wait(wait))


def _silent_until(floor: Floor) -> float:
    """How long it is known to have been silent: by frames, or by the clock when frames stay away."""
    return max(floor.voicing.heard_until, floor.now - floor.policy.frames_late)


def _enough(floor: Floor, turn: OpenTurn) -> bool:
    """Whether there is speech enough to transcribe; without any frame nobody knows."""
    if not turn.keyed:
        least = floor.policy.min_speech_over if turn.interrupted else floor.policy.min_speech
        return turn.voiced >= least
    return turn.voiced >= floor.policy.min_speech_keyed or floor.voicing.heard_until < turn.started


def _nothing_meant(floor: Floor, turn: OpenTurn, text: str) -> bool:
    """The text is an echo of the answer, a mere "um", or a "stop" that has done its work."""
    if floor.echo.echoes(text, begun=turn.started) or is_filler(text, floor.language):
        return True
    return turn.interrupted and is_stop(text, floor.language)


def _sends(floor: Floor, turn: OpenTurn) -> bool:
    if floor.policy.auto_send == "hold":
        return turn.send_now or turn.held or not turn.keyed
    return floor.policy.auto_send == "always"
