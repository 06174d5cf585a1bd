"""What exporter-toolkit's published test files check is checked by cases of our own: which file, by which case."""

from pathlib import Path

import pytest

from collector_core.config import yamlfile
from collector_core.errors import ConfigError
from collector_core.web import web_config
from tests.core.web import test_auth, test_tls, test_web_config

VALID, INVALID = test_web_config.VALID, test_web_config.INVALID
SERVED, REFUSED, UNUSABLE = test_tls.SERVED, test_tls.REFUSED, test_tls.UNUSABLE
TESTS = {**vars(test_auth), **vars(test_tls)}

CASES = {
    "empty file": (VALID, "nothing"),
    "junk": (INVALID, "junk"),
    "junk_key": (INVALID, "unknown section"),
    "noAuth.good": (SERVED, "files"),
    "noAuth.good.blocking": (REFUSED, "no certificate, no CA"),
    "noAuth.bad": (INVALID, "policy alone"),
    "noAuth_tlsInline.good": (TESTS, "test_inline_certificate_and_key"),
    "noAuth_allCiphers.good": (SERVED, "all ciphers"),
    "noAuth_someCiphers.good, a common one": (SERVED, "a common cipher"),
    "noAuth_someCiphers.good, none in common": (REFUSED, "no common cipher"),
    "noAuth_someCiphers_noOrder.good": (TESTS, "test_whose_order_of_ciphers_counts"),
    "noAuth_inventedCiphers.bad": (INVALID, "invented cipher"),
    "noAuth_noHTTP2.good": (VALID, "no HTTP/2, a cipher that HTTP/2 forbids"),
    "noAuth_noHTTP2Cipher.bad": (INVALID, "HTTP/2 without its cipher"),
    "noAuth_allCurves.good": (SERVED, "all curves"),
    "noAuth_someCurves.good, a common one": (SERVED, "a common curve"),
    "noAuth_someCurves.good, none in common": (REFUSED, "no common curve"),
    "noAuth_inventedCurves.bad": (INVALID, "invented curve"),
    "noAuth_wrongTLSVersion.bad": (INVALID, "invented version"),
    "noAuth_certPath_empty.bad": (INVALID, "empty certificate file"),
    "noAuth_cert_empty.bad": (INVALID, "empty certificate"),
    "noAuth_keyPath_empty.bad": (INVALID, "empty key file"),
    "noAuth_key_empty.bad": (INVALID, "empty key"),
    "noAuth_certPath_keyPath_empty.bad": (INVALID, "policy alone"),
    "noAuth_certPath_invalid.bad": (UNUSABLE, "no certificate file"),
    "noAuth_keyPath_invalid.bad": (UNUSABLE, "no key file"),
    "noAuth_certPath_keyPath_invalid.bad": (UNUSABLE, "neither file"),
    "noAuth.requireanyclientcert.good": (SERVED, "any certificate"),
    "noAuth.requireanyclientcertkeyinline.good": (VALID, "certificate file, inline key"),
    "noAuth.requireandverifyclientcert.good": (SERVED, "known certificate"),
    "auth_clientCAs_invalid.bad": (UNUSABLE, "no CA file"),
    "auth_clientCAs_nocerts.bad": (UNUSABLE, "empty CA file"),
    "auth_clientCAsText_nocerts.bad": (UNUSABLE, "junk as CA"),
    "auth_client_san.good": (SERVED, "allowed DNS name"),
    "auth_client_san.bad": (REFUSED, "no allowed name"),
    "auth_client_san_no_client_auth.bad": (INVALID, "names without verification"),
    "auth_client_san_optional_cert.bad": (REFUSED, "names, but no certificate"),
    "auth_user_list_invalid.bad": (INVALID, "plain password"),
    "users.good and users_noTLS.good": (TESTS, "test_logins"),
    "headers.good": (VALID, "all headers"),
    "headers_content_type_options.bad": (INVALID, "invented sniff option"),
    "headers_extra_header.bad": (INVALID, "other header"),
    "headers_frame_options.bad": (INVALID, "invented frame option"),
    "rate_limiter_headers": (TESTS, "test_configured_headers_are_in_refusals"),
    "rate_limiter_nonblocking": (TESTS, "test_a_burst_of_zero_allows_nothing_and_an_interval_of_zero_everything"),
    "rate_limiter_one_second": (TESTS, "test_tokens_come_back_one_per_interval_up_to_the_burst"),
}
UNRELEASED = {  # keys that no release of exporter-toolkit knows
    "auth_excluded_paths": "auth_excluded_paths: [/healthz]",
    "fingerprint": "tls_server_config: {cert_file: c, key_file: k, client_fingerprints: [a]}",
    "ip_socket": "ip_socket_config: {dscp: 10}",
    "tokens": "token_users: {prom: secret}",
}


@pytest.mark.parametrize(("cases", "name"), CASES.values(), ids=CASES)
def test_every_file_has_a_case_of_ours(cases: dict[str, object], name: str) -> None:
    assert name in cases


@pytest.mark.parametrize("text", UNRELEASED.values(), ids=UNRELEASED)
def test_keys_that_are_not_released_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="unknown key"):
        web_config.validate(yamlfile.parse(text, Path("web.yml")))
