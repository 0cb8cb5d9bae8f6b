"""Each receiver's published format: required fields, their bounds, one key in every event of an incident."""
import hashlib
import hmac
import json

from gateway.record.alerts import alertmanager, mail, pagerduty, slack, webhook
from gateway.record.alerts.outgoing import Post, fill, names

SECOND = 1_000_000_000
NOW = 1_700_000_000 * SECOND
DOCUMENT = {
    "key": "gateway-ab12-7", "id": 7, "title": "errors on route:list", "state": "detected", "severity": "major",
    "fault": "unknown", "scope": ["route:list"], "signals": ["errors on route:list: 12 of 100"], "cause": "",
    "onset": "2023-11-14T22:13:00Z", "opened": "2023-11-14T22:13:10Z", "told": "2023-11-14T22:13:20Z", "resolved": "",
    "acknowledged_by": "", "relapses": 0,
}
OVER = DOCUMENT | {"state": "resolved", "resolved": "2023-11-14T22:20:00Z"}


def body(post: Post) -> dict:
    return json.loads(post.body)


def test_a_webhook_is_signed_over_its_time_and_body_so_that_a_receiver_can_check_it():
    post = webhook.post("http://h/", "s3cret", "trigger", DOCUMENT, "title", "text", NOW)
    headers = dict(post.headers)
    signed = headers["X-Gateway-Timestamp"].encode() + b"." + post.body
    expected = hmac.new(b"s3cret", signed, hashlib.sha256).hexdigest()
    assert headers["X-Gateway-Signature"] == f"sha256={expected}"
    assert headers["X-Gateway-Key"] == body(post)["key"] == "gateway-ab12-7"
    assert body(post)["event"] == "trigger"
    assert "s3cret" not in repr(post)


def test_a_webhook_without_a_secret_is_not_signed():
    assert "X-Gateway-Signature" not in dict(webhook.post("http://h/", "", "trigger", DOCUMENT, "", "", NOW).headers)


def test_slack_gets_blocks_within_its_bounds_and_no_markup_of_a_client():
    sent = body(slack.post("https://hooks", "trigger", DOCUMENT, "t" * 400, "<!channel> & " + "x" * 4000))
    header, section, _ = sent["blocks"]
    assert (header["type"], header["text"]["type"], len(header["text"]["text"])) == ("header", "plain_text", 150)
    assert section["text"]["text"].startswith("&lt;!channel&gt; &amp; ")
    assert len(section["text"]["text"]) == 3000
    assert sent["text"]


def test_pagerduty_triggers_and_resolves_under_one_dedup_key():
    trigger = body(pagerduty.post("", "key", "trigger", DOCUMENT, "t" * 2000, "text"))
    assert {"routing_key", "event_action", "dedup_key", "payload"} <= trigger.keys()
    assert {"summary", "source", "severity"} <= trigger["payload"].keys()
    assert len(trigger["payload"]["summary"]) == 1024
    assert trigger["payload"]["severity"] in {"critical", "error", "warning", "info"}
    resolve = body(pagerduty.post("", "key", "resolve", OVER, "t", "text"))
    assert resolve == {"routing_key": "key", "dedup_key": trigger["dedup_key"], "event_action": "resolve"}
    seen = body(pagerduty.post("", "key", "update", DOCUMENT | {"acknowledged_by": "ann"}, "t", "text"))
    assert seen["event_action"] == "acknowledge"
    assert pagerduty.post("", "key", "trigger", DOCUMENT, "t", "x").url == "https://events.pagerduty.com/v2/enqueue"


def test_alertmanager_knows_an_incident_by_labels_that_do_not_change():
    trigger = alertmanager.post("http://a:9093/", "trigger", DOCUMENT, "t", "x", NOW, 60 * SECOND)
    worse = DOCUMENT | {"severity": "critical", "scope": ["route:a", "route:b"]}
    update = alertmanager.post("http://a:9093", "update", worse, "t2", "y", NOW, 60 * SECOND)
    resolve = alertmanager.post("http://a:9093", "resolve", OVER, "t", "x", NOW, 60 * SECOND)
    first, second, last = (body(each)[0] for each in (trigger, update, resolve))
    assert trigger.url == "http://a:9093/api/v2/alerts"
    assert first["labels"] == second["labels"] == last["labels"]
    assert (first["startsAt"], first["endsAt"]) == ("2023-11-14T22:13:00Z", "2023-11-14T22:14:20Z")
    assert last["endsAt"] == "2023-11-14T22:20:00Z"


def test_mails_of_an_incident_are_one_thread_and_a_repeat_is_the_same_mail():
    one, again, end = (mail.message("gw@example.com", ("ops@example.com",), kind, DOCUMENT, "bad\r\nBcc: x@y", "text",
                                    number, NOW) for kind, number in (("trigger", 1), ("trigger", 1), ("resolve", 2)))
    assert one["References"] == end["References"]
    assert one["Message-ID"] == again["Message-ID"] != end["Message-ID"]
    assert one["Subject"] == "bad Bcc: x@y"
    assert one["Bcc"] is None


def test_a_template_is_filled_with_what_is_known_and_nothing_is_run():
    assert fill("[{severity}] {title} {nobody} {title.__class__}\n{signals}", DOCUMENT) == (
        "[major] errors on route:list {nobody} {title.__class__}\nerrors on route:list: 12 of 100")
    assert names("{a} {b_c} {D}") == ["a", "b_c"]
