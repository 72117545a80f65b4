"""Who signs people and machines in: issuers of OpenID Connect, their keys, and the tokens that they give out."""
