"""ID tokens: read only after every check (OpenID Connect Core 1.0, section 3.1.3.7)."""

from collections.abc import Mapping
from typing import Any, Final

import jwt
from allauth.socialaccount.providers.oauth2.client import OAuth2Error

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY_SECONDS: Final = 60
LONGEST_SUBJECT: Final = 191


def read(token: str, *, keys: Mapping[str, Any], issuer: str, client_id: str) -> dict[str, Any]:
    """Return the claims of an ID token. Raises OAuth2Error if anything is wrong with it.

    `keys` is the provider's JWK set. The signature is checked although the token came over TLS, the
    algorithm is one of public keys and fits the key, and `sub`, `iss`, `aud`, `exp`, `iat` and `nonce` must be
    there. Whether the nonce is the one that was sent, the caller knows.
    """
    try:
        header = jwt.get_unverified_header(token)
        key = _key(keys, header)
        claims: dict[str, Any] = jwt.decode(
            token,
            key=key,
            algorithms=[header["alg"]],
            issuer=issuer,
            audience=client_id,
            leeway=LEEWAY_SECONDS,
            options={"require": ["sub", "iss", "aud", "exp", "iat", "nonce"]},
        )
    except (jwt.PyJWTError, KeyError, TypeError, ValueError) as error:
        raise OAuth2Error(f"The ID token is refused: {type(error).__name__}") from error
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= LONGEST_SUBJECT:
        raise OAuth2Error("The ID token's subject cannot be used.")
    is_for_many = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (is_for_many or "azp" in claims) and claims.get("azp") != client_id:
        raise OAuth2Error("The ID token was made for another client.")
    return claims


def _key(keys: Mapping[str, Any], header: Mapping[str, Any]) -> jwt.PyJWK:
    """Return the key that a token names; the only one, if it names none."""
    if header["alg"] not in ALGORITHMS:
        raise OAuth2Error("The ID token is signed in a way that is not accepted.")
    fit = [key for key in keys["keys"] if key.get("use", "sig") == "sig"]
    if "kid" in header:
        fit = [key for key in fit if key.get("kid") == header["kid"]]
    if len(fit) != 1:
        raise OAuth2Error("The ID token is signed with a key that the provider does not publish.")
    return jwt.PyJWK(fit[0], algorithm=fit[0].get("alg") or header["alg"])
