from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smyth.values.dates import iso_text, milliseconds


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-02-29", "2024-02-29T00:00:00.000Z"),
        ("2024-02-30", "2024-03-01T00:00:00.000Z"),
        ("2024-13-45", "2025-02-14T00:00:00.000Z"),
        ("2024/2/3 4:05", "2024-02-03T04:05:00.000Z"),
        ("2024-02-29T10:20:30Z", "2024-02-29T10:20:30.000Z"),
        ("2024-02-29T10:20:30.1239Z", "2024-02-29T10:20:30.123Z"),
        ("2024-02-29T10:20:30+02:00", "2024-02-29T08:20:30.000Z"),
        ("2024-02-29T24:00:00Z", "2024-03-01T00:00:00.000Z"),
        ("-000001-01-01T00:00:00Z", "-000001-01-01T00:00:00.000Z"),
        ("Feb 29, 2024", "2024-02-29T00:00:00.000Z"),
        ("29 February 2024 10:20 pm", "2024-02-29T22:20:00.000Z"),
        ("2/29/2024", "2024-02-29T00:00:00.000Z"),
        ("Feb 2024", "2024-02-01T00:00:00.000Z"),
        ("march 7", "2001-03-07T00:00:00.000Z"),
        ("Jan 1 49", "2049-01-01T00:00:00.000Z"),
        ("Jan 1 50", "1950-01-01T00:00:00.000Z"),
        ("Thu, 29 Feb 2024 10:20:30 GMT", "2024-02-29T10:20:30.000Z"),
        ("Thu Feb 29 2024 10:20:30 GMT+0200 (CEST)", "2024-02-29T08:20:30.000Z"),
        ("Feb 29 2024 10:20 EDT", "2024-02-29T14:20:00.000Z"),
        ("Mon, 25 Dec 1995 13:30:00 +0430", "1995-12-25T09:00:00.000Z"),
        (1709202030000, "2024-02-29T10:20:30.000Z"),
        ("1709202030000", "2024-02-29T10:20:30.000Z"),
        ("12", "1970-01-01T00:00:00.012Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (8.64e15, "+275760-09-13T00:00:00.000Z"),
    ],
)
def test_reads_dates_as_javascript_does(value, expected):
    moment = milliseconds(value)
    assert moment is not None
    assert iso_text(moment) == expected


@pytest.mark.parametrize(
    "value",
    [
        "29/02/2024", "not a date", "monday", "12:30", "2024 foo", "13/1/2024", "1/32/2024", "2024-02-29T25:00Z",
        "2024-02-29T10:61:00Z", "2024-14-01T00:00:00Z", "Feb 29 2024 13:00 pm", "1 2 3 4", "\u0661/\u0662/2024",
        8.64e15 + 1, float("inf"), float("nan"), True, None, [], {}, "9" * 99, "1/" * 60, "(" * 90, " " * 100,
    ],
)  # fmt: skip
def test_refuses_what_is_no_date(value):
    assert milliseconds(value) is None


@given(st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31), timezones=st.just(UTC)))
def test_prints_and_reads_the_same_moment(moment):
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    printed = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    read = milliseconds(printed)
    assert read is not None
    assert iso_text(read) == printed
    assert read == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
