"""The environment variables of the demo's programs."""

import os
from dataclasses import dataclass

from embedded import paths
from embedded.ports import HOST
from embedded.servers import Servers


@dataclass(frozen=True)
class Surroundings:
    """What all programs of one demo share."""

    servers: Servers
    secret_key: str
    port: int
    backend_port: int

    @property
    def console_url(self) -> str:
        # By name: browsers offer no passkeys to a page whose host is an address.
        return f"http://localhost:{self.port}"

    @property
    def backend_url(self) -> str:
        return f"http://{HOST}:{self.backend_port}"

    def of_role(self, role: str) -> dict[str, str]:
        """Production's settings but for plain HTTP on the loopback, connected as one database role."""
        return os.environ | self.own(role)

    def own(self, role: str) -> dict[str, str]:
        """What is added to the environment at hand."""
        return {
            **self.servers.environment(role),
            "DJANGO_SETTINGS_MODULE": "ops_console.settings",
            "DEBUG": "0",
            "HTTPS": "0",
            "ENVIRONMENT": "demo",
            "SECRET_KEY": self.secret_key,
            "DEMO_CONSOLE_URL": self.console_url,
            "DEMO_BACKEND_URL": self.backend_url,
            "DEMO_SIGN_INS": str(paths.SIGN_INS),
            "DEMO_STORAGE": str(paths.LOCAL / "storage"),
            "OPS_SNAPSHOT_DIR": str(paths.LOCAL / "snapshots"),
            "PYTHONUNBUFFERED": "1",
        }
