"""Sequential recommendation: what a user meets next, told from what the user met before."""

import datetime as dt
import math
from collections.abc import Mapping

from app.tasks.base import (
    TABLES,
    CheckedRow,
    ColumnRole,
    ColumnRule,
    FaultKind,
    RowFault,
    TaskDefinition,
    as_label,
    as_text,
)
from app.tasks.interactions import gather
from app.tasks.targets import Target
from models_registry.vocabulary import TaskType

USER_NAMES = (
    *("user", "user_id", "userid", "uid", "session_id", "sessionid", "session", "visitor_id", "visitorid"),
    *("customer_id", "customer", "member_id", "reviewerid", "reviewer_id", "account_id", "client_id"),
    *("用户", "用户id", "用户编号", "会话"),
)
ITEM_NAMES = (
    *("item", "item_id", "itemid", "iid", "movie_id", "movieid", "product_id", "productid", "parent_asin"),
    *("asin", "book_id", "isbn", "song_id", "track_id", "artist_id", "video_id", "article_id", "news_id"),
    *(
        "sku",
        "sku_id",
        "goods_id",
        "business_id",
        "poi_id",
        "action",
        "page",
        "物品",
        "商品",
        "物品id",
        "商品id",
    ),
)
TIME_NAMES = (
    *("timestamp", "time", "datetime", "date", "rating_timestamp", "ts", "event_time", "unixreviewtime"),
    *("unix_timestamp", "created_at", "event_timestamp", "order_time", "时间", "时间戳", "日期"),
)
TITLE_NAMES = (
    *("item_title", "title", "item_name", "product_title", "product_name", "movie_title", "name"),
    *("标题", "商品标题", "商品名称", "名称"),
)


def check_row(values: Mapping[ColumnRole, object]) -> CheckedRow | RowFault:
    """An interaction: the item as text, its title as second text, the time as label, the user as group."""
    user, item = (as_label(values[role], role) for role in (ColumnRole.USER, ColumnRole.ITEM))
    if isinstance(user, RowFault):
        return user
    if isinstance(item, RowFault):
        return item
    time = as_time(values[ColumnRole.TIME], ColumnRole.TIME)
    if isinstance(time, RowFault):
        return time
    title = as_text(values.get(ColumnRole.TEXT), ColumnRole.TEXT)
    if not isinstance(title, RowFault):
        return CheckedRow(item, repr(time), title, user)
    # Not every item needs a title.
    return CheckedRow(item, repr(time), None, user) if title.kind is FaultKind.MISSING else title


def as_time(value: object, role: ColumnRole) -> float | RowFault:
    """A number as it stands, or the seconds since 1970 of an ISO 8601 date; without a zone it is in UTC."""
    if isinstance(value, dt.date):
        return _seconds(value)
    if value is None or (isinstance(value, str) and not value.strip()):
        return RowFault(role, FaultKind.MISSING)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return RowFault(role, FaultKind.NOT_A_TIME)
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return _of_iso(str(value).strip(), role)
    if math.isfinite(number):
        return number
    return RowFault(role, FaultKind.MISSING if math.isnan(number) else FaultKind.NOT_A_TIME)


def _of_iso(text: str, role: ColumnRole) -> float | RowFault:
    try:
        return _seconds(dt.datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return RowFault(role, FaultKind.NOT_A_TIME)


def _seconds(value: dt.date) -> float:
    """Since 1970; not by `timestamp`, which knows no years before 1 in zones."""
    moment = value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time())
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)
    return (aware - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)).total_seconds()


SEQUENTIAL_RECOMMENDATION = TaskDefinition(
    task_type=TaskType.SEQUENTIAL_RECOMMENDATION,
    title="Sequential recommendation",
    metrics=("ndcg_at_10", "hit_rate_at_10"),
    data="One row an interaction: a user, an item and the time at which they met, and the item's title where "
    "there is one. Of each user the last item is predicted from those before it, among all items.",
    formats=TABLES,
    columns=(
        ColumnRule(
            role=ColumnRole.USER,
            description="Who met the item: a user or a session.",
            names=USER_NAMES,
            is_guessed=False,
        ),
        ColumnRule(
            role=ColumnRole.ITEM, description="What the user met.", names=ITEM_NAMES, is_guessed=False
        ),
        ColumnRule(
            role=ColumnRole.TIME,
            description="When: a number, or an ISO 8601 date; equal times keep the order of the rows.",
            names=TIME_NAMES,
            is_guessed=False,
        ),
        ColumnRule(
            role=ColumnRole.TEXT,
            description="The item's title, which models of texts read.",
            required=False,
            names=TITLE_NAMES,
            is_taken=True,
        ),
    ),
    check_row=check_row,
    target=Target.NEXT,
    gather=gather,
    from_scratch=True,
)
