"""Zapier's AI actions: ``POST /api/v1/exposed/{id}/execute/?api_key=...``."""

from __future__ import annotations

from tests.peers.http_service import Asked, HttpService, Reply

KEY = "sk-ak-test-0123456789"
ACTION = "01H8ZQ9XGX4V5E8B1T3A7M2K6N"


class ZapierServer(HttpService):
    """Sends the mail that the instructions speak of."""

    def answer(self, asked: Asked) -> Reply:
        if asked.query.get("api_key") != KEY:
            return Reply({"detail": f"Invalid token {asked.query.get('api_key')}"}, 403)
        if (asked.method, asked.path) != ("POST", f"/api/v1/exposed/{ACTION}/execute/"):
            return Reply({"detail": "Not found."}, 404)
        if not asked.json.get("instructions"):
            return Reply({"instructions": ["This field is required."]}, 400)
        if asked.json["instructions"] == "fail":
            return Reply({"status": "error", "error": "Gmail is not connected.", "result": None})
        return Reply(
            {
                "id": "9a1c",
                "action_used": "Gmail: Send Email",
                "input_params": asked.json,
                "status": "success",
                "error": None,
                "result": {"subject": "Hello"},
            }
        )
