"""The shapes of answers, as the OpenAPI document tells them; a file a topic, so that functions load only theirs."""
