"""The web configuration file: which ones are valid, and what is said of those that are not."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector_core.config import yamlfile
from collector_core.errors import ConfigError
from collector_core.web import web_config
from collector_core.web.web_config import ClientAuth, TlsVersion, WebConfig

HASH = "$2y$10$" + "abcdefghijklmnopqrstu." + "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
CERTIFICATE = "cert_file: s.crt, key_file: s.key"

VALID = {
    "nothing": "",
    "a comment": "# nothing\n",
    "empty sections": "tls_server_config:\nhttp_server_config:\nbasic_auth_users:\nrate_limit:\n",
    "certificate files": f"tls_server_config: {{{CERTIFICATE}}}",
    "inline certificate": "tls_server_config: {cert: PEM, key: PEM}",
    "certificate file, inline key": "tls_server_config: {cert_file: s.crt, key: PEM}",
    "files and inline together": f"tls_server_config: {{{CERTIFICATE}, cert: PEM, key: PEM}}",
    "only versions, which is no TLS": "tls_server_config: {min_version: TLS13}",
    "policy without CA": f"tls_server_config: {{{CERTIFICATE}, client_auth_type: RequireAndVerifyClientCert}}",
    "CA with policy": f"tls_server_config: {{{CERTIFICATE}, client_ca_file: c, client_auth_type: RequestClientCert}}",
    "old name of a policy": f"tls_server_config: {{{CERTIFICATE}, client_auth_type: RequireClientCert}}",
    "empty policy": f"tls_server_config: {{{CERTIFICATE}, client_auth_type: ''}}",
    "allowed names": f"""
        tls_server_config:
          {{{CERTIFICATE}, client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: [a, 127.0.0.1]}}""",
    "all ciphers": f"""
        tls_server_config:
          {{{CERTIFICATE}, cipher_suites: [{", ".join((*web_config.CIPHERS, *web_config.CIPHERS_TLS13))}]}}""",
    "all curves": f"tls_server_config: {{{CERTIFICATE}, curve_preferences: [{', '.join(web_config.CURVES)}]}}",
    "all versions": f"tls_server_config: {{{CERTIFICATE}, min_version: TLS10, max_version: TLS11}}",
    "no HTTP/2, a cipher that HTTP/2 forbids": f"""
        tls_server_config: {{{CERTIFICATE}, cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]}}
        http_server_config: {{http2: false}}""",
    "TLS 1.3 only, no cipher of TLS 1.2": f"""
        tls_server_config: {{{CERTIFICATE}, min_version: TLS13, cipher_suites: [TLS_AES_128_GCM_SHA256]}}""",
    "order of ciphers": f"tls_server_config: {{{CERTIFICATE}, prefer_server_cipher_suites: off}}",
    "HTTP/2 on": "http_server_config: {http2: true}",
    "all headers": """
        http_server_config:
          headers:
            Strict-Transport-Security: max-age=1
            X-Content-Type-Options: nosniff
            X-Frame-Options: sameorigin
            X-XSS-Protection: 1
            Content-Security-Policy: ''""",
    "users": f"basic_auth_users: {{alice: {HASH}, bob: {HASH.replace('2y', '2a')}, 7: {HASH.replace('2y', '2b')}}}",
    "no limit": "rate_limit: {interval: 0, burst: 0}",
    "limit": "rate_limit: {interval: 1s, burst: 5}",
}

INVALID = {
    "junk": ("aGVsbG8\nd29ybGQ\n", "1: must be a section"),
    "a list": ("- a", "must be a section"),
    "not YAML": ("a: [", "while parsing"),
    "unknown section": ("tls: {}", "1: tls: unknown key"),
    "unknown key": (
        "tls_server_config:\n  cert_fiel: x",
        "2: tls_server_config.cert_fiel: unknown key; did you mean cert_f",
    ),
    "unknown key of HTTP": ("http_server_config: {http3: true}", "did you mean http2"),
    "empty certificate file": ("tls_server_config: {cert_file: '', key_file: k}", "missing one of cert or cert_file"),
    "empty certificate": ("tls_server_config: {cert: '', key_file: k}", "missing one of cert or cert_file"),
    "empty key file": ("tls_server_config: {cert_file: c, key_file: ''}", "missing one of key or key_file"),
    "empty key": ("tls_server_config: {cert_file: c, key: ''}", "missing one of key or key_file"),
    "policy alone": ("tls_server_config: {client_auth_type: NoClientCert}", "missing one of cert"),
    "invented policy": (f"tls_server_config: {{{CERTIFICATE}, client_auth_type: x}}", "client_auth_type: must be"),
    "no policy for CA file": (
        f"tls_server_config: {{{CERTIFICATE}, client_ca_file: c}}",
        "client_ca_file: a client CA needs",
    ),
    "no policy for inline CA": (f"tls_server_config: {{{CERTIFICATE}, client_ca: c}}", "client_ca: a client CA needs"),
    "CA, policy of none": (
        f"tls_server_config: {{{CERTIFICATE}, client_ca: c, client_auth_type: NoClientCert}}",
        "a client CA needs",
    ),
    "names without verification": (
        f"tls_server_config: {{{CERTIFICATE}, client_auth_type: RequireAnyClientCert, client_allowed_sans: [a]}}",
        "client_allowed_sans: needs client_auth_type",
    ),
    "invented cipher": (
        f"tls_server_config: {{{CERTIFICATE}, cipher_suites: [TLS_ROT13]}}",
        "cipher_suites[0]: unknown",
    ),
    "weak cipher": (
        f"tls_server_config: {{{CERTIFICATE}, cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]}}",
        "unknown cipher",
    ),
    "invented curve": (f"tls_server_config: {{{CERTIFICATE}, curve_preferences: [CurveP257]}}", "unknown curve"),
    "invented version": (f"tls_server_config: {{{CERTIFICATE}, min_version: TLS111}}", "unknown TLS version"),
    "versions that exclude each other": ("tls_server_config: {min_version: TLS13, max_version: TLS12}", "newer than"),
    "HTTP/2 without its cipher": (
        f"tls_server_config: {{{CERTIFICATE}, cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]}}",
        "HTTP/2 needs",
    ),
    "no cipher for the version": (
        f"""
        tls_server_config: {{{CERTIFICATE}, max_version: TLS12, cipher_suites: [TLS_AES_128_GCM_SHA256]}}
        http_server_config: {{http2: false}}""",
        "none of these is a cipher of TLS 1.2",
    ),
    "a number for a boolean": ("http_server_config: {http2: 1}", "must be true or false"),
    "a word for a boolean": ("http_server_config: {http2: maybe}", "http2: must be a valid boolean"),
    "other header": ("http_server_config: {headers: {Content-Type: text/html}}", "cannot be configured"),
    "header in other case": ("http_server_config: {headers: {x-frame-options: deny}}", "cannot be configured"),
    "invented frame option": ("http_server_config: {headers: {X-Frame-Options: allow}}", "must be deny or sameorigin"),
    "blank frame option": ("http_server_config: {headers: {X-Frame-Options: }}", "must be deny or sameorigin"),
    "invented sniff option": ("http_server_config: {headers: {X-Content-Type-Options: sniff}}", "must be nosniff"),
    "two lines in a header": ('http_server_config: {headers: {X-XSS-Protection: "1\\r\\nA: b"}}', "printable ASCII"),
    "plain password": ("basic_auth_users: {john: doe}", "basic_auth_users.john: not a bcrypt hash"),
    "cost too low": (f"basic_auth_users: {{a: {HASH.replace('$10$', '$03$')}}}", "not a bcrypt hash"),
    "cost too high": (f"basic_auth_users: {{a: {HASH.replace('$10$', '$32$')}}}", "not a bcrypt hash"),
    "hash too short": (f"basic_auth_users: {{a: {HASH[:-1]}}}", "not a bcrypt hash"),
    "other hash": ("basic_auth_users: {a: $argon2id$v=19$m=65536}", "not a bcrypt hash"),
    "duration without unit": ("rate_limit: {interval: '5'}", "not a duration"),
    "negative duration": ("rate_limit: {interval: -1s}", "not a duration"),
    "negative number": ("rate_limit: {interval: -5}", "not a duration"),
    "endless duration": (f"rate_limit: {{interval: {'9' * 400}h}}", "longer than"),
    "huge number": (f"rate_limit: {{interval: {'9' * 400}}}", "not a duration"),
    "negative burst": ("rate_limit: {interval: 1s, burst: -1}", "burst: must be"),
    "text for burst": ("rate_limit: {interval: 1s, burst: many}", "burst: must be"),
}


def read(text: str, folder: Path = Path("/etc/x")) -> WebConfig:
    return web_config.validate(yamlfile.parse(text, folder / "web.yml"))


@pytest.mark.parametrize("text", VALID.values(), ids=VALID)
def test_valid_files_load(text: str) -> None:
    read(text)


@pytest.mark.parametrize(("text", "said"), INVALID.values(), ids=INVALID)
def test_invalid_files_are_refused_with_place_and_reason(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert said in str(caught.value)


def test_every_problem_is_reported_at_once_in_order() -> None:
    text = """
        tls_server_config: {cert_file: c, client_ca: x}
        http_server_config:
          headers: {Foo: 1, X-Frame-Options: no}
        basic_auth_users: {a: b}
        rate_limit: {interval: 1x}
        extra: 1
    """
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert [(problem.line, problem.path) for problem in caught.value.problems] == [
        (2, "tls_server_config"),
        (2, "tls_server_config.client_ca"),
        (4, "http_server_config.headers.Foo"),
        (4, "http_server_config.headers.X-Frame-Options"),
        (5, "basic_auth_users.a"),
        (6, "rate_limit.interval"),
        (7, "extra"),
    ]


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        web_config.load(tmp_path / "none.yml")


def test_defaults() -> None:
    tls = read("").tls_server_config
    assert not tls.enabled
    assert (tls.min_version, tls.max_version, tls.policy) == (TlsVersion.TLS12, TlsVersion.TLS13, ClientAuth.NONE)
    assert tls.prefer_server_cipher_suites


def test_relative_paths_start_at_the_file() -> None:
    tls = read("tls_server_config: {cert_file: a.crt, key_file: /b.key}").tls_server_config
    assert tls.files == (Path("/etc/x/a.crt"), Path("/b.key"))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("'0'", 0), ("1s", 1), ("500ms", 0.5), ("1m30s", 90), ("1.5h", 5400), ("1_000", None), ("2000", 2e-6)],
)
def test_durations_are_read_as_go_reads_them(text: str, seconds: float | None) -> None:
    if seconds is None:
        with pytest.raises(ConfigError):
            read(f"rate_limit: {{interval: {text}}}")
    else:
        assert read(f"rate_limit: {{interval: {text}}}").rate_limit.interval == pytest.approx(seconds)


def test_secrets_are_neither_shown_nor_reported() -> None:
    shown = repr(read(f"tls_server_config: {{cert_file: c, key: CANARY}}\nbasic_auth_users: {{a: {HASH}}}"))
    with pytest.raises(ConfigError) as caught:
        read("tls_server_config: {key: [CANARY]}\nbasic_auth_users: {a: CANARY}")
    assert "CANARY" not in shown + str(caught.value)
    assert HASH not in shown


def test_who_counts_as_authenticated() -> None:
    policy = "tls_server_config: {cert_file: c, key_file: k, client_auth_type: %s}"
    assert read(f"basic_auth_users: {{a: {HASH}}}").authenticates
    assert read(policy % "RequireAndVerifyClientCert").authenticates
    assert not read(policy % "RequireAnyClientCert").authenticates
    assert not read(policy % "VerifyClientCertIfGiven").authenticates


KEYS = st.sampled_from([*WebConfig.model_fields, *web_config.TlsServerConfig.model_fields, "http2", "headers", "burst"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([10**400, -(10**400)])
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(), inner))


@settings(max_examples=300, deadline=None)
@given(VALUES | st.dictionaries(KEYS, VALUES))
def test_whatever_the_data_only_config_errors_are_raised(data: object) -> None:
    with suppress(ConfigError):
        web_config.validate(yamlfile.Document(Path("/x/web.yml"), data, {}))


@settings(max_examples=200, deadline=None)
@given(
    st.text()
    | st.sampled_from([*VALID.values()]).flatmap(lambda text: st.integers(0, len(text)).map(lambda n: text[:n]))
)
def test_whatever_the_text_only_config_errors_are_raised(text: str) -> None:
    with suppress(ConfigError):
        read(text)
