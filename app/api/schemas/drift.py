"""The comparison of two data sets."""

import datetime as dt

from pydantic import Field

from app.api.schemas.base import ResponseModel
from app.api.schemas.ranking import RankedStrategy, Score
from app.datasets.drift.aspect import Size, Statistic
from app.datasets.drift.comparison import Action


class ComparedDataset(ResponseModel):
    """One side of the comparison."""

    id: str
    n_examples: int
    n_compared: int = Field(description="Examples drawn for the comparison, one of each group.")


class AspectDocument(ResponseModel):
    """One way in which the data sets may differ."""

    size: Size = Field(description="`unclear`: even a marked change might not be noticed in so few examples.")
    statistic: Statistic
    value: float
    low: float | None = Field(description="Lower end of a 95 % interval, where there is one.")
    high: float | None
    by_chance: float = Field(description="Mean of the statistic if nothing has changed.")
    noticed_from: float = Field(description="What chance exceeds once in a hundred times.")
    p_value: float
    effect: float = Field(description="Beyond chance, as Cohen's d: from 0.2 slight, from 0.5 marked.")
    text: str


class ShareChange(ResponseModel):
    """A name with its shares."""

    name: str
    earlier_share: float
    later_share: float


class TellingWordDocument(ResponseModel):
    """A word of the caller's own texts, with the shares of texts that hold it."""

    word: str
    earlier_share: float
    later_share: float


class CopiesDocument(ResponseModel):
    """Later examples that the earlier data hold too."""

    n: int
    share: float
    n_relabelled: int = Field(description="Those with a label that they did not carry before.")


class DriftRecommendation(ResponseModel):
    """What to do."""

    action: Action
    text: str
    reasons: list[str]


class AnsweredRun(ResponseModel):
    """The last run on the earlier data that succeeded, and what the comparison means for it."""

    id: str
    finished_at: dt.datetime | None
    model: str
    strategy: RankedStrategy
    score: Score
    text: str


class DriftDocument(ResponseModel):
    """A later data set beside an earlier one."""

    earlier: ComparedDataset
    later: ComparedDataset
    drifted: bool
    recommendation: DriftRecommendation
    inputs: AspectDocument | None = Field(description="Texts; null of files, and of too few texts.")
    labels: AspectDocument | None = Field(description="Classes or numbers; null where there are no labels.")
    lengths: AspectDocument | None
    languages: AspectDocument | None
    telling_words: list[TellingWordDocument] = Field(
        description="Words of your own texts whose share has changed most; shown here alone, never logged."
    )
    label_shares: list[ShareChange] = Field(description="The 20 that changed most.")
    language_shares: list[ShareChange]
    new_classes: dict[str, int] = Field(description="Classes that the earlier data lack; the largest 20.")
    gone_classes: dict[str, int] = Field(description="Classes missing beyond chance; the largest 20.")
    copies: CopiesDocument
    last_run: AnsweredRun | None
    notes: list[str] = Field(description="What was not compared.")
