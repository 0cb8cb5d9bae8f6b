"""What people do to a post-mortem, from the draft to closed."""
import pytest
from prevent import cases
from prevent.cases import ONSET

from gateway.model.fault import FaultClass
from gateway.prevent import post_mortem, review
from gateway.prevent.case import SECOND, Case
from gateway.prevent.post_mortem import Record
from gateway.prevent.review import NotNow

AT = "2023-11-15T10:00:00Z"


def drafted() -> Record:
    return post_mortem.draft(cases.case(), (ONSET + 165) * SECOND)


def complete() -> Record:
    done = {"id": 1, "owner": "ann", "due": "2023-12-01"}
    return review.edited(drafted(), {"lessons": {"wrong": ["nobody looked at the diff"]}, "items": [done]}, "ann")


def test_it_is_closed_once_two_functions_have_signed_and_nothing_is_missing() -> None:
    record = complete()
    assert review.missing(record) == ["signed for no function; 2 different functions are needed"]
    record = review.signed(record, "Operations", "ann", AT)
    assert record["status"] == "review"
    record = review.signed(record, "development", "bob", AT)
    assert record["status"] == "closed"
    assert record["reviews"] == [{"function": "operations", "who": "ann", "at": AT},
                                 {"function": "development", "who": "bob", "at": AT}]


def test_two_of_one_function_are_not_enough_and_nobody_signs_twice() -> None:
    record = review.signed(complete(), "operations", "ann", AT)
    with pytest.raises(NotNow, match="ann has signed already"):
        review.signed(record, "development", "ann", AT)
    assert review.signed(record, "operations", "bob", AT)["status"] == "review"


def test_signatures_alone_do_not_close_what_has_no_lesson_and_no_owner() -> None:
    record = drafted()
    for function, who in (("operations", "ann"), ("development", "bob")):
        record = review.signed(record, function, who, AT)
    assert record["status"] == "review"
    assert review.missing(record) == ["item 1 has no owner", "item 1 has no due", "no lesson is written"]


def test_who_changes_the_words_takes_the_signatures_away() -> None:
    record = review.signed(complete(), "operations", "ann", AT)
    changed = review.edited(record, {"summary": "It was the port."}, "bob")
    assert (changed["reviews"], changed["status"], changed["summary"]) == ([], "draft", "It was the port.")
    assert review.edited(record, {"items": [{"id": 1, "status": "done"}]}, "bob")["reviews"] == record["reviews"]


def test_items_of_a_closed_one_go_on_but_its_words_stand() -> None:
    record = review.signed(review.signed(complete(), "operations", "ann", AT), "product", "bob", AT)
    assert [each["id"] for each in review.open_items(record)] == [1]
    with pytest.raises(NotNow, match="closed"):
        review.edited(record, {"lessons": {"well": ["we were quick"]}}, "ann")
    done = review.edited(record, {"items": [{"id": 1, "status": "done"}]}, "ann")
    assert review.open_items(done) == []
    assert done["status"] == "closed"


def test_an_item_is_added_with_the_next_number() -> None:
    record = review.edited(drafted(), {"items": [{"text": "alert on the port", "type": "detect"}]}, "ann")
    assert [(each["id"], each["by"]) for each in record["items"]] == [(1, "gateway"), (2, "ann")]


@pytest.mark.parametrize(("edit", "words"), [
    ({"items": [{"id": 9}]}, "no item 9"), ({"items": [{"owner": "ann"}]}, "needs a `text`"),
    ({"items": [{"id": 1, "due": "soon"}]}, "not a date"), ({"items": [{"id": 1, "type": "x"}]}, "type of an item"),
    ({"items": [{"id": 1, "color": "x"}]}, "nothing of an item"), ({"items": {}}, "must be a list"),
    ({"items": [{"text": "a\nb"}]}, "one line"), ({"lessons": {"odd": []}}, "well, wrong, lucky"),
    ({"lessons": {"well": [""]}}, "must be a text"), ({"summary": "x" * 3000}, "at most 2000"),
])
def test_what_is_not_understood_is_refused_with_what_to_write(edit: Record, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        review.edited(drafted(), edit, "ann")


def test_after_a_relapse_facts_are_new_and_what_people_wrote_stays() -> None:
    again = post_mortem.draft(Case(cases.incident(FaultClass.SLOW_UPSTREAM)), (ONSET + 900) * SECOND)
    record = review.redrafted(review.signed(complete(), "operations", "ann", AT), again)
    assert record["lessons"]["wrong"] == ["nobody looked at the diff"]
    assert [each["id"] for each in record["items"]] == [1, 2]
    assert record["items"][0]["owner"] == "ann"
    assert record["class"] == "slow upstream"
    assert record["reviews"] == []
