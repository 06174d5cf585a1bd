"""Who knows names: the sockets of container runtimes, and the kubelet.

Formats: https://docs.docker.com/reference/api/engine/ (ContainerList; Podman answers in the same way), CRI's
runtime.v1 (https://github.com/kubernetes/cri-api), and Kubernetes' PodList as the kubelet serves it at `/pods`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from pydantic import SecretStr

from collector_core import AuthFailed, Context, HttpClient, NotAvailable, Reason
from collector_core.storage import read_bounded
from collector_core.wire import contents, cri_containers, listed_messages
from collector_plugins.workloads import grpc
from collector_plugins.workloads.config import Config, Kubelet
from collector_plugins.workloads.names import Identity

DOCKER_SOCKETS = ("/run/docker.sock", "/run/podman/podman.sock")
CRI_SOCKETS = ("/run/containerd/containerd.sock", "/run/crio/crio.sock")
_LIST_CONTAINERS = "/runtime.v1.RuntimeService/ListContainers"
_LIST_PODS = "/runtime.v1.RuntimeService/ListPodSandbox"
_MOST_BYTES = 32 << 20
_MOST_TOKEN_BYTES = 64 << 10
_HASHED = "pod-template-hash"
_CONFIG_HASH = "kubernetes.io/config.hash"  # by which the kubelet calls the control groups of static pods


class NameSource(Protocol):
    """Somebody who knows names; `place` is what messages call it."""

    place: str

    @property
    def is_there(self) -> bool:
        """Whether it makes sense to ask."""

    async def ask(self, http: HttpClient) -> dict[str, Identity]:
        """Identities by id of the container, or by uid of the pod without dashes; raises what may go wrong."""


class Docker:
    """Docker's API, which Podman speaks, too."""

    def __init__(self, socket: Path, *, is_optional: bool) -> None:
        self.place = str(socket)
        self._socket = socket
        self._is_optional = is_optional
        self._runtime = "podman" if "podman" in socket.name else "docker"

    @property
    def is_there(self) -> bool:
        """Whether its socket exists, or was asked for."""
        return not self._is_optional or self._socket.exists()

    async def ask(self, http: HttpClient) -> dict[str, Identity]:
        """The containers that run."""
        url = f"http://{self._runtime}/containers/json"
        told = await http.get_json(url, socket=self.place, limit=_MOST_BYTES)
        return dict(_of_docker(told, self._runtime))


class Cri:
    """The Container Runtime Interface of containerd and CRI-O."""

    def __init__(self, socket: Path, *, is_optional: bool) -> None:
        self.place = str(socket)
        self._socket = socket
        self._is_optional = is_optional
        self._runtime = "cri-o" if "crio" in socket.name else "containerd"

    @property
    def is_there(self) -> bool:
        """Whether its socket exists, or was asked for."""
        return not self._is_optional or self._socket.exists()

    async def ask(self, http: HttpClient) -> dict[str, Identity]:
        """The containers and pods that there are."""
        del http
        containers = await grpc.call(self.place, _LIST_CONTAINERS)
        pods = await grpc.call(self.place, _LIST_PODS)
        try:
            return dict([*_of_cri_containers(containers, self._runtime), *_of_cri_pods(pods, self._runtime)])
        except ValueError as error:
            raise NotAvailable(Reason.BAD_DATA, f"{self.place}: {error}") from error


class KubeletPods:
    """The kubelet's list of its pods, which names their owners."""

    def __init__(self, options: Kubelet) -> None:
        self.place = "the kubelet"
        self.is_there = True
        self._url = f"{options.url.rstrip('/')}/pods"
        self._options = options
        self._ca_file = str(options.ca_file) if options.ca_file else None

    async def ask(self, http: HttpClient) -> dict[str, Identity]:
        """The pods of this node."""
        token = self._token()
        try:
            told = await http.get_json(self._url, token=token, ca_file=self._ca_file, limit=_MOST_BYTES)
        except AuthFailed as error:
            if self._options.token_file is None:
                raise
            raise NotAvailable(Reason.AUTH, error.detail, fix=error.fix) from error  # the next token may be right
        return dict(_of_kubelet(told))

    def _token(self) -> SecretStr | None:
        file = self._options.token_file
        if file is None:
            return self._options.token
        try:
            return SecretStr(read_bounded(file, _MOST_TOKEN_BYTES, follow_symlinks=True).decode().strip())
        except (OSError, ValueError) as error:
            detail = f"{file}: {getattr(error, 'strerror', None) or error}"
            raise NotAvailable(Reason.PERMISSION, detail, fix="check `kubelet.token_file`") from error


def sources(config: Config, ctx: Context) -> list[NameSource]:
    """Whom to ask, the kubelet first: it knows the most."""
    found: list[NameSource] = [KubeletPods(config.kubelet)] if config.kubelet else []
    if config.runtimes == "auto":
        found += [Docker(ctx.path(socket), is_optional=True) for socket in DOCKER_SOCKETS]
        found += [Cri(ctx.path(socket), is_optional=True) for socket in CRI_SOCKETS]
    elif config.runtimes != "off":
        for socket in map(Path, config.runtimes):
            is_cri = "containerd" in socket.name or "crio" in socket.name
            found.append((Cri if is_cri else Docker)(socket, is_optional=False))
    return found


def _of_docker(told: object, runtime: str) -> Iterator[tuple[str, Identity]]:
    for container in _objects(told):
        names = container.get("Names")
        name = names[0] if isinstance(names, list) and names and isinstance(names[0], str) else ""
        identity = Identity.of(name=name.removeprefix("/"), image=container.get("Image"), runtime=runtime)
        if isinstance(key := container.get("Id"), str) and identity.name:
            yield key, identity


def _of_kubelet(told: object) -> Iterator[tuple[str, Identity]]:
    items = told.get("items") if isinstance(told, dict) else None
    for pod in _objects(items):
        metadata = _object(pod.get("metadata"))
        images = [container.get("image") for container in _objects(_object(pod.get("spec")).get("containers"))]
        identity = Identity.of(
            name=metadata.get("name"),
            namespace=metadata.get("namespace"),
            image=images[0] if len(images) == 1 else "",
            owner=_owner(metadata),
        )
        for key in (metadata.get("uid"), _object(metadata.get("annotations")).get(_CONFIG_HASH)):
            if isinstance(key, str) and key and identity.name:
                yield plain_uid(key), identity


def _owner(metadata: Mapping[str, Any]) -> str:
    """`Kind/name` of what controls a pod; a ReplicaSet of a Deployment stands for that."""
    owners = _objects(metadata.get("ownerReferences"))
    owner = next((each for each in owners if each.get("controller")), owners[0] if owners else {})
    kind, name = owner.get("kind"), owner.get("name")
    if not (isinstance(kind, str) and isinstance(name, str)):
        return ""
    hashed = _object(metadata.get("labels")).get(_HASHED)
    if kind == "ReplicaSet" and isinstance(hashed, str) and hashed and name.endswith(f"-{hashed}"):
        return f"Deployment/{name.removesuffix(f'-{hashed}')}"
    return f"{kind}/{name}"


def _of_cri_containers(answer: bytes, runtime: str) -> Iterator[tuple[str, Identity]]:
    for container in cri_containers(answer):
        yield container.id, Identity.of(name=container.name, image=container.image, runtime=runtime)


def _of_cri_pods(answer: bytes, runtime: str) -> Iterator[tuple[str, Identity]]:
    """ListPodSandboxResponse: items = 1; of each metadata = 2 {name = 1, uid = 2, namespace = 3}."""
    for pod in listed_messages(answer):
        told = contents(contents(pod).get(2, b""))
        name, uid, namespace = (_text(told.get(part, b"")) for part in (1, 2, 3))
        yield plain_uid(uid), Identity.of(name=name, namespace=namespace, runtime=runtime)


def plain_uid(uid: str) -> str:
    """A pod's uid, which is written with and without dashes."""
    return uid.replace("-", "")


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
