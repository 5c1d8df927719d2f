"""Placeholders, matchers and documents: what is equal, what differs and how it is told."""

from __future__ import annotations

import pytest

from tests.contract.clock import ReplayClock
from tests.contract.comparison import differences
from tests.contract.json_path import NotThere, look_up
from tests.contract.matchers import Matcher
from tests.contract.recording import Json
from tests.contract.shapes import shape_differences, shape_of
from tests.contract.templates import Scope, Unbound

NOON = "2025-06-17T12:00:00"
AN_ID = "a9e00000-0000-4000-8000-0000000000a1"
A_TOKEN = "token-" + "aB3" * 10 + "zz"


def a_scope(**names: Json) -> Scope:
    return Scope(ReplayClock(), names)


def compare(expected: Json, actual: Json, *unordered: str) -> list[str]:
    return differences(expected, actual, a_scope(), unordered=unordered)


class TestPlaceholders:
    @pytest.mark.parametrize(
        ("template", "text"),
        [
            ("{{now|iso}}", "2025-06-17T12:00:00"),
            ("{{now-60|isoz}}", "2025-06-17T11:59:00Z"),
            ("{{now+5|isotz}}", "2025-06-17T12:00:05+00:00"),
            ("{{now-86400|date}}", "2025-06-16"),
            ("at {{now|sql}}", "at 2025-06-17 12:00:00"),
            ("manual-{{rid[:8]}}", "manual-a9e00000"),
            ("{{rid[-2:]}}", "a1"),
        ],
    )
    def test_stand_for_moments_and_names(self, template: str, text: str) -> None:
        assert a_scope(rid=AN_ID).expand(template) == text

    def test_moments_have_the_form_that_the_place_asks_for(self) -> None:
        rows = {"agents": [{"created_at": "{{now-60}}"}]}

        assert a_scope().expand(rows, "sql") == {"agents": [{"created_at": "2025-06-17 11:59:00"}]}

    def test_a_lonely_placeholder_keeps_the_type_of_its_value(self) -> None:
        assert a_scope(count=3).expand(["{{count}}", "{{count}}x"]) == [3, "3x"]

    def test_an_unknown_name_is_no_empty_text(self) -> None:
        with pytest.raises(Unbound, match="rid"):
            a_scope().expand("replica-{{rid}}")


class TestMatchers:
    @pytest.mark.parametrize(
        ("matcher", "value"),
        [
            ("<any>", None),
            ("<null>", None),
            ("<string>", ""),
            ("<int>", 3.0),
            ("<float>", 3),
            ("<bool>", False),
            ("<uuid>", AN_ID),
            ("<token>", A_TOKEN),
            ("<re:^b+$>", "bb"),
            ("<iso-naive>", "1999-01-01T00:00:00.123"),
            ("<iso-naive:now>", "2025-06-17T12:03:00"),
            ("<iso-naive:now-7200>", "2025-06-17T10:00:01"),
            ("<mysql-datetime:now-60>", "2025-06-17 11:59:00"),
            ("<date:now-1d>", "2025-06-16"),
            ("<http-date>", "Tue, 17 Jun 2025 12:00:00 GMT"),
        ],
    )
    def test_accept(self, matcher: str, value: Json) -> None:
        assert compare(matcher, value) == []

    @pytest.mark.parametrize(
        ("matcher", "value"),
        [
            ("<null>", 0),
            ("<string>", None),
            ("<int>", 3.5),
            ("<int>", True),
            ("<float>", "3"),
            ("<bool>", 1),
            ("<uuid>", AN_ID[:-1]),
            ("<uuid>", None),
            ("<token>", "token-short"),
            ("<re:^b+$>", "ab"),
            ("<iso-naive>", f"{NOON}Z"),
            ("<iso-naive:now>", "2025-06-17T12:03:01"),
            ("<iso-naive:now-7200>", NOON),
            ("<mysql-datetime:now>", NOON),
            ("<mysql-datetime:now>", "2025-06-17 13:00:00"),
            ("<mysql-datetime:now>", "2025-06-31 13:00:00"),
            ("<date:now-2d>", "2025-06-17"),
            ("<http-date>", "yesterday"),
        ],
    )
    def test_refuse(self, matcher: str, value: Json) -> None:
        assert len(compare(matcher, value)) == 1

    def test_other_text_in_angle_brackets_is_just_text(self) -> None:
        assert Matcher.read("<b>bold</b>") is None
        assert compare("<html>", "<html>") == []


class TestDocuments:
    def test_equal_documents_do_not_differ(self) -> None:
        document = {"agents": [{"id": AN_ID, "price": 0.0416, "pool": None}], "total": 1}

        assert compare(document, document) == []

    @pytest.mark.parametrize(
        ("expected", "actual", "difference"),
        [
            ({"a": 1}, {}, "$.a: missing (expected 1)"),
            ({}, {"a": 1}, "$.a: unexpected (1)"),
            ({"a": {"b": "x"}}, {"a": {"b": "y"}}, "$.a.b: expected 'x', got 'y'"),
            ([1, 2], [1, 3], "$[1]: expected 2, got 3"),
            ([1, 2], [1], "$: expected 2 items, got 1: [1]"),
            (None, 0, "$: expected null null, got number 0"),
            ("1", 1, "$: expected '1', got number 1"),
            ({}, [], "$: expected object {}, got array []"),
            (0.5, 0.51, "$: expected 0.5, got 0.51"),
            (2, True, "$: expected number 2, got boolean true"),
        ],
    )
    def test_a_difference_is_found_and_named(
        self, expected: Json, actual: Json, difference: str
    ) -> None:
        assert compare(expected, actual) == [difference]

    def test_true_equals_a_recorded_one(self) -> None:
        assert compare({"a": 1, "b": 0, "c": True}, {"a": True, "b": False, "c": 1}) == []
        assert compare({"a": 1}, {"a": False}) == ["$.a: expected 1, got False"]

    def test_keys_that_real_agents_need_may_be_added(self) -> None:
        assert compare({}, {"pool_id": "x", "az": None, "command_type": "switch"}) == []

    def test_order_counts_unless_it_is_declared_free(self) -> None:
        assert compare({"a": [1, 2]}, {"a": [2, 1]}) != []
        assert compare({"a": [1, 2]}, {"a": [2, 1]}, "$.a") == []
        assert compare([{"a": [1, 2]}], [{"a": [2, 1]}], "$[*].a") == []
        assert compare({"a": [1, 2]}, {"a": [2, 2]}, "$.a") == ["$.a[0]: expected 1, got 2"]

    def test_specific_items_choose_their_partners_first(self) -> None:
        assert compare([{"x": "<int>"}, {"x": 7}], [{"x": 7}, {"x": 8}], "$") == []

    def test_every_item_is_looked_at(self) -> None:
        rule = {"$each": {"id": "<int>"}, "$min": 2}

        assert compare(rule, [{"id": 1}, {"id": 2}]) == []
        assert compare(rule, [{"id": 1}]) == ["$: expected at least 2 items, got 1"]
        assert compare(rule, [{"id": 1}, {"id": "x"}]) != []

    def test_one_item_is_enough(self) -> None:
        assert compare({"$contains": {"id": 2}}, [{"id": 1}, {"id": 2}]) == []
        assert compare({"$contains": {"id": 3}}, [{"id": 1}]) == ['$: no item matches {"id":3}']

    def test_a_new_name_is_bound_at_first_sight_and_then_holds(self) -> None:
        scope = a_scope()

        assert (
            differences(["{{rid}}", "replica-{{rid[:3]}}"], ["abcdef", "replica-abc"], scope) == []
        )
        assert scope.names == {"rid": "abcdef"}
        assert differences("{{rid}}", "other", scope) == ["$: expected 'abcdef', got 'other'"]

    def test_null_is_nothing_to_remember(self) -> None:
        assert compare("{{rid}}", None) == ["$: expected a value to remember as 'rid', got null"]

    def test_text_around_an_unknown_name_must_still_match(self) -> None:
        assert compare("Agent {{agent}} left", "Agent 7 left") == []
        assert compare("Agent {{agent}} left", "Agent 7 came") != []

    def test_paths_lead_into_documents(self) -> None:
        document = {"a": [{"b-c": 1}], "odd key": 2}

        assert look_up(document, "$.a[0].b-c") == 1
        assert look_up(document, "$['odd key']") == 2
        for absent in ("$.b", "$.a[1]", "$.a[0].b-c.d"):
            with pytest.raises(NotThere):
                look_up(document, absent)


class TestShapes:
    def test_a_recorded_body_has_one(self) -> None:
        body = {"id": "<int>", "at": "<iso-naive>", "tags": ["x", "y", 1], "any": "<any>"}

        assert shape_of(body) == {
            "id": "number",
            "at": "string",
            "tags": ["string", "number"],
            "any": "any",
        }
        assert shape_of({"$each": {"id": 1}}) == ["?", {"id": "number"}]

    @pytest.mark.parametrize(
        ("shape", "value"),
        [
            ("string|null", None),
            ("number", True),
            ("boolean", 0),
            ({"a": "string", "b?": "number"}, {"a": "x"}),
            ({"...": True, "a": "string"}, {"a": "x", "more": 1}),
            ({"a": "string"}, {"a": "x", "az": "us-east-1a"}),
            (["?", "string"], []),
            ([], [1, "anything"]),
            (["string", {"a": "number"}], ["x", {"a": 1}]),
        ],
    )
    def test_fitting_values(self, shape: Json, value: Json) -> None:
        assert shape_differences(shape, value) == []

    @pytest.mark.parametrize(
        ("shape", "value"),
        [
            ("string", None),
            ("number", "1"),
            ("boolean", 2),
            ({"a": "string"}, {}),
            ({"a": "string"}, {"a": "x", "more": 1}),
            ({"a": "string"}, []),
            (["string"], []),
            (["string"], [1]),
            (["string"], {}),
        ],
    )
    def test_unfitting_values(self, shape: Json, value: Json) -> None:
        assert len(shape_differences(shape, value)) == 1
