"""Each peer's config says what the comparison promises: rate limit, passive health, keep-alive upstream."""

import dataclasses
import json
from pathlib import Path

import pytest
import yaml

from loadtests.accounting import ProcessEntry
from loadtests.peers import Aiohttp, Envoy, Gateway, HAProxy, Nginx, Post
from loadtests.site import Certificate

CERTIFICATE = Certificate(Path("/run/certificate.pem"), Path("/run/key.pem"), Path("/run/both.pem"))


def post(tls=False, workers=1):
    return Post(Path("/run/peer"), port=24000, spare_port=24001, upstreams=(24002, 24003), workers=workers,
                certificate=CERTIFICATE if tls else None)


def test_a_peer_logs_each_request_when_all_do_and_only_then():
    logging = dataclasses.replace(post(), access_log=True)
    assert "access_log /run/peer/access.log combined buffer=64k" in Nginx().config(logging)
    assert "access_log off;" in Nginx().config(post())
    assert "option httplog" in HAProxy().config(logging)
    assert "httplog" not in HAProxy().config(post())
    assert "/run/peer/access.log" in json.dumps(Envoy().config(logging))
    assert "access_log" not in json.dumps(Envoy().config(post()))
    assert "access: {path: /run/peer/access.log}" in Gateway().config(logging)
    assert "access.log" not in Gateway().config(post())
    assert "--access-log=/run/peer/access.log" in Aiohttp().command(logging)


def process(pid, parent, title):
    return ProcessEntry(pid, parent, started=pid, title=title)


def test_nginx_limits_each_client_and_watches_its_endpoints():
    config = Nginx().config(post())
    assert "limit_req zone=per_client" in config
    assert config.count("max_fails=5") == 2
    assert 'proxy_set_header Connection ""' in config


def test_nginx_traffic_is_its_worker():
    members = [process(1, 0, "nginx: master process nginx"), process(2, 1, "nginx: worker process")]
    assert [member.pid for member in Nginx().traffic(members)] == [2]


def test_haproxy_limits_each_client_and_watches_its_endpoints():
    config = HAProxy().config(post(workers=2))
    assert "http-request deny deny_status 429" in config
    assert config.count("observe layer7") == 2
    assert "nbthread 2" in config


def test_envoy_limits_and_watches_its_endpoints():
    config = Envoy().config(post())
    assert "local_ratelimit" in json.dumps(config)
    assert config["static_resources"]["clusters"][0]["outlier_detection"]["consecutive_5xx"] == 5


def test_gateway_config_is_yaml_with_a_route_to_both_endpoints():
    config = yaml.safe_load(Gateway().config(post(tls=True, workers=2)))
    assert config["workers"] == 2
    assert config["upstreams"]["orders"]["endpoints"] == ["127.0.0.1:24002", "127.0.0.1:24003"]
    assert config["listeners"][0]["tls"] == {"certificate": "/run/certificate.pem", "key": "/run/key.pem"}


def test_gateway_traffic_is_its_workers():
    members = [process(1, 0, "gateway: supervisor"), process(2, 1, "gateway: control"),
               process(3, 1, "gateway: worker 0"), process(4, 1, "gateway: worker 1")]
    assert [member.pid for member in Gateway().traffic(members)] == [3, 4]


def test_a_gateway_that_is_still_short_of_a_worker_is_not_measured_yet():
    members = [process(1, 0, "gateway: supervisor"), process(2, 1, "gateway: control"),
               process(3, 1, "gateway: worker 0"), process(4, 1, "python -m gateway.processes.worker")]
    assert Gateway().is_whole(members, workers=1)
    assert not Gateway().is_whole(members, workers=2)


def test_another_checkout_of_the_gateway_is_told_apart_by_its_folder(tmp_path):
    assert Gateway(tmp_path / "before").label == "gateway@before"


@pytest.mark.parametrize("peer", [Nginx(), HAProxy()])
def test_certificate_is_presented_only_when_asked(peer):
    assert "/run/" in peer.config(post(tls=True)).replace("/run/peer", "")
    assert "/run/" not in peer.config(post()).replace("/run/peer", "")
