"""A file with ten different mistakes: ten located lines, exit 1 (issue 2, must show 7)."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import main

HERE = Path(__file__).parent

TRANSCRIPT = """\
ten_mistakes.yaml:4:14: listeners[0].address: '0.0.0.0' is not an address; write host:port, [v6]:port or unix:/path
ten_mistakes.yaml:5:22: listeners[0].timeouts.head: '10' has no unit; write 10s, or 10 with one of ns us ms s m h
ten_mistakes.yaml:7:24: listeners[1].tls.certificate: {here}/none.pem cannot be read: No such file or directory
ten_mistakes.yaml:11:33: upstreams.orders.endpoints[1]: 'http://127.0.0.1:9002' is a URL; write host:port only \
(and `tls: true` on the upstream for https)
ten_mistakes.yaml:12:14: upstreams.orders.balance: peak_ewma is not yet supported; leave it out for now
ten_mistakes.yaml:13:5: upstreams.orders.timeout: unknown key; did you mean timeouts?
ten_mistakes.yaml:18:15: routes.list-orders.upstream: there is no upstream ordres; did you mean orders?
ten_mistakes.yaml:21:20: routes.old-orders.redirect.to: `{{key}}`: match.path `/old/{{id}}` has `{{id}}`
ten_mistakes.yaml:22:5: routes.orders-again: takes the same requests as routes.list-orders at ten_mistakes.yaml:16:5; \
make one of them more specific
ten_mistakes.yaml:25:38: routes.orders-again.response_headers.set.x-team: 'a\\r\\nset-cookie: b' is not a header \
value; write printable ASCII on one line, without spaces around them
10 problems
"""


def test_ten_mistakes_are_ten_located_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    result = CliRunner().invoke(main, ["check", "ten_mistakes.yaml"])
    assert result.output == TRANSCRIPT.format(here=HERE)
    assert result.exit_code == 1
