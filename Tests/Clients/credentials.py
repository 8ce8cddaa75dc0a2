"""What opens the routes of one organization: keys made by the command line, and tokens as an identity provider's."""

import base64
import hashlib
import hmac
import json
import time

SECRET = "a secret of the tests, 32 bytes or more"
DIALECTS = ["workspace", "connections", "privacy", "operations", "openmeter"]


def token(organization, **claims):
    """A JSON Web Token, HS256."""
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    claims = {"organization_id": organization, "exp": int(time.time()) + 600, **claims}
    text = ".".join(part(json.dumps(one).encode()) for one in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{text}.{part(hmac.digest(SECRET.encode(), text.encode(), hashlib.sha256))}"


class Credentials:
    """The headers that open the routes."""

    def __init__(self, house, organization, slug):
        self.organization, self.slug = organization, slug
        self.key = house.key(organization, *DIALECTS)
        # The overview's keys are of a form of their own.
        self.overview_key = house.key(organization, "overview")

    def headers(self, path):
        """The headers for a path."""
        if path.startswith("/api/v1/analytics"):
            return {"Authorization": f"Bearer {token(self.organization)}"}
        if path.startswith("/api/v1/app"):
            return {"Authorization": f"Bearer {self.key}", "x-org": self.slug}
        if path.startswith(("/v1/", "/api/v1/meters")):
            return {"Authorization": f"Bearer {self.key}"}
        if path.startswith("/api/connection"):
            return {"Authorization": self.key}
        return {"X-API-Key": self.overview_key} if path.startswith("/api") else {"x-api-key": self.key}
