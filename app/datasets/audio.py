"""Whether bytes are a recording that can be read to its end, of a size that is no attack.

libsndfile decodes them. It is shown nothing but files that begin like one of the four formats: it knows some
thirty more, and what is not read here need not be safe there.
"""

import io
from types import MappingProxyType

import numpy as np
import soundfile

from app.datasets.errors import DatasetError
from app.datasets.media import Checked, Medium

SUFFIX_OF_FORMAT = MappingProxyType(
    {"WAV": ".wav", "WAVEX": ".wav", "RF64": ".wav", "FLAC": ".flac", "OGG": ".ogg", "MP3": ".mp3"}
)
"""Formats that are read, as libsndfile names them, and the suffix that each is kept under."""
SUFFIXES = frozenset({*SUFFIX_OF_FORMAT.values(), ".wave", ".oga", ".opus"})
FORMATS = "WAV, FLAC, OGG and MP3"
MAX_SECONDS = 1_800
"""Half an hour: models read seconds of it, and a member's bytes may be hours of silence."""
MAX_CHANNELS = 8
"""A sound field of seven and one; more are measurements."""
MIN_RATE, MAX_RATE = 4_000, 192_000
"""Samples a second, from half of the telephone's to the studio's."""
BLOCK_SAMPLES = 2**18
"""Decoded at once, of all channels together."""
_STARTS = (b"RIFF", b"RF64", b"fLaC", b"OggS", b"ID3")
_STREAMED_BYTES = 2**31 - 2**16
"""What a WAV says of its size from here on is what programs write that do not know it yet."""
_SLACK_BYTES = 8
"""That some programs count and do not write: a byte of padding, or the head of the file itself."""


class DamagedRecordingError(DatasetError):
    """A file that is named like a recording and cannot be read as one.

    Attributes:
        member: Its name in the archive.
    """

    def __init__(
        self, member: str, what: str = "is damaged, cut off or of a format that is not read"
    ) -> None:
        self.member = member
        super().__init__(
            f"The recording {member[:200]!r} {what}.",
            remedy=f"Take it out or repair it; {FORMATS} are read.",
        )


class RecordingTooLargeError(DatasetError):
    """A recording that is longer, or of more channels or another rate, than is decoded.

    Attributes:
        member: Its name in the archive.
    """

    def __init__(self, member: str, what: str, remedy: str) -> None:
        self.member = member
        super().__init__(f"The recording {member[:200]!r} {what}.", remedy=remedy)


def checked_recording(content: bytes, member: str) -> Checked:
    """The suffix of the format that this recording is of, and how long it is.

    A cut FLAC or WAV is told by what it says of its own length; a cut OGG or MP3 is a shorter recording.

    Args:
        content: Of the file.
        member: Its name, for messages.

    Raises:
        DamagedRecordingError: It is none, is not whole or holds no sound.
        RecordingTooLargeError: It is too long, or of too many channels, or of a rate that is not read.
    """
    if not _begins_well(content) or _is_cut_wav(content):
        raise DamagedRecordingError(member)
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as recording:
            suffix = SUFFIX_OF_FORMAT[recording.format]
            _require_bounds(recording, member)
            n_frames = _decoded_frames(recording, member)
            if recording.format == "FLAC" and n_frames < recording.frames:
                raise DamagedRecordingError(member)
            rate = recording.samplerate
    except (soundfile.SoundFileError, KeyError, OSError) as error:
        raise DamagedRecordingError(member) from error
    if n_frames == 0:
        raise DamagedRecordingError(member, "holds no sound")
    return Checked(suffix, n_frames / rate)


def _begins_well(content: bytes) -> bool:
    is_mpeg_frame = len(content) > 1 and content[0] == 0xFF and content[1] & 0xE0 == 0xE0
    return content.startswith(_STARTS) or is_mpeg_frame


def _is_cut_wav(content: bytes) -> bool:
    """Whether a WAV says that it is longer than it is; libsndfile would read what is there."""
    n_bytes = int.from_bytes(content[4:8], "little") + 8
    return content.startswith(b"RIFF") and len(content) + _SLACK_BYTES < n_bytes < _STREAMED_BYTES


def _require_bounds(recording: soundfile.SoundFile, member: str) -> None:
    if recording.channels > MAX_CHANNELS:
        raise RecordingTooLargeError(
            member, f"has {recording.channels} channels", f"Mix it down: up to {MAX_CHANNELS} are read."
        )
    if not MIN_RATE <= recording.samplerate <= MAX_RATE:
        raise RecordingTooLargeError(
            member,
            f"has {recording.samplerate:,} samples a second",
            f"Resample it: rates from {MIN_RATE:,} to {MAX_RATE:,} are read.",
        )


def _decoded_frames(recording: soundfile.SoundFile, member: str) -> int:
    """Samples of each channel, counted as they come out, whatever the header says."""
    n_frames = 0
    while len(block := recording.read(BLOCK_SAMPLES // recording.channels, dtype="float32")):
        n_frames += len(block)
        if n_frames > MAX_SECONDS * recording.samplerate:
            raise RecordingTooLargeError(
                member,
                f"is longer than {MAX_SECONDS // 60} minutes",
                "Cut it into the parts that its class is about: models read some seconds.",
            )
        if not np.isfinite(block).all():
            raise DamagedRecordingError(member, "holds samples that are no numbers")
    return n_frames


RECORDINGS = Medium(noun="recording", formats=FORMATS, suffixes=SUFFIXES, checked=checked_recording)
