"""Which tests one worker runs after another: those of a file, or of an `xdist_group`, share what they start."""

from xdist.scheduler import LoadGroupScheduling


class LoadFileOrGroupScheduling(LoadGroupScheduling):
    """As `--dist loadgroup`, but tests of no group stay with their file, as in `--dist loadfile`."""

    def _split_scope(self, nodeid: str) -> str:
        group: str = super()._split_scope(nodeid)
        return nodeid.partition("::")[0] if group == nodeid else group
