"""How patient and how forward the turn machine is; every default says why it is what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ("AutoSend", "TurnPolicy")

AutoSend = Literal["hold", "always", "never"]


@dataclass(frozen=True, slots=True)
class TurnPolicy:
    """What the user may set, then the figures behind turn-taking; times in seconds.

    Attributes:
        patience: silence after which an unfinished sentence is taken as finished, hands-free.
        barge_in: speaking interrupts the answer that is read aloud.
        auto_send: send without a further key: after holding the key and hands-free, always, never.
        speculate: ask for the answer before it is certain that the user has finished.
        cap: the longest recording; a key that is stuck must not record for hours.
        speech: probability from which a frame is speech; Silero's own default.
        speech_goes_on: probability that keeps speech going. Silero's authors set it 0.15 lower, so
            that a voice that trails off is not chopped.
        sure: probability at which a single frame ducks the answer. Noise stays below 0.2.
        onset_frames: frames of speech in a row (96 ms) that begin a turn, hands-free. A click or a
            knock is shorter.
        resume_frames: frames in a row (64 ms) that go on with a turn in a pause, or duck an answer.
        pre_roll: what is kept from before the onset. Silero answers some 70 ms late and soft first
            consonants later still; what is lost here is lost for good, what is too much is silence.
        key_margin: what is kept from before the key went down: people begin to speak as they press.
        min_speech: speech that a hands-free turn needs. A spoken "hi" measures 0.26 s, "no" 0.38 s;
            out of less, Whisper invents words.
        min_speech_keyed: the same with the key: pressing says that something was meant, and the
            first word may have fallen before the key.
        min_speech_over: the same over an answer, where a clipped "no" must do; its words decide.
        early_silence: silence at which the final transcript is begun, in the hope that it was the end.
        early_transcripts: whether it is. Off where every transcript costs money.
        stretch: length of speech from which a pause of ``stretch_pause`` ends a stretch, whose
            transcript is kept when speech goes on. Shorter ones lack the words around them.
        stretch_pause: the pause of somebody who has finished a thought.
        stretch_long: length from which a pause of ``stretch_breath`` does, too...
        stretch_breath: ...which is a breath, and long enough to cut into without touching a word.
        stretch_longest: length at which a stretch without any pause is cut at its quietest moment.
            Whisper's window is 30 s.
        partial_every: speech between two transcripts that are only shown, ``None`` for none. It
            grows to a tenth of a long stretch, which takes ever longer to transcribe.
        endpoint_silence: silence at which the words are asked whether it was the end. People leave
            200 ms between turns (Stivers et al. 2009, https://doi.org/10.1073/pnas.0903616106).
        release_grace: the key is let go while the last word still sounds; how long that may take.
        release_silence: silence that shows that no word sounds any more, and ends the grace.
        frames_late: how long a decision waits for frames that are due, on a machine under load.
        speculations: replies that may be asked for early in one turn.
        confirm_first: speech over an answer before its first transcript: no word is shorter.
        confirm_every: time between its transcripts while nothing is confirmed.
        confirm_within: an answer is not kept quiet for longer by something that was not words...
        confirm_longest: ...or, while the voice goes on and words may yet come, for longer than this.
        confirm_confidence: words less certain than this do not stop an answer.
        candidate_longest: after this, speech over an answer that made no words is given up.
        distrust: after the answer's own words came back, how long speech over it does not duck it.
        similar_turns: hands-free turns alike in a row that look like talking to itself.
    """

    patience: float = 1.5
    barge_in: bool = True
    auto_send: AutoSend = "hold"
    speculate: bool = True
    cap: float = 120.0

    speech: float = 0.5
    speech_goes_on: float = 0.35
    sure: float = 0.8
    onset_frames: int = 3
    resume_frames: int = 2
    pre_roll: float = 0.8
    key_margin: float = 0.3
    min_speech: float = 0.2
    min_speech_keyed: float = 0.1
    min_speech_over: float = 0.16

    early_silence: float = 0.12
    early_transcripts: bool = True
    stretch: float = 8.0
    stretch_pause: float = 0.4
    stretch_long: float = 10.0
    stretch_breath: float = 0.25
    stretch_longest: float = 20.0
    partial_every: float | None = 0.7
    endpoint_silence: float = 0.2
    release_grace: float = 0.25
    release_silence: float = 0.1
    frames_late: float = 0.3
    speculations: int = 3

    confirm_first: float = 0.2
    confirm_every: float = 0.3
    confirm_within: float = 1.0
    confirm_longest: float = 3.0
    confirm_confidence: float = 0.4
    candidate_longest: float = 15.0
    distrust: float = 3.0
    similar_turns: int = 3
