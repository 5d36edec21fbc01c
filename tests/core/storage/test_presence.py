"""Whether another instance lives, told by the operating system."""

from __future__ import annotations

from pathlib import Path

from core.storage.presence import Presence

_OTHER = """
import sys
from pathlib import Path
from core.storage.presence import Presence
presence = Presence(Path(sys.argv[1]))
print(presence.id, flush=True)
sys.stdin.readline()
"""


def test_an_instance_lives_until_its_process_is_killed(tmp_path: Path, start_python) -> None:
    folder = tmp_path / "open"
    mine = Presence(folder)
    other = start_python(_OTHER, folder)
    identifier = other.stdout.readline().strip()
    assert mine.is_alive(identifier)
    other.kill()
    other.wait()
    assert not mine.is_alive(identifier)
    assert [file.name for file in folder.iterdir()] == [mine.id]
    mine.release()
    assert not folder.exists()


def test_two_instances_in_one_process_see_each_other(tmp_path: Path) -> None:
    first, second = Presence(tmp_path / "open"), Presence(tmp_path / "open")
    assert first.is_alive(second.id)
    second.release()
    second.release()
    assert not first.is_alive(second.id)
    assert first.is_alive(first.id)
    first.release()


def test_what_the_dead_left_is_cleared_at_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "deadbeefdead").touch()
    presence = Presence(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [presence.id]
    presence.release()


def test_without_a_folder_everyone_counts_as_alive() -> None:
    presence = Presence(None)
    assert presence.is_alive("somebody")
    presence.release()
