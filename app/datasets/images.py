"""Whether bytes are an image that can be read to its end, of a size that is no attack."""

import io
from types import MappingProxyType

from PIL import Image, UnidentifiedImageError

from app.datasets.errors import DatasetError
from app.datasets.media import Checked, Medium

SUFFIX_OF_FORMAT = MappingProxyType(
    {
        "JPEG": ".jpg",
        "MPO": ".jpg",
        "PNG": ".png",
        "WEBP": ".webp",
        "GIF": ".gif",
        "BMP": ".bmp",
        "TIFF": ".tif",
        "PPM": ".ppm",
    }
)
"""Formats that are read, as Pillow names them, and the suffix that each is kept under."""
_READ = tuple(name for name in SUFFIX_OF_FORMAT if name != "MPO")
"""A JPEG of several pictures is told once it is open."""
SUFFIXES = frozenset(
    {*SUFFIX_OF_FORMAT.values(), ".jpeg", ".jpe", ".tiff", ".pgm", ".pbm", ".pnm"},
)
FORMATS = "JPEG, PNG, WebP, GIF, BMP, TIFF and PPM"
MAX_PIXELS = Image.MAX_IMAGE_PIXELS or 89_478_485
"""Pillow's limit, from which it warns of a decompression bomb; here it is an error."""
_CHECKED_AT = (64, 64)
"""A JPEG is decoded at about this size, which reads all of its bytes at an eighth of the work."""


class DamagedImageError(DatasetError):
    """A file that is named like an image and cannot be read as one.

    Attributes:
        member: Its name in the archive.
    """

    def __init__(self, member: str) -> None:
        self.member = member
        super().__init__(
            f"The image {member[:200]!r} is damaged, cut off or of a format that is not read.",
            remedy=f"Take it out or repair it; {FORMATS} are read.",
        )


class ImageTooLargeError(DatasetError):
    """An image of more pixels than are decoded.

    Attributes:
        member: Its name in the archive.
    """

    def __init__(self, member: str) -> None:
        self.member = member
        super().__init__(
            f"The image {member[:200]!r} has more than {MAX_PIXELS:,} pixels.",
            remedy="Scale it down: models read a few hundred pixels a side.",
        )


def checked_image(content: bytes, member: str) -> Checked:
    """The suffix of the format that this image is of.

    Args:
        content: Of the file.
        member: Its name, for messages.

    Raises:
        DamagedImageError: It is none, or not whole.
        ImageTooLargeError: It has too many pixels.
    """
    try:
        with Image.open(io.BytesIO(content), formats=_READ) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ImageTooLargeError(member)
            suffix = SUFFIX_OF_FORMAT[image.format or ""]
            image.draft("RGB", _CHECKED_AT)
            image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLargeError(member) from error
    except (UnidentifiedImageError, OSError, SyntaxError, KeyError, EOFError) as error:
        raise DamagedImageError(member) from error
    except (ValueError, TypeError, IndexError, OverflowError) as error:  # what decoders make of damage
        if isinstance(error, DatasetError):
            raise
        raise DamagedImageError(member) from error
    return Checked(suffix)


IMAGES = Medium(noun="image", formats=FORMATS, suffixes=SUFFIXES, checked=checked_image)
