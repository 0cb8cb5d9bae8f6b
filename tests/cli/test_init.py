"""`gateway init`: a first config of what somebody has already; whatever it writes can be run."""
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.config import load
from gateway.routing.plan import Plan


def init(*words: str) -> Result:
    return CliRunner().invoke(main, ["init", *words])


def plan(done: Result) -> Plan:
    assert done.exit_code == 0, done.output
    return load.plan_of({"gateway.yaml": done.stdout.encode()})


def routes(done: Result) -> dict[str, str]:
    """Path -> upstream of each route."""
    return {each.match.path: each.upstream for each in plan(done).routes}


def test_a_url_becomes_one_route(tmp_path: Path) -> None:
    assert routes(init("http://127.0.0.1:3000")) == {"/**": "127.0.0.1"}
    made = plan(init("https://api.example.net/v1", "--listen", "127.0.0.1:8443"))
    assert made.routes[0].rewrite
    assert made.upstreams[0].endpoints[0].address == "api.example.net:443"
    assert made.listeners[0].address == "127.0.0.1:8443"


def test_a_file_is_written_once_and_the_next_step_is_told(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    done = init("http://127.0.0.1:3000", "-o", str(file))
    assert (done.exit_code, f"next: gateway check {file}" in done.stderr) == (0, True)
    assert CliRunner().invoke(main, ["check", str(file)]).exit_code == 0
    again = init("http://127.0.0.1:4000", "-o", str(file))
    assert (again.exit_code, "is there already" in again.stderr) == (1, True)
    assert "3000" in file.read_text()


OPENAPI = {"openapi": "3.1.0", "servers": [{"url": "https://{region}.example.net/v2", "variables": {
               "region": {"default": "eu"}}}],
           "paths": {"/pets": {"get": {}, "post": {}}, "/pets/{petId}": {"get": {}, "parameters": []},
                     "/files/{name}.json": {"get": {}}, "/empty": {"summary": "nothing"}}}


def document(folder: Path, **changes: object) -> str:
    file = folder / "openapi.json"
    file.write_text(json.dumps(OPENAPI | changes))
    return str(file)


def test_an_openapi_document_becomes_a_route_for_each_path(tmp_path: Path) -> None:
    done = init(document(tmp_path))
    assert routes(done) == {"/v2/pets": "eu.example.net", "/v2/pets/{petid}": "eu.example.net"}
    assert list(plan(done).routes[0].match.methods) == ["GET", "POST"]
    assert "#   /v2/files/{name}.json: " in done.stdout
    assert "#   /empty: none of its methods is written here" in done.stdout


def test_another_server_than_the_documents_keeps_its_paths(tmp_path: Path) -> None:
    done = init(document(tmp_path), "--upstream", "http://127.0.0.1:3000/base")
    assert routes(done) == {"/v2/pets": "127.0.0.1", "/v2/pets/{petid}": "127.0.0.1"}
    assert "rewrite: '/base/v2/pets/{petid}'" in done.stdout


def test_a_document_without_a_host_asks_for_one(tmp_path: Path) -> None:
    done = init(document(tmp_path, servers=[{"url": "/v2"}]))
    assert done.exit_code == 1
    assert "say which with --upstream" in done.stderr


def test_swagger_2_names_its_host_apart(tmp_path: Path) -> None:
    file = tmp_path / "swagger.yaml"
    file.write_text("{swagger: '2.0', host: api.example.net, basePath: /v1, schemes: [https], paths: {/a: {get: {}}}}")
    assert routes(init(str(file))) == {"/v1/a": "api.example.net"}


NGINX = """\
http {
  limit_req_zone $binary_remote_addr zone=one:1m rate=1r/s;
  upstream backend { least_conn; server 10.0.0.1:9001 weight=3; server 10.0.0.2 backup; server unix:/run/x.sock; }
  server {
    listen 80;
    server_name .example.com ~^www;
    auth_basic "who are you";
    location / { proxy_pass http://backend; proxy_set_header Host $host; proxy_set_header Authorization s3cret; }
    location /api/ { proxy_pass http://127.0.0.1:3000/v2/; location /api/deep { proxy_pass http://backend; } }
    location = /one { proxy_pass https://one.example.net/uno; }
    location ~ \\.php$ { proxy_pass http://backend; }
    location /variable { proxy_pass http://$x; }
    location /files { root /srv; }
  }
}
"""


def nginx(folder: Path, text: str) -> Result:
    file = folder / "nginx.conf"
    file.write_text(text)
    return init(str(file))


def test_an_nginx_config_becomes_a_route_for_each_location_with_a_proxy_pass(tmp_path: Path) -> None:
    done = nginx(tmp_path, NGINX)
    assert routes(done) == {"/**": "backend", "/api/**": "127.0.0.1", "/api/deep/**": "backend",
                            "/one": "one.example.net"}
    made = plan(done)
    assert {host for route in made.routes for host in route.match.hosts} == {"example.com", "*.example.com"}
    [backend] = [each for each in made.upstreams if each.name == "backend"]
    weights = {each.address: each.weight for each in backend.endpoints}
    assert weights == {"10.0.0.1:9001": 3, "unix:/run/x.sock": 1}
    assert "path: /api/**}, upstream: 127.0.0.1, rewrite: /v2/**" in done.stdout


def test_what_is_not_taken_over_is_named_without_its_secrets(tmp_path: Path) -> None:
    said = nginx(tmp_path, NGINX).stdout
    for what in ("limit_req_zone", "auth_basic", "proxy_set_header Authorization", "server 10.0.0.2", "root /srv",
                 "location ~ ", "without variables", "~^www"):
        assert what in said.partition("version: 1")[0], what
    assert "s3cret" not in said


@pytest.mark.parametrize("text", ["", "http {", "server { location / { root /srv; } }", "nonsense"])
def test_an_nginx_config_that_proxies_nothing_is_refused(tmp_path: Path, text: str) -> None:
    done = nginx(tmp_path, text)
    assert (done.exit_code, done.stdout) == (1, "")


@pytest.mark.parametrize("text", ["{", "[]", '{"paths": 7}', '{"paths": {}, "servers": [{"url": "http://x"}]}',
                                  '{"paths": {}, "servers": 7}', '{"paths": {}, "servers": [[]]}',
                                  '{"paths": {}, "servers": [{"url": "http://x", "variables": [1]}]}'])
def test_a_document_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "openapi.json"
    file.write_text(text)
    done = init(str(file))
    assert (done.exit_code, done.stdout) == (1, ""), done.exception
    assert str(file) in done.stderr


@pytest.mark.parametrize("words", [["/nowhere/openapi.yaml"], ["/nowhere/nginx.conf"], ["http://"],
                                   ["http://127.0.0.1:3000", "--listen", "nonsense"]])
def test_what_cannot_be_used_is_refused(words: list[str]) -> None:
    assert init(*words).exit_code == 1
