"""What a report is about: a site, else a region, else an operator."""

from __future__ import annotations

from collector_plugins.sites.endpoint import refuse
from collector_plugins.sites.service import SiteService
from collector_plugins.sites.site import Site


def sites_of(service: SiteService, entity: str) -> list[Site]:
    """The sites that an entity stands for; raises `ApiError` (404) for an unknown one."""
    if entity in service.sites:
        return [service.sites[entity]]
    found = _with(service, "region", entity) or _with(service, "operator", entity)
    if not found:
        fix = "write the id of a site, a region or an operator; GET /api/v1/sites lists them"
        raise refuse(404, f"no site, region or operator is called {entity!r}", "entity", fix)
    return found


def entities(service: SiteService) -> dict[str, list[Site]]:
    """All entities with their sites; a name of several is that of a site, else of a region."""
    now = service.now
    names = {term for site in service.sites.values() for term in _terms(site, now) if term is not None}
    return {name: sites_of(service, name) for name in sorted(names | set(service.sites))}


def _terms(site: Site, now: int) -> tuple[str | None, str | None]:
    terms = site.terms_at(now)
    return terms.region, terms.operator


def sites_in(service: SiteService, region: str) -> list[Site]:
    """The sites of a region; raises `ApiError` (404) for an unknown one."""
    found = _with(service, "region", region)
    if not found:
        raise refuse(404, f"no site is in the region {region!r}", "region", "GET /api/v1/sites lists them")
    return found


def _with(service: SiteService, key: str, value: str) -> list[Site]:
    now = service.now
    return [site for _, site in sorted(service.sites.items()) if getattr(site.terms_at(now), key) == value]
